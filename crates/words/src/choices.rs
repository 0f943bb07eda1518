//! What is told in public of a choice: in full, in counts, or not at all.

use std::fmt::Write;

use usher_core::model::candidate::Candidate;
use usher_core::model::choice::{AskedPerson, ChoiceCounts, ChoiceTold};

use super::text::{criterion, obstacles, plain, verdicts};

/// The choice as a list, a line each; empty where nothing is told.
pub(super) fn list(choice: &ChoiceTold) -> String {
    match choice {
        ChoiceTold::Full(candidates) => verdicts(candidates),
        ChoiceTold::Counts(counts) => {
            let mut list = String::new();
            for one in &counts.asked {
                let _ = writeln!(list, "- {}: {}", plain(&one.person), asked(one));
            }
            let others = in_numbers(counts);
            if !others.is_empty() {
                let _ = writeln!(
                    list,
                    "- {}: {others}",
                    if list.is_empty() { "nobody was chosen" } else { "the others" }
                );
            }
            list
        }
        ChoiceTold::Nothing => String::new(),
    }
}

/// Why nobody could be asked, in half a sentence; `None` where that is not told.
pub(super) fn why_nobody(choice: &ChoiceTold) -> Option<String> {
    match choice {
        ChoiceTold::Full(candidates) => Some(obstacles(candidates)),
        ChoiceTold::Counts(counts) => Some(in_numbers(counts)).filter(|numbers| !numbers.is_empty()),
        ChoiceTold::Nothing => None,
    }
}

/// What decided for somebody who is asked.
pub(super) fn asked(one: &AskedPerson) -> String {
    match one.decided_by.0 {
        Some(why) => format!("chosen: {}", criterion(why)),
        None => "is asked".into(),
    }
}

/// Those who are told in full.
pub(super) fn in_full(choice: &ChoiceTold) -> &[Candidate] {
    match choice {
        ChoiceTold::Full(candidates) => candidates,
        ChoiceTold::Counts(_) | ChoiceTold::Nothing => &[],
    }
}

/// `2 not available, 1 has no room, 1 could have been asked`
fn in_numbers(counts: &ChoiceCounts) -> String {
    let has = if counts.full == 1 { "has no room" } else { "have no room" };
    let numbers =
        [(counts.not_available, "not available"), (counts.full, has), (counts.free, "could have been asked")];
    let told = numbers.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join(", ")
}
