//! A company with one pool, and what happens to a change there: for the benches that decide.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use usher_core::model::calendar::Hours;
use usher_core::model::change::{Account, ChangeState, ForgeKind, SeenReviewers, Snapshot};
use usher_core::model::fact::{Act, Actor, Fact};
use usher_core::model::people::Roster;
use usher_core::model::policy::{ForgePolicy, Pattern, Policy, Pool, Route, Support};

/// Monday, 2026-11-23, 10:00 in London.
const OPENED_SECOND: i64 = 1_795_428_000;

pub(crate) struct Company {
    pub(crate) policy: Policy,
    pub(crate) roster: Roster,
}

pub(crate) fn account(id: u64) -> Account {
    let login = if id == 1 { "sam".to_owned() } else { format!("reviewer-{id}") };
    Account::new(id, login)
}

impl Company {
    /// One pool of so many reviewers in three time zones, with different desks.
    pub(crate) fn new(members: u64) -> Company {
        let zones = ["Europe/London", "America/New_York", "Asia/Kolkata"].map(|name| {
            let zone = TimeZone::get(name).expect("the time zone database is built in");
            Arc::new(Hours::office(zone))
        });
        let reviewers: Vec<Account> = (2..members + 2).map(account).collect();
        let any = || vec![Pattern::new("**").expect("a glob")];
        let mut policy = Policy {
            forges: vec![ForgePolicy::new("forge", ForgeKind::GitLab, any())],
            support: Support { members: vec!["sam".into()], ..Support::default() },
            pools: vec![Pool {
                name: "backend".into(),
                members: reviewers.iter().map(|account| account.login.clone()).collect(),
                leads: vec![account(2).login],
                ..Pool::default()
            }],
            routes: vec![Route { pool: "backend".into(), projects: any(), ..Route::default() }],
            default_hours: zones[0].clone(),
            ..Policy::default()
        };
        for (index, reviewer) in reviewers.iter().enumerate() {
            let hours = Some(zones[index % zones.len()].clone());
            policy.people.entry(reviewer.login.clone()).or_default().hours = hours;
        }
        let known = reviewers.into_iter().chain([account(1)]);
        let roster = Roster {
            fetched_at: Some(Timestamp::UNIX_EPOCH),
            accounts: known.map(|account| (account.login.clone(), account)).collect(),
            ..Roster::default()
        };
        Company { policy, roster }
    }
}

pub(crate) fn opened_at() -> Timestamp {
    Timestamp::from_second(OPENED_SECOND).expect("a date of this century")
}

pub(crate) fn snapshot(updated_at: Timestamp) -> Snapshot {
    Snapshot {
        project_id: Some(7),
        title: "Fix the rounding of totals".into(),
        url: "https://forge.example/acme/shop/7".into(),
        author: account(1),
        state: ChangeState::Open,
        draft: Some(false),
        labels: Some(BTreeSet::new()),
        reviewers: Some(SeenReviewers { list: vec![], complete: true, beside: None }),
        target_branch: Some("main".into()),
        tickets: None,
        head: Some("0123456789abcdef".into()),
        size: None,
        created_at: Some(opened_at()),
        updated_at,
    }
}

pub(crate) fn told(by: u64, act: Act, snapshot: &Snapshot) -> Fact {
    let by = Actor { account: account(by), bot: false };
    Fact::Told { act, by, at: snapshot.updated_at, snapshot: snapshot.clone() }
}

pub(crate) fn opening() -> Fact {
    told(1, Act::Touched, &snapshot(opened_at()))
}
