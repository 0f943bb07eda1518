//! A fact in half a sentence, for the ledger, the timeline and `explain`.

use jiff::SignedDuration;

use super::text::quote;
use usher_core::model::change::{Account, ChangeState, Snapshot, Verdict};
use usher_core::model::fact::{Act, Fact};

/// What happened, in half a sentence: `rita approved`, `the clock`.
pub fn happening(fact: &Fact) -> String {
    match fact {
        Fact::Told { act, by, snapshot, .. } => {
            let who = handle(&by.account);
            let opened = *act == Act::Touched && by.account == snapshot.author && is_new(snapshot);
            let what = if opened { "opened it".into() } else { deed(act, snapshot) };
            if by.bot { format!("{who} (a bot) {what}") } else { format!("{who} {what}") }
        }
        Fact::Swept { .. } => "a sweep looked at it".into(),
        Fact::Unreachable { .. } => "it was looked for, and is not shown".into(),
        Fact::Moved { to } => format!("its project is now {}", quote(&to.project)),
        Fact::Files { files, .. } if files.len() == 1 => "one changed file was read".into(),
        Fact::Files { files, .. } => format!("{} changed files were read", files.len()),
        Fact::Threads { .. } => "its threads were read".into(),
        Fact::Refused { reviewer, .. } => format!("the forge would not take {}", handle(reviewer)),
        Fact::Failed { action, .. } if action == "files" => "the changed files cannot be had".into(),
        Fact::Failed { given_up: true, .. } => "what was to be done there was given up".into(),
        Fact::Failed { .. } => "what is to be done there has not come about".into(),
        Fact::Lapsed { .. } => "a ping was not sent in its hours".into(),
        Fact::TemplateBroken { .. } => "a template could not be used".into(),
        Fact::Tick => "the clock".into(),
    }
}

/// Whether the snapshot shows the change as it was created, give or take a second.
fn is_new(snapshot: &Snapshot) -> bool {
    let age = snapshot.created_at.map(|created| snapshot.updated_at.duration_since(created));
    snapshot.state == ChangeState::Open && age.is_some_and(|age| age <= SignedDuration::from_secs(1))
}

fn handle(account: &Account) -> String {
    if account.login.is_empty() { format!("user {}", account.id) } else { account.login.clone() }
}

fn deed(act: &Act, snapshot: &Snapshot) -> String {
    match act {
        Act::Touched => match snapshot.state {
            ChangeState::Open if snapshot.draft == Some(true) => "touched the draft".into(),
            ChangeState::Open => "touched it".into(),
            ChangeState::Closed => "closed it".into(),
            ChangeState::Merged => "merged it".into(),
        },
        Act::Pushed => "pushed".into(),
        Act::Labelled { labels } => {
            let labels: Vec<String> = labels.iter().map(|label| quote(label)).collect();
            format!("put {} on", labels.join(" and "))
        }
        Act::Reviewed { verdict: Verdict::Approved } => "approved".into(),
        Act::Reviewed { verdict: Verdict::ChangesRequested } => "asked for changes".into(),
        Act::Reviewed { verdict: Verdict::Commented } => "reviewed without a verdict".into(),
        Act::Reviewed { verdict: Verdict::Withdrawn } => "took the verdict back".into(),
        Act::Dismissed { reviewer } => format!("dismissed the review of {}", handle(reviewer)),
        Act::Commented => "commented".into(),
        Act::Requested { reviewer } => format!("requested a review from {}", handle(reviewer)),
        Act::ThreadTurned { thread, resolved } => {
            let what = if *resolved { "resolved" } else { "reopened" };
            match thread {
                Some(thread) => format!("{what} a thread of {}", handle(&thread.opener)),
                None => format!("{what} threads, or touched it"),
            }
        }
        Act::Unrequested { reviewer } => format!("took {} off", handle(reviewer)),
        Act::Commanded { command, also, .. } => {
            let words: Vec<String> =
                std::iter::once(command).chain(also).map(|one| quote(one.word())).collect();
            format!("said {}", words.join(" and "))
        }
    }
}
