//! A small company: who works there, in which pools, in which hours.
//!
//! `sam` and `siobhan` are in support; `rita` and `ravi` review for the pool `backend`, which `lena`
//! leads. `dora`, `dirk` and `dan` exist for further pools, `olga` and `otto` are on no roster.
//! Ravi carries one review from elsewhere, so rita is asked first unless something speaks against it.
//! Everybody works Monday to Friday, 09:00 to 17:00 in London, unless a test says otherwise.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use usher_core::model::absence::{Absences, BusyPeople};
use usher_core::model::calendar::Hours;
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::load::Load;
use usher_core::model::people::{Directory, Roster, Workload, Workloads};
use usher_core::model::policy::{ForgePolicy, Pattern, PersonPolicy, Policy, Pool, Route, Support};
use usher_core::model::queue::{Queue, Waiting};
use usher_words::templates::Templates;

/// Everybody with an account on the forge, Usher first. The place in the list makes the id.
pub const ACCOUNTS: [&str; 13] = [
    "usher",
    "sam",
    "siobhan",
    "rita",
    "ravi",
    "lena",
    "dora",
    "dirk",
    "dan",
    "olga",
    "otto",
    "renovate-bot",
    "lint-bot",
];

pub const PROJECT: &str = "acme/shop";

/// The account of somebody in [`ACCOUNTS`].
pub fn account(name: &str) -> Option<Account> {
    let place = ACCOUNTS.iter().position(|known| *known == name)?;
    Some(Account::new(place as u64 + 1, name))
}

/// The time zone of every story.
pub fn london() -> TimeZone {
    zone("Europe/London")
}

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|error| panic!("no time zone {name}: {error}"))
}

/// What the judgement needs to know besides the review.
#[derive(Clone, Debug)]
pub struct Company {
    pub policy: Policy,
    pub roster: Roster,
    /// What people carry from other changes.
    pub elsewhere: Workloads,
    pub first_seen: Timestamp,
    /// What people said of their own absence.
    pub absences: Absences,
    /// The company's own words.
    pub templates: Templates,
    /// Whom another forge shows as busy.
    pub busy_elsewhere: BusyPeople,
    /// The forges do not tell any more who is busy.
    pub statuses_stopped: bool,
    /// Other changes that wait, and for whom: what `elsewhere.queue` is made of.
    pub lines: Vec<(String, Waiting)>,
}

pub fn pool(name: &str, members: &[&str], lead: Option<&str>) -> Pool {
    Pool {
        name: name.into(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
        leads: lead.map(str::to_owned).into_iter().collect(),
        ..Pool::default()
    }
}

pub fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Company {
    pub fn new() -> Company {
        let everything = vec![pattern("**")];
        let policy = Policy {
            forges: vec![ForgePolicy::new("forge", ForgeKind::GitLab, everything)],
            support: Support { members: vec!["sam".into(), "siobhan".into()], ..Support::default() },
            pools: vec![pool("backend", &["rita", "ravi"], Some("lena"))],
            routes: vec![Route { pool: "backend".into(), ..Route::default() }],
            default_hours: Arc::new(Hours::office(london())),
            ..Policy::default()
        };
        let accounts = ACCOUNTS.iter().filter_map(|name| Some(((*name).to_owned(), account(name)?)));
        let roster = Roster {
            fetched_at: Some(Timestamp::UNIX_EPOCH),
            me: account("usher"),
            accounts: accounts.collect(),
            ..Roster::default()
        };
        let mut elsewhere = Workloads::default();
        elsewhere.people.insert("ravi".into(), Workload { open: Load::WHOLE, ..Workload::default() });
        Company {
            policy,
            roster,
            elsewhere,
            first_seen: Timestamp::UNIX_EPOCH,
            absences: Absences::new(),
            templates: Templates::default(),
            busy_elsewhere: BusyPeople::new(),
            statuses_stopped: false,
            lines: vec![],
        }
    }

    pub fn directory(&self) -> Directory {
        let mut directory = Directory::new(&self.policy, "forge", &self.roster);
        let mut busy = self.busy_elsewhere.clone();
        directory.tell_busy(&mut busy);
        directory.heed(&self.absences, &busy);
        directory
    }

    /// The forges are asked who is busy; false when nobody was.
    pub fn read_statuses(&mut self, now: Timestamp) -> bool {
        let known = self.roster.busy.values_mut().chain(self.busy_elsewhere.values_mut());
        let mut any = false;
        for busy in known.filter(|_| !self.statuses_stopped) {
            (busy.seen_at, any) = (now, true);
        }
        any
    }

    /// Another change waits for somebody.
    pub fn line_up(&mut self, person: &str, waiting: Waiting) {
        self.elsewhere.queue.join(person, waiting.clone());
        self.lines.push((person.to_owned(), waiting));
    }

    /// Nobody else waits for anybody.
    pub fn nobody_waits(&mut self) {
        self.elsewhere.queue = Queue::default();
        self.lines.clear();
    }

    pub fn change(&self) -> ChangeKey {
        ChangeKey::new("forge", PROJECT, 7)
    }

    pub fn person_mut(&mut self, name: &str) -> &mut PersonPolicy {
        self.policy.people.entry(name.to_owned()).or_default()
    }
}
