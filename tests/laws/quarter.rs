//! A quarter of a company's year, simulated: 13 weeks of changes for one pool, and several ways to
//! choose who is asked, on the same input.
//!
//! What is real: `pick`, directory, calendars, leave, workloads. What is made up: who is in the pool,
//! what comes in when, and how reviewers answer. A reviewer works through what they were asked, one
//! after the other, in their working hours only; an answer takes them the change's effort times 10,
//! divided by their capacity (capacity 5: half of the working time goes into reviews). A third of the
//! changes stays open for a day after the first answer.

use std::sync::Arc;

use jiff::civil::{Date, Weekday, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use usher_core::choose::pick::pick;
use usher_core::model::calendar::{Agenda, Away, Hours};
use usher_core::model::candidate::{Candidate, Judgement};
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::fingerprint::fingerprint;
use usher_core::model::load::Load;
use usher_core::model::people::{Directory, Person, Roster, Workloads};
use usher_core::model::policy::{ForgePolicy, PersonPolicy, Policy, Pool, Route};
use usher_core::model::review::Review;
use usher_core::model::world::World;

use crate::support::company::{pattern, zone};

/// A Monday; in the quarter that follows daylight saving ends in London and in Los Angeles.
const FIRST_DAY: Date = date(2026, 9, 28);
const WEEKS: i64 = 13;
const HOUR_MILLIS: i64 = 3_600_000;
/// The reviewing box.
const BOX_MILLIS: i64 = 8 * HOUR_MILLIS;
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Support, reviewers of even number.
const HOME: &str = "Europe/London";
const DAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// Numbers that look random and are always the same (splitmix64).
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What distinguishes one simulated company from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub pool_size: usize,
    /// Another one, another quarter.
    pub seed: u64,
    /// Where the other half of the reviewers works, and the rest of support.
    pub elsewhere: &'static str,
    /// How much of support works in London.
    pub home_percent: u64,
    /// How much of what the pool can answer comes in.
    pub busy_percent: u64,
}

struct Arrival {
    at: Timestamp,
    region: usize,
    effort_millis: i64,
    open_afterwards: SignedDuration,
}

/// The company and all that comes in.
pub(super) struct Quarter {
    policy: Policy,
    pub directory: Directory,
    arrivals: Vec<Arrival>,
    support: [Hours; 2],
    pub names: Vec<String>,
}

/// A way to choose who is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chooser {
    Usher,
    /// The four keys of the first design as they are written, without easing in.
    Letter,
    Random {
        skips_absent: bool,
    },
    RoundRobin {
        skips_absent: bool,
    },
}

/// One request for a review.
struct Asked {
    at: Timestamp,
    person: usize,
    /// Everybody else was out of the question.
    only_one: bool,
    in_box: bool,
    in_authors_day: bool,
    wait_hours: f64,
    away: bool,
}

impl Quarter {
    pub fn new(setting: Setting) -> Quarter {
        let mut dice = Dice(setting.seed * 1_000 + setting.pool_size as u64);
        let zones = [HOME, setting.elsewhere];
        let names: Vec<String> = (0..setting.pool_size).map(|index| format!("r{index:02}")).collect();
        let mut policy = Policy {
            forges: vec![ForgePolicy::new("forge", ForgeKind::GitLab, vec![pattern("**")])],
            routes: vec![Route { pool: "pool".into(), ..Route::default() }],
            pools: vec![Pool { name: "pool".into(), members: names.clone(), ..Pool::default() }],
            ..Policy::default()
        };
        for (index, name) in names.iter().enumerate() {
            let own = person(index, setting.pool_size, zones[index % 2], &mut dice);
            policy.people.insert(name.clone(), own);
        }
        let accounts = names.iter().enumerate();
        let accounts = accounts.map(|(index, name)| (name.clone(), Account::new(index as u64 + 10, name)));
        let fetched_at = Some(Timestamp::UNIX_EPOCH);
        let roster = Roster { fetched_at, accounts: accounts.collect(), ..Roster::default() };
        let directory = Directory::new(&policy, "forge", &roster);
        let support = zones.map(|name| Hours::office(zone(name)));
        let mut quarter = Quarter { policy, directory, arrivals: vec![], support, names };
        quarter.arrive(setting, &mut dice);
        quarter
    }

