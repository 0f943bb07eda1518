//! A story for a person: the steps that are left when everything needless is taken out, in the language
//! of the scenarios where it has words for it.

use usher_sandbox::{Forge, Verdict};

use super::step::{Deed, PEOPLE, Step};

/// What broke, and how to get there.
pub fn told(seed: u64, steps: &[Step], broken: &str) -> String {
    let lines: Vec<String> = steps.iter().map(|step| format!("  {}", line(step))).collect();
    format!("{broken}\n\nin short (`just sim-seed {seed}` plays all of it):\n{}\n", lines.join("\n"))
}

fn forge(forge: Forge) -> &'static str {
    if forge == Forge::Gitlab { "GitLab" } else { "GitHub" }
}

fn line(step: &Step) -> String {
    match step {
        Step::Open { forge: on, by, draft } => {
            let what = if *draft { "draft" } else { "change" };
            format!("{} opens a {what}  # on {}", PEOPLE[*by], forge(*on))
        }
        Step::Act { change, by, deed } => format!("{}  # change {}", done(PEOPLE[*by], deed), change + 1),
        Step::Pass { minutes } => format!("time passes  # {minutes} minutes"),
        Step::Redeliver { .. } => "the last delivery comes again".into(),
        Step::Sweep { .. } => "Usher sweeps".into(),
        Step::DryRun { on: true } => "given a dry run".into(),
        Step::DryRun { on: false } => "given the dry run is over".into(),
        other => format!("# {other:?}"),
    }
}

fn done(who: &str, deed: &Deed) -> String {
    match deed {
        Deed::Push => format!("{who} pushes"),
        Deed::Say(text) => format!("{who} says {text}"),
        Deed::Review(Verdict::Approve) => format!("{who} approves"),
        Deed::Review(Verdict::RequestChanges) => format!("{who} asks for changes"),
        Deed::Review(Verdict::Comment) => format!("{who} reviews with comments"),
        Deed::Remark => format!("on a line {who} says why so?"),
        Deed::Resolve => format!("{who} resolves a thread"),
        Deed::Unresolve => format!("{who} opens a thread again"),
        Deed::Unapprove => format!("{who} takes the approval back"),
        Deed::Dismiss(whose) => format!("{who} dismisses the review of {}", PEOPLE[*whose]),
        Deed::Request(whom) => format!("{who} asks {} to review", PEOPLE[*whom]),
        Deed::Unrequest(whom) => format!("{who} takes {} off", PEOPLE[*whom]),
        Deed::Label(label) => format!("{who} adds the label {label}"),
        Deed::Unlabel(label) => format!("{who} removes the label {label}"),
        Deed::Draft => format!("{who} puts it back to draft"),
        Deed::Ready => format!("{who} marks it ready"),
        Deed::Retitle => format!("{who} edits the title"),
        Deed::Merge => format!("{who} merges it"),
        Deed::Close => format!("{who} closes it"),
        Deed::Reopen => format!("{who} reopens it"),
    }
}
