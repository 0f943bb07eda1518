//! How long one decision takes, beside how long it takes to write the same review as JSON, which the
//! store does with every decision. The ratio of the two, taken in one run, says something on any
//! machine; the microseconds only on this one. Nothing is asserted. `just bench`; docs/benchmarks.md.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use usher_core::decide;
use usher_core::model::action::Action;
use usher_core::model::calendar::Hours;
use usher_core::model::change::{
    Account, ChangeKey, ChangeState, ForgeKind, SeenReviewer, SeenReviewers, Snapshot, Verdict,
};
use usher_core::model::fact::{Act, Actor, Fact};
use usher_core::model::load::Load;
use usher_core::model::people::{Directory, Roster, Workload, Workloads};
use usher_core::model::policy::{ForgePolicy, Pattern, Policy, Pool, Route, Support};
use usher_core::model::review::Review;
use usher_core::model::world::World;

/// Monday, 2026-11-23, 10:00 in London.
const OPENED_SECOND: i64 = 1_795_428_000;
/// Long enough that reading the clock does not count.
const BATCH: u32 = 200;
/// The best of so many batches, taken in turn with those it is compared with.
const ROUNDS: usize = 60;

struct Company {
    policy: Policy,
    directory: Directory,
    workloads: Workloads,
}

fn account(id: u64) -> Account {
    let login = if id == 1 { "sam".to_owned() } else { format!("reviewer-{id}") };
    Account::new(id, login)
}

impl Company {
    /// One pool of so many reviewers in three time zones, with different desks.
    fn new(members: u64) -> Company {
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
        let mut workloads = Workloads::default();
        for (index, reviewer) in reviewers.iter().enumerate() {
            let hours = Some(zones[index % zones.len()].clone());
            policy.people.entry(reviewer.login.clone()).or_default().hours = hours;
            let mut load = Workload { open: Load::of_reviews(index as u32 % 4), ..Workload::default() };
            (0..index % 6)
                .for_each(|days| load.asked.add(opened_at() - SignedDuration::from_hours(24 * days as i64)));
            workloads.people.insert(reviewer.login.clone(), load);
        }
        let known = reviewers.into_iter().chain([account(1)]);
        let roster = Roster {
            fetched_at: Some(Timestamp::UNIX_EPOCH),
            accounts: known.map(|account| (account.login.clone(), account)).collect(),
            ..Roster::default()
        };
        let directory = Directory::new(&policy, "forge", &roster);
        Company { policy, directory, workloads }
    }

    fn world(&self, now: Timestamp) -> World<'_> {
        let Company { policy, directory, workloads } = self;
        World { policy, directory, workloads, first_seen: Timestamp::UNIX_EPOCH, unsent: false, now }
    }

    /// A review that was staffed, and whose forge shows what was asked for; with its snapshot.
    fn in_review(&self) -> (Review, Snapshot) {
        let new = Review::new(ChangeKey::new("forge", "acme/shop", 7));
        let opened = decide(&self.world(opened_at()), &new, &opening());
        let mut seen = snapshot(opened_at() + SignedDuration::from_secs(5));
        for action in &opened.actions {
            let Action::Desired(shape) = action else { continue };
            seen.labels = Some(shape.labels.clone());
            let listed =
                |account: &Account| SeenReviewer { account: account.clone(), verdict: None, review: None };
            let list = shape.reviewers.iter().map(listed).collect();
            seen.reviewers = Some(SeenReviewers { list, complete: true, beside: None });
        }
        let swept = Fact::Swept { snapshot: seen.clone() };
        (decide(&self.world(seen.updated_at), &opened.review, &swept).review, seen)
    }
}

fn opened_at() -> Timestamp {
    Timestamp::from_second(OPENED_SECOND).expect("a date of this century")
}

fn snapshot(updated_at: Timestamp) -> Snapshot {
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

fn told(by: u64, act: Act, snapshot: &Snapshot) -> Fact {
    let by = Actor { account: account(by), bot: false };
    Fact::Told { act, by, at: snapshot.updated_at, snapshot: snapshot.clone() }
}

fn opening() -> Fact {
    told(1, Act::Touched, &snapshot(opened_at()))
}

/// Time of one call, in nanoseconds, over one batch.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's own clock")]
fn batch<T>(mut work: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    (0..BATCH).for_each(|_| drop(black_box(work())));
    let spent: Duration = start.elapsed();
    spent.as_nanos() as f64 / f64::from(BATCH)
}

fn compare(name: &str, company: &Company, now: Timestamp, review: &Review, fact: &Fact) {
    // `cargo bench --bench decide -- opening` measures only what is called so; cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word)) {
        return;
    }
    let world = company.world(now);
    let decision = decide(&world, review, fact);
    let (mut decided, mut written) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        decided = decided.min(batch(|| decide(black_box(&world), black_box(review), black_box(fact))));
        written = written.min(batch(|| serde_json::to_vec(black_box(&decision.review))));
    }
    let (actions, reasons) = (decision.actions.len(), decision.reasons.len());
    println!(
        "{name:<38} {:>8.2} µs {:>8.2} µs {:>7.2}   {actions} actions, {reasons} reasons",
        decided / 1_000.0,
        written / 1_000.0,
        decided / written
    );
}

fn main() {
    println!("{:<38} {:>11} {:>11} {:>7}", "", "decide", "as JSON", "ratio");
    let (ten, fifty) = (Company::new(10), Company::new(50));
    let (review, seen) = ten.in_review();
    let later = Snapshot { updated_at: seen.updated_at + SignedDuration::from_mins(30), ..seen };
    let touched = told(1, Act::Touched, &later);
    compare("a webhook that changes nothing", &ten, later.updated_at, &review, &touched);
    let swept = Fact::Swept { snapshot: later.clone() };
    compare("a sweep that shows nothing new", &ten, later.updated_at, &review, &swept);
    compare("a look at a review with nothing due", &ten, later.updated_at, &review, &Fact::Tick);
    let reviewer = review.active().next().map_or(2, |own| own.account.id);
    let approved = told(reviewer, Act::Reviewed { verdict: Verdict::Approved }, &later);
    compare("an approval", &ten, later.updated_at, &review, &approved);
    let due = review.planned.wake.expect("a review has a box that runs out");
    compare("a step that is due", &ten, due, &review, &Fact::Tick);
    for (members, company) in [(10, &ten), (50, &fifty)] {
        let new = Review::new(ChangeKey::new("forge", "acme/shop", 7));
        compare(&format!("an opening, with a pool of {members}"), company, opened_at(), &new, &opening());
    }
}
