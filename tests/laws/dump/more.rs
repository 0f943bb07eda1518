//! What happens in the dump's histories beside what the laws know of: the project is renamed, the forge
//! is down for long, and people do what they are asked for, so that more changes come to their end.

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use usher_core::model::change::{ChangeKey, ChangeState, Verdict};
use usher_core::model::fact::Fact;
use usher_core::model::unreachable::UnreachableWhy;

use super::layout::rename;
use crate::support::forge::account_of;
use crate::support::play::Play;

/// How often a change is looked for before it is given up, and more.
const LOOKS: u32 = 5;

/// What else may happen to a change and its company.
#[derive(Clone, Debug)]
pub(super) enum More {
    /// One of those who are asked answers.
    Answered {
        who: Index,
        verdict: Verdict,
    },
    /// The author answers by a push or a comment.
    AuthorActs {
        pushes: bool,
    },
    /// Somebody takes it on although it is more than a fix, if they may.
    Sponsored {
        by: u64,
    },
    /// Somebody says that they are away, then that they are back, and the second is told first.
    SaidTwice {
        by: u64,
    },
    /// Somebody merges it, by hand.
    Merged,
    Reopened,
    /// The project has another name.
    Moved {
        to: &'static str,
    },
    /// Another review has the change's place.
    Followed,
    /// The change is not found for days.
    NotFound {
        why: UnreachableWhy,
        hours: i64,
    },
    Retarget {
        branch: &'static str,
    },
    /// Somebody has another login.
    Renamed {
        who: u64,
    },
    /// The forge is down for so long: nothing goes out, while deadlines pass.
    Down {
        minutes: i64,
    },
    /// So many changes of the first roll-out were taken on today.
    FirstRunTaken {
        changes: u32,
    },
    /// A sweep sees an older copy of the change.
    SweptLate,
}

pub(super) fn more() -> impl Strategy<Value = More> {
    let verdict = prop_oneof![
        4 => Just(Verdict::Approved),
        2 => Just(Verdict::ChangesRequested),
        1 => Just(Verdict::Commented),
    ];
    let why = select(vec![UnreachableWhy::Hidden, UnreachableWhy::MovedAway, UnreachableWhy::Archived]);
    prop_oneof![
        24 => (any::<Index>(), verdict).prop_map(|(who, verdict)| More::Answered { who, verdict }),
        12 => any::<bool>().prop_map(|pushes| More::AuthorActs { pushes }),
        3 => select(vec![2, 6, 6, 8]).prop_map(|by| More::Sponsored { by }),
        1 => (2_u64..9).prop_map(|by| More::SaidTwice { by }),
        4 => Just(More::Merged),
        2 => Just(More::Reopened),
        3 => select(vec!["acme/store", "acme/shop", "outside/shop"]).prop_map(|to| More::Moved { to }),
        1 => Just(More::Followed),
        1 => (why, 1_i64..30).prop_map(|(why, hours)| More::NotFound { why, hours }),
        4 => select(vec!["main", "release/1", "next"]).prop_map(|branch| More::Retarget { branch }),
        3 => (2_u64..9).prop_map(|who| More::Renamed { who }),
        6 => (30_i64..4_000).prop_map(|minutes| More::Down { minutes }),
        2 => (0_u32..2).prop_map(|changes| More::FirstRunTaken { changes }),
        3 => Just(More::SweptLate),
    ]
}

pub(super) fn happen(play: &mut Play, more: &More) {
    let (now, author) = (play.now, play.forge.author.clone());
    match more {
        More::Answered { who, verdict } if !play.forge.reviewers.is_empty() => {
            let reviewer = who.get(&play.forge.reviewers).clone();
            let fact = play.forge.reviewed(now, &reviewer, *verdict);
            play.tell(fact);
        }
        More::Answered { .. } => {}
        More::AuthorActs { pushes } => {
            let forge = &mut play.forge;
            let fact = if *pushes { forge.pushed(now, &author) } else { forge.commented(now, &author) };
            play.tell(fact);
        }
        More::Sponsored { by } => {
            let facts = play.forge.said(now, &account_of(*by), "@usher sponsor");
            facts.into_iter().for_each(|fact| play.tell(fact));
        }
        More::SaidTwice { by } => {
            let mut facts = play.forge.said(now, &account_of(*by), "@usher away 3d");
            facts.extend(play.forge.said(now, &account_of(*by), "@usher back"));
            facts.into_iter().rev().for_each(|fact| play.tell(fact));
        }
        More::Merged => state(play, ChangeState::Merged),
        More::Reopened => state(play, ChangeState::Open),
        More::Retarget { branch } => {
            let fact = play.forge.changed(now, &author, |forge| forge.target_branch = (*branch).to_owned());
            play.tell(fact);
        }
        More::Renamed { who } => {
            let kind = play.forge.kind;
            rename(&mut play.company, kind, &account_of(*who).login);
            play.reload();
        }
        More::FirstRunTaken { changes } => play.company.elsewhere.first_run_taken = *changes,
        more => upset(play, more),
    }
}

fn state(play: &mut Play, state: ChangeState) {
    let (now, author) = (play.now, play.forge.author.clone());
    let fact = play.forge.changed(now, &author, |forge| forge.state = state);
    play.tell(fact);
}

/// What happens to the forge.
fn upset(play: &mut Play, more: &More) {
    match more {
        More::Moved { to } => {
            let known = &play.review.change;
            let to = ChangeKey::new(known.forge.clone(), *to, known.number);
            // Told once: the change's own place in a queue has another name right after.
            let twice = std::mem::replace(&mut play.twice, false);
            play.tell(Fact::Moved { to });
            play.twice = twice;
        }
        More::Followed => play.tell(Fact::Unreachable { why: UnreachableWhy::Followed }),
        More::NotFound { why, hours } => {
            for _ in 0..LOOKS {
                play.tell(Fact::Unreachable { why: *why });
                play.pass(play.now + SignedDuration::from_hours(*hours));
            }
        }
        More::Down { minutes } => {
            play.courier_stopped = true;
            play.forge.remembers_hands = false;
            // What was to be said is said much later than it was decided.
            play.pass(play.now + SignedDuration::from_mins(*minutes));
            play.courier_runs();
        }
        More::SweptLate => {
            let mut snapshot = play.forge.swept();
            snapshot.updated_at -= SignedDuration::from_millis(1);
            play.tell(Fact::Swept { snapshot });
        }
        _ => {}
    }
}