    /// Spreads changes over support's working hours. The mean effort of a change is 75 minutes.
    fn arrive(&mut self, setting: Setting, dice: &mut Dice) {
        let weekly = |person: &Person| person.week_millis * i64::from(person.capacity.unwrap()) / 10;
        let weekly_millis: i64 = self.names.iter().map(|name| weekly(self.person(name))).sum();
        let count = weekly_millis * WEEKS / (75 * 60_000) * setting.busy_percent as i64 / 100;
        for _ in 0..count {
            let region = usize::from(dice.below(100) >= setting.home_percent);
            let days = dice.below(13) * 7 + dice.below(5);
            let day = FIRST_DAY.checked_add((days as i64).days()).unwrap();
            let midnight = self.support[region].timezone().to_timestamp(day.at(0, 0, 0, 0)).unwrap();
            let second = SignedDuration::from_secs(9 * 3_600 + dice.below(8 * 3_600) as i64);
            let effort_millis = [30, 45, 60, 90, 150][dice.below(5) as usize] * 60_000;
            let open_afterwards = SignedDuration::from_hours([0, 0, 24][dice.below(3) as usize]);
            self.arrivals.push(Arrival { at: midnight + second, region, effort_millis, open_afterwards });
        }
        self.arrivals.sort_by_key(|arrival| arrival.at);
    }

    pub fn changes(&self) -> usize {
        self.arrivals.len()
    }

    fn person(&self, name: &str) -> &Person {
        self.directory.by_name(name).unwrap()
    }
}

/// Capacities from 2 to 6; every third works four or three days a week, every eighth mornings only;
/// everybody has one leave, of one or of two weeks.
fn person(index: usize, of: usize, zone_name: &str, dice: &mut Dice) -> PersonPolicy {
    let days: &[Weekday] = match index % 6 {
        2 => &DAYS[..3],
        5 => &DAYS[1..],
        _ => &DAYS,
    };
    let hours = if index % 8 == 3 { (540, 780) } else { (540, 1020) };
    let week = 2 + (index * 10 / of) as i64 + dice.below(2) as i64;
    let first = FIRST_DAY.checked_add((week * 7).days()).unwrap();
    let last = first.checked_add((7 * (1 + dice.below(2) as i64) - 3).days()).unwrap();
    PersonPolicy {
        hours: Some(Arc::new(Hours::new(zone(zone_name), days, &[hours], []))),
        capacity: Some([5, 3, 4, 6, 2, 5, 3][index % 7]),
        away: vec![Away { first, last }],
        ..PersonPolicy::default()
    }
}

/// What somebody has on their desk.
#[derive(Default, Clone)]
struct Desk {
    busy_until: Timestamp,
    /// When each of their open reviews will be closed.
    closes: Vec<Timestamp>,
}

/// One run through the quarter.
struct Run<'a> {
    quarter: &'a Quarter,
    chooser: Chooser,
    dice: Dice,
    turn: usize,
    desks: Vec<Desk>,
    workloads: Workloads,
}

impl Quarter {
    /// Lets `chooser` choose for every change of the quarter.
    pub fn run(&self, chooser: Chooser) -> Outcome<'_> {
        let desks = vec![Desk::default(); self.names.len()];
        let mut run =
            Run { quarter: self, chooser, dice: Dice(77), turn: 0, desks, workloads: Workloads::default() };
        let asked = self.arrivals.iter().enumerate().map(|(number, arrival)| run.take(number, arrival));
        Outcome { quarter: self, asked: asked.collect() }
    }
}

