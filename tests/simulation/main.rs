//! The world in a box: the real Usher on the real store, two forges in this process, people who act, and
//! much that goes wrong; one thing at a time, on a virtual clock, from one seed.
//!
//! What is real: core, engine, courier, words, reconcile, intake with signatures, both client crates, the
//! store's own code on SQLite. What is played: the network (requests are handed over), the clock, people,
//! what the disk says. A crash drops whatever is being done, at a request to a forge or at a write to the
//! store, before it or after it, with the store's connections: what was not committed is gone.

#![expect(unreachable_pub, reason = "no other crate sees a test, so `pub` is the short word here")]

mod clocks;
#[path = "../flow/company.rs"]
#[expect(dead_code, reason = "the flows need all of it")]
mod company;
mod disk;
mod judges;
mod play;
#[path = "../support/standing.rs"]
#[expect(dead_code, reason = "law 12 is judged by what happened on the forges here")]
mod standing;
mod step;
mod story;
#[path = "../wire/time.rs"]
mod time;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use play::{Ended, play};
use step::Step;
use usher::clock::Clock;

/// Seeds of every `cargo test`.
const QUICK_SEEDS: u64 = 24;
/// Looks for a shorter story, at most.
const SHRINKS_MAX: usize = 150;

/// What many seeds came to.
#[derive(Default)]
struct Tally {
    seeds: AtomicU64,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    failed: Mutex<Option<(u64, String)>>,
    stop: AtomicBool,
}

impl Tally {
    fn add(&self, ended: &Ended) {
        self.seeds.fetch_add(1, Ordering::Relaxed);
        let mut counts = self.counts.lock().unwrap();
        ended.counts.iter().for_each(|(what, times)| *counts.entry(what).or_default() += times);
    }

    fn line(&self, began: Timestamp) -> String {
        let (seeds, seconds) =
            (self.seeds.load(Ordering::Relaxed), Clock::system().now().duration_since(began).as_secs_f64());
        let counts = self.counts.lock().unwrap();
        let counts: Vec<String> = counts.iter().map(|(what, times)| format!("{what} {times}")).collect();
        format!(
            "{seeds} seeds in {seconds:.0} s, {:.1} a second; {}",
            seeds as f64 / seconds,
            counts.join(", ")
        )
    }
}

/// Plays one story to its end, on a runtime of its own.
fn played(seed: u64, steps: &[Step]) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(play(seed, steps))
}

/// Plays seeds from `first` on, many at once, until one breaks a law.
fn play_many(first: u64, seeds: u64) -> Tally {
    let (tally, next) = (Tally::default(), AtomicU64::new(first));
    // Each waits for its store now and then: more at once than there are cores.
    let worlds = 3 * std::thread::available_parallelism().map_or(1, |cores| cores.get());
    std::thread::scope(|scope| {
        for _ in 0..worlds {
            scope.spawn(|| {
                while !tally.stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let steps = step::story_of(seed);
                    let ended = played(seed, &steps);
                    tally.add(&ended);
                    if let Some(broken) = ended.broken
                        && !tally.stop.swap(true, Ordering::Relaxed)
                    {
                        let (steps, broken) = shortest(seed, steps, broken);
                        *tally.failed.lock().unwrap() = Some((seed, story::told(seed, &steps, &broken)));
                    }
                }
            });
        }
    });
    tally
}

/// Leaves out whatever is not needed for a law to be broken.
fn shortest(seed: u64, mut steps: Vec<Step>, mut broken: String) -> (Vec<Step>, String) {
    let (mut looks, mut size) = (0, steps.len().div_ceil(2));
    while size > 0 {
        let (mut from, mut shorter) = (0, false);
        while from < steps.len() && looks < SHRINKS_MAX {
            looks += 1;
            let left: Vec<Step> =
                steps[..from].iter().chain(steps.iter().skip(from + size)).cloned().collect();
            match played(seed, &left).broken {
                Some(why) => (steps, broken, shorter) = (left, why, true),
                None => from += size,
            }
        }
        if !shorter || size > 1 {
            size /= 2;
        }
    }
    (steps, broken)
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn show(tally: Tally, began: Timestamp) {
    println!("{}", tally.line(began));
    if let Some((_, story)) = tally.failed.into_inner().unwrap() {
        panic!("{story}");
    }
}

#[test]
fn some_worlds_keep_the_laws() {
    let began = Clock::system().now();
    show(play_many(1, QUICK_SEEDS), began);
}

/// `just sim [SEEDS]`.
#[test]
#[ignore = "ten thousand seeds take 17 minutes; `just sim` plays them, and every run plays some"]
fn many_worlds_keep_the_laws() {
    let began = Clock::system().now();
    show(play_many(number("SIM_FIRST", 1), number("SIM_SEEDS", 10_000)), began);
}

/// `just sim-seed N`.
#[test]
#[ignore = "no law of its own: `just sim-seed` shows what happens in the one seed that it names"]
fn one_world_again() {
    let seed = number("SIM_SEED", 1);
    let steps = step::story_of(seed);
    let ended = played(seed, &steps);
    println!("{}", ended.log.join("\n"));
    if let Some(broken) = ended.broken {
        let (steps, broken) = shortest(seed, steps, broken);
        let short = played(seed, &steps);
        println!("\nIn short:\n{}\n\n{}\n", short.log.join("\n"), short.ledger.join("\n"));
        panic!("{}", story::told(seed, &steps, &broken));
    }
}

#[test]
fn the_same_seed_gives_the_same_story() {
    for seed in [3, 4] {
        let steps = step::story_of(seed);
        let (one, two) = (played(seed, &steps), played(seed, &steps));
        assert_eq!(one.log, two.log);
        assert_eq!(one.counts, two.counts);
    }
}
