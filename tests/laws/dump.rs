//! The dump: what every decision of many random histories says, so that two commits can be held
//! against each other. Where nothing was meant to change, both write the same file.
//!
//! `just dump FILE` writes a line for each seed: the seed, how many decisions its history has, and
//! three hashes: of what was judged, of the texts of pings and replies, and of the text of the status
//! comment (see [`view::Part`]). The last two lines say how often each kind of thing occurred; what
//! depends on when comments are written stands in the first of them.
//!
//! `USHER_DUMP_ONLY=17,23 just dump FILE` writes every line that goes into the hashes of these seeds.
//!
//! The history of a seed follows from the seed alone and from the strategies of [`super::histories`]:
//! who changes those, or the play in [`crate::support`], changes the dump.

mod history;
mod layout;
mod more;
mod record;
mod view;

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use history::Histories;
use record::{Counts, Record};

use crate::support::play::Observer;

/// Seeds of a whole dump, unless `USHER_DUMP_SEEDS` says otherwise.
const SEEDS: u64 = 20_000;
/// Seeds that are played in every run of the tests.
const SEEDS_QUICK: u64 = 20;
/// A message of a law that is broken goes on at length.
const MESSAGE_CHARS_MAX: usize = 80;
/// What is counted beside the rest, since it depends on when comments are written.
const BESIDE: [&str; 4] =
    ["text.status", "reason.template_broken", "reason.brought_up_to_date", "reason.still_on_paper"];

/// One seed, played.
#[derive(Clone, Debug)]
struct Played {
    seed: u64,
    line: String,
    counts: Counts,
    detail: String,
}

fn played(histories: &Histories, seed: u64, detailed: bool) -> Played {
    let record = Rc::new(RefCell::new(Record::new(seed, detailed)));
    let (seeing, noting) = (record.clone(), record.clone());
    let observer: Observer = Box::new(move |world, templates, fact, decision| {
        let seen = view::seen(world, templates, fact, decision);
        seeing.borrow_mut().decision(|| view::question(world, fact), seen);
    });
    let note = |what: String| noting.borrow_mut().note(|| what);
    let ended = catch_unwind(AssertUnwindSafe(|| histories.of(seed).play(observer, note)));
    let mut record = record.borrow_mut();
    let mut line = record.line();
    if let Err(panic) = ended {
        // A law that is broken ends this history and no other.
        let _ = write!(line, " broken: {}", message(panic.as_ref()));
        *record.counts.entry("broken".into()).or_default() += 1;
    }
    let detail = record.detail.take().unwrap_or_default();
    Played { seed, line, counts: std::mem::take(&mut record.counts), detail }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    text.lines().next().unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).collect()
}

/// Plays the seeds on all cores; what comes of it is in the order of the seeds.
fn all(seeds: &[u64], detailed: bool) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let work = || {
        let histories = Histories::new();
        let mut own = Vec::new();
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            own.push(played(&histories, *seed, detailed));
        }
        own
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut all: Vec<Played> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    all.sort_by_key(|played| played.seed);
    all
}

fn counts(all: &[Played]) -> Counts {
    let mut counts = Counts::new();
    for (kind, number) in all.iter().flat_map(|played| &played.counts) {
        *counts.entry(kind.clone()).or_default() += number;
    }
    counts
}

/// The whole dump as text.
fn dump(all: &[Played]) -> String {
    let mut text = String::new();
    for played in all {
        text.push_str(&played.detail);
        let _ = writeln!(text, "{}", played.line);
    }
    let (beside, counted): (Vec<_>, Vec<_>) =
        counts(all).into_iter().partition(|(kind, _)| BESIDE.contains(&kind.as_str()));
    for counts in [beside, counted] {
        let counts: Vec<String> = counts.iter().map(|(kind, number)| format!("{kind}={number}")).collect();
        let _ = writeln!(text, "# {}", counts.join(" "));
    }
    text
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

#[test]
fn seeds_play_the_same_history_each_time() {
    if let Some(file) = env::var_os("USHER_DUMP") {
        let only = env::var("USHER_DUMP_ONLY").unwrap_or_default();
        let only: Vec<u64> = only.split(',').filter(|seed| !seed.is_empty()).map(number).collect();
        let seeds = env::var("USHER_DUMP_SEEDS").map_or(SEEDS, |seeds| number(&seeds));
        let seeds = if only.is_empty() { (0..seeds).collect() } else { only.clone() };
        return fs::write(file, dump(&all(&seeds, !only.is_empty()))).unwrap();
    }
    let seeds: Vec<u64> = (0..SEEDS_QUICK).collect();
    let once = all(&seeds, true);
    let alone = played(&Histories::new(), SEEDS_QUICK - 1, false);
    assert_eq!(once[once.len() - 1].line, alone.line, "neither details nor other seeds matter");
    assert_eq!(dump(&once), dump(&all(&seeds, true)));
    let hashes: BTreeSet<&str> = once.iter().filter_map(|one| one.line.split(' ').nth(2)).collect();
    assert_eq!(hashes.len(), seeds.len(), "no two seeds play the same");
    let counts = counts(&once);
    let wanted = ["draft", "waiting", "reviewing", "with_author", "ready_to_merge", "done"];
    let missing: Vec<_> =
        wanted.iter().filter(|stage| !counts.contains_key(&format!("stage.{stage}"))).collect();
    assert!(missing.is_empty(), "no history reaches {missing:?}");
    assert_eq!(counts.get("broken"), None, "{:#?}", once.iter().map(|one| &one.line).collect::<Vec<_>>());
}