impl Run<'_> {
    /// Asks somebody for a change; when nobody can be asked, again after half an hour.
    fn take(&mut self, number: usize, arrival: &Arrival) -> Asked {
        let mut at = arrival.at;
        let (person, only_one) = loop {
            if let Some(chosen) = self.choose(number, at) {
                break chosen;
            }
            at += SignedDuration::from_mins(30);
        };
        let name = &self.quarter.names[person];
        let who = self.quarter.person(name);
        let (agenda, desk) = (who.agenda(), &mut self.desks[person]);
        let work_millis = arrival.effort_millis * 10 / i64::from(who.capacity.unwrap());
        let answered = agenda.add(desk.busy_until.max(at), work_millis).unwrap();
        desk.busy_until = answered;
        desk.closes.push(answered + arrival.open_afterwards);
        let load = self.workloads.people.entry(name.clone()).or_default();
        load.last_asked = Some(at);
        load.asked.add(at);
        let author = Agenda::new(&self.quarter.support[arrival.region], &[]);
        Asked {
            at,
            person,
            only_one,
            in_box: agenda.between(at, answered) <= BOX_MILLIS,
            in_authors_day: author.between(arrival.at, answered) <= BOX_MILLIS,
            wait_hours: answered.duration_since(arrival.at).as_secs_f64() / 3_600.0,
            away: agenda.away_until(at).is_some(),
        }
    }

    /// The chosen one's number, and whether there was no choice.
    fn choose(&mut self, number: usize, now: Timestamp) -> Option<(usize, bool)> {
        let quarter = self.quarter;
        match self.chooser {
            Chooser::Usher | Chooser::Letter => {}
            Chooser::Random { skips_absent } => {
                let some = self.candidates(skips_absent, now);
                return Some((some[self.dice.below(some.len() as u64) as usize], false));
            }
            Chooser::RoundRobin { skips_absent } => {
                let some = self.candidates(skips_absent, now);
                let size = quarter.names.len();
                let next =
                    (self.turn..self.turn + size).map(|turn| turn % size).find(|p| some.contains(p))?;
                self.turn = next + 1;
                return Some((next, false));
            }
        }
        for (name, desk) in quarter.names.iter().zip(&mut self.desks) {
            desk.closes.retain(|at| *at > now);
            self.workloads.people.entry(name.clone()).or_default().open =
                Load::of_reviews(desk.closes.len() as u32);
        }
        let world = World {
            policy: &quarter.policy,
            directory: &quarter.directory,
            workloads: &self.workloads,
            first_seen: Timestamp::UNIX_EPOCH,
            unsent: false,
            now,
        };
        let mut review = Review::new(ChangeKey::new("forge", "acme/shop", number as u64));
        review.author = Account::new(1, "sam");
        let choice = pick(&world, &review, &quarter.policy.pools[0], None);
        let others = choice.candidates.iter().any(|c| matches!(c.standing, Judgement::Free { .. }));
        let name = if self.chooser == Chooser::Letter {
            by_the_letter(&world, number, &choice.candidates)?
        } else {
            choice.chosen?
        };
        Some((quarter.names.iter().position(|known| *known == name)?, !others))
    }

    /// Whom a simple tool would choose from: everybody, or whoever is not on leave today.
    fn candidates(&self, skips_absent: bool, now: Timestamp) -> Vec<usize> {
        let away = |person: usize| {
            let person = self.quarter.person(&self.quarter.names[person]);
            person.agenda().away_until(now).is_some()
        };
        let everybody = 0..self.desks.len();
        let there: Vec<usize> = everybody.clone().filter(|person| !skips_absent || !away(*person)).collect();
        if there.is_empty() { everybody.collect() } else { there }
    }
}

/// Soonest at work, smallest open workload, longest not asked (within five days), hash.
fn by_the_letter(world: &World<'_>, number: usize, candidates: &[Candidate]) -> Option<String> {
    let place = |candidate: &&Candidate| {
        let (Judgement::Free { free_at, open, capacity }
        | Judgement::EasedIn { free_at, open, capacity, .. }
        | Judgement::Chosen { free_at, open, capacity, .. }) = candidate.standing
        else {
            return None;
        };
        let memory = world.now - SignedDuration::from_hours(5 * 24);
        let asked = world.workloads.of(&candidate.person).last_asked.map_or(memory, |at| at.max(memory));
        let tie = fingerprint([&number.to_string(), candidate.person.as_str()]);
        Some((free_at, open.halves() * 500 / capacity, asked, tie))
    };
    let askable = candidates.iter().filter(|candidate| place(candidate).is_some());
    askable.min_by_key(place).map(|candidate| candidate.person.clone())
}

