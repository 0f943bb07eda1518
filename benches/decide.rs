//! How long one decision takes, beside how long it takes to write the same review as JSON, which the
//! store does with every decision. The ratio of the two, taken in one run, says something on any
//! machine; the microseconds only on this one. Nothing is asserted. `just bench`; docs/benchmarks.md.

mod company;

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use usher_core::decide;
use usher_core::model::action::Action;
use usher_core::model::change::{Account, ChangeKey, SeenReviewer, SeenReviewers, Snapshot, Verdict};
use usher_core::model::fact::{Act, Fact};
use usher_core::model::load::Load;
use usher_core::model::people::{Directory, Workload, Workloads};
use usher_core::model::policy::Policy;
use usher_core::model::review::Review;
use usher_core::model::world::World;

use company::{Company, opened_at, opening, snapshot, told};

/// Long enough that reading the clock does not count.
const BATCH: u32 = 200;
/// The best of so many batches, taken in turn with those it is compared with.
const ROUNDS: usize = 60;

struct Bench {
    policy: Policy,
    directory: Directory,
    workloads: Workloads,
}

impl Bench {
    fn new(members: u64) -> Bench {
        let Company { policy, roster } = Company::new(members);
        let directory = Directory::new(&policy, "forge", &roster);
        let mut workloads = Workloads::default();
        for (index, reviewer) in policy.pools[0].members.iter().enumerate() {
            let mut load = Workload { open: Load::of_reviews(index as u32 % 4), ..Workload::default() };
            (0..index % 6)
                .for_each(|days| load.asked.add(opened_at() - SignedDuration::from_hours(24 * days as i64)));
            workloads.people.insert(reviewer.clone(), load);
        }
        Bench { policy, directory, workloads }
    }

    fn world(&self, now: Timestamp) -> World<'_> {
        let Bench { policy, directory, workloads } = self;
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

/// Time of one call, in nanoseconds, over one batch.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's own clock")]
fn batch<T>(mut work: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    (0..BATCH).for_each(|_| drop(black_box(work())));
    let spent: Duration = start.elapsed();
    spent.as_nanos() as f64 / f64::from(BATCH)
}

fn compare(name: &str, company: &Bench, now: Timestamp, review: &Review, fact: &Fact) {
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
    let (ten, fifty) = (Bench::new(10), Bench::new(50));
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
