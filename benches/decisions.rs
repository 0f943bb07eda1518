//! How many decisions a second the engine makes of a full inbox, beside those of one transaction each: the
//! same rows in the same kind of store on the disk, once all due at the same time, and once one after another.
//! `just bench-decisions`; docs/performance.md. Nothing is asserted but that all are decided.

mod company;

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use usher::clock::Clock;
use usher::engine::{Engine, Parts, SharedState};
use usher::metrics::Metrics;
use usher::store::Store;
use usher::tasks::Tasks;
use usher::wakeups::Wakeups;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::{Act, Fact};

use company::{Company, opened_at, opening, snapshot, told};

const CHANGES: u64 = 600;
const ROUNDS: u64 = 3;
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// The engine on a store of its own.
struct Bench {
    store: Store,
    engine: Engine,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("usher.db").display());
        let store = Store::open(&url).await.expect("a store");
        let Company { policy, roster } = Company::new(10);
        let remembered = vec![("forge".to_owned(), roster, Timestamp::UNIX_EPOCH)];
        let shared = Arc::new(SharedState::new(Arc::new(policy), remembered));
        let clock = Clock::virtual_at(opened_at());
        let parts = Parts {
            store: store.clone(),
            shared,
            clock: clock.clone(),
            metrics: Metrics::new(),
            wakeups: Arc::new(Wakeups::default()),
            tasks: Tasks::default(),
            dry_run: false,
        };
        Bench { engine: Engine::new(parts), store, clock, _folder: folder }
    }

    /// Decides this of each change, all at once or one after another; decisions a second.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's own clock")]
    async fn decide(&self, fact: &Fact, together: bool) -> f64 {
        let from = self.clock.now() + SignedDuration::from_mins(31);
        let mut due = from;
        for number in 0..CHANGES {
            let change = ChangeKey::new("forge", "acme/shop", number);
            self.store.put_facts(&change, std::slice::from_ref(fact), due).await.expect("a row");
            if !together {
                due += MOMENT;
            }
        }
        let began = Instant::now();
        let mut decided = 0;
        let mut at = from;
        while at <= due {
            self.clock.advance_to(at);
            decided += self.engine.drain().await.expect("all is well");
            at += MOMENT;
        }
        let spent = began.elapsed();
        assert_eq!(decided as u64, CHANGES);
        CHANGES as f64 / spent.as_secs_f64()
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[tokio::main]
async fn main() {
    println!("decisions a second: {CHANGES} changes, the median of {ROUNDS} rounds\n");
    println!("| what | one transaction each | a full inbox | ratio |");
    println!("|---|---|---|---|");
    let quiet = told(1, Act::Touched, &snapshot(opened_at() + SignedDuration::from_mins(30)));
    let facts = [("an opening, with a pool of 10", opening()), ("a webhook that changes nothing", quiet)];
    let mut figures = vec![(Vec::new(), Vec::new()); facts.len()];
    for _ in 0..ROUNDS {
        let (one, all) = (Bench::new().await, Bench::new().await);
        for ((_, fact), (alone, together)) in facts.iter().zip(&mut figures) {
            alone.push(one.decide(fact, false).await);
            together.push(all.decide(fact, true).await);
        }
    }
    for ((name, _), (alone, together)) in facts.iter().zip(figures) {
        let (alone, together) = (median(alone), median(together));
        println!("| {name} | {alone:.0} | {together:.0} | {:.1} |", together / alone);
    }
}