/// Who was asked, and how it went.
pub(super) struct Outcome<'a> {
    quarter: &'a Quarter,
    asked: Vec<Asked>,
}

impl Outcome<'_> {
    /// Requests per person, for what the person can carry: capacity times working time in the quarter,
    /// leave left out.
    fn loads(&self) -> Vec<f64> {
        let start = self.quarter.support[0].timezone().to_timestamp(FIRST_DAY.at(0, 0, 0, 0)).unwrap();
        let end = start + WEEK * (WEEKS as i32);
        let mut loads = vec![0.0; self.quarter.names.len()];
        for asked in &self.asked {
            loads[asked.person] += 1.0;
        }
        for (load, name) in loads.iter_mut().zip(&self.quarter.names) {
            let person = self.quarter.person(name);
            let hours = person.agenda().between(start, end) as f64 / HOUR_MILLIS as f64;
            *load /= f64::from(person.capacity.unwrap()) * hours;
        }
        loads
    }

    /// The Gini coefficient of what people were asked for what they can carry: 0 is even.
    pub fn gini(&self) -> f64 {
        let loads = self.loads();
        let distances = loads.iter().flat_map(|one| loads.iter().map(move |other| (one - other).abs()));
        distances.sum::<f64>() / (2.0 * loads.len() as f64 * loads.iter().sum::<f64>())
    }

    /// The most loaded against the mean.
    pub fn max_to_mean(&self) -> f64 {
        let loads = self.loads();
        loads.iter().copied().fold(0.0, f64::max) * loads.len() as f64 / loads.iter().sum::<f64>()
    }

    fn share(&self, what: impl Fn(&Asked) -> bool) -> f64 {
        self.asked.iter().filter(|asked| what(asked)).count() as f64 / self.asked.len() as f64
    }

    /// First answers within 8 hours of the reviewer's working time since they were asked.
    pub fn in_box(&self) -> f64 {
        self.share(|asked| asked.in_box)
    }

    /// First answers within 8 hours of the author's working time since the change came in.
    pub fn in_authors_day(&self) -> f64 {
        self.share(|asked| asked.in_authors_day)
    }

    /// Hours by the wall clock from a change to its first answer, of the change at `percent`.
    pub fn wait_hours(&self, percent: usize) -> f64 {
        let mut waits: Vec<f64> = self.asked.iter().map(|asked| asked.wait_hours).collect();
        waits.sort_by(f64::total_cmp);
        waits[(waits.len() - 1) * percent / 100]
    }

    /// Requests to somebody who was on leave.
    pub fn asked_away(&self) -> usize {
        self.asked.iter().filter(|asked| asked.away).count()
    }

    /// The largest number of requests above their share that somebody got in the week after their leave
    /// while others could be asked. A share is by capacity, of all that the pool was asked in that week.
    pub fn most_above_share_after_leave(&self) -> f64 {
        let of = |person: usize| self.quarter.person(&self.quarter.names[person]);
        let capacity = |person: usize| f64::from(of(person).capacity.unwrap());
        let all: f64 = (0..self.quarter.names.len()).map(capacity).sum();
        let above = (0..self.quarter.names.len()).map(|person| {
            let back = of(person).away[0].last.tomorrow().unwrap().to_string();
            // The days of UTC are those that are counted.
            let start: Timestamp = format!("{back}T00:00Z").parse().unwrap();
            let week = self.asked.iter().filter(|a| start <= a.at && a.at < start + WEEK);
            let (mut pool, mut own, mut forced) = (0, 0, 0);
            for asked in week {
                pool += 1;
                own += i32::from(asked.person == person);
                forced += i32::from(asked.person == person && asked.only_one);
            }
            f64::from(own - forced) - f64::from(pool) * capacity(person) / all
        });
        above.fold(f64::MIN, f64::max)
    }
}
