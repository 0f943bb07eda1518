//! Words about access: what is missing, and what would bring it.

use crate::audit::access::{AccessReport, BotGap, BotNeed, Gap, Instead, Need, Remedy, Setting, Unread};
use usher_core::model::access::{Rank, Unseen};
use usher_core::model::change::ForgeKind;

/// Names that are written out; of more, their number is told.
const NAMES_SHOWN: usize = 5;

/// Something that is missing, and what brings it.
pub struct AccessLine {
    pub what: String,
    pub remedy: String,
    /// People or Usher need it; what does not count is only nice to have.
    pub counts: bool,
}

/// Everything that is missing on a forge, where Usher's own account is called `me`.
pub fn access_lines(kind: ForgeKind, me: &str, report: &AccessReport) -> Vec<AccessLine> {
    let line = |(what, remedy), counts| AccessLine { what, remedy, counts };
    let gaps = report.gaps.iter().map(|gap| line((access_gap(gap), access_remedy(kind, gap)), true));
    let unseen = report.unseen.iter().map(|one| line(access_unseen(kind, me, one), true));
    let unread = report.unread.iter().map(|one| line(access_unread(kind, me, one), true));
    let bot = report.bot.iter();
    let bot = bot.map(|gap| line((access_bot_gap(gap), access_bot_remedy(kind, me, gap)), !gap.optional));
    gaps.chain(unseen).chain(unread).chain(bot).collect()
}

/// What is missing, to whom, and where.
pub fn access_gap(gap: &Gap) -> String {
    let lacks: Vec<&str> = gap.lacks.iter().map(|need| need_phrase(*need)).collect();
    format!("{} cannot {} in {}", some(&gap.people, "and"), all(&lacks, "or"), some(&gap.projects, "and"))
}

/// The smallest thing that closes the gap.
pub fn access_remedy(kind: ForgeKind, gap: &Gap) -> String {
    let (whom, there) = (whom(&gap.people), there(&gap.projects));
    match &gap.remedy {
        Remedy::Grant { rank, instead } => {
            let role = rank.word(kind);
            let group = if kind == ForgeKind::GitHub { "team" } else { "group" };
            let instead = instead.as_ref().map_or_else(String::new, |instead| match instead {
                Instead::Join(path) => format!(", or add {whom} to the {group} {path}, which has it"),
                Instead::Invite(path) => format!(", or give it to the whole {group} {path}"),
            });
            format!("give {whom} {role} {there}{instead}")
        }
        Remedy::Switch(Setting::Code) => {
            format!("no role helps: switch the repository on {}", within(&gap.projects))
        }
        Remedy::Switch(Setting::Changes) => {
            let changes = if kind == ForgeKind::GitHub { "pull requests" } else { "merge requests" };
            format!("no role helps: switch {changes} on {}", within(&gap.projects))
        }
    }
}

/// What Usher's own account may not do, and where.
pub fn access_bot_gap(gap: &BotGap) -> String {
    let lacks: Vec<&str> = gap.lacks.iter().map(|need| bot_phrase(*need)).collect();
    format!("Usher cannot {} in {}", all(&lacks, "or"), some(&gap.projects, "and"))
}

/// The smallest thing that lets Usher do it.
pub fn access_bot_remedy(kind: ForgeKind, login: &str, gap: &BotGap) -> String {
    let there = there(&gap.projects);
    match gap.rank {
        Some(rank) if gap.optional => {
            format!("it works without; give {login} {} {there} if you want that", rank.word(kind))
        }
        Some(rank) => format!("give {login} {} {there}", rank.word(kind)),
        None => {
            let wanted = gap.permissions.iter().map(|(name, level)| format!("{name}: {level}"));
            let wanted: Vec<String> = wanted.collect();
            format!("let the App have {} {there}", all(&wanted, "and"))
        }
    }
}

/// Members who cannot be read, and what to do about it.
pub fn access_unread(kind: ForgeKind, login: &str, unread: &Unread) -> (String, String) {
    let least = if kind == ForgeKind::GitHub { "write" } else { "Reporter" };
    let places = some(&unread.projects, "and");
    let what = format!("who may do what in {places} could not be read: {}", unread.why);
    (what, format!("give {login} {least} {}", there(&unread.projects)))
}

/// A project or pattern of which the forge shows nothing to Usher, and what to do about it.
pub fn access_unseen(kind: ForgeKind, login: &str, unseen: &Unseen) -> (String, String) {
    // What it needs everywhere: setting labels on GitLab, creating them on GitHub.
    let least = Rank::Write.word(kind);
    let what = format!("Usher cannot see {}: {}", unseen.place, unseen.why);
    (what, format!("give {login} {least} there, or correct the list of projects in the configuration"))
}

/// People who have no account on a forge.
pub fn access_strangers(names: &[String]) -> String {
    let have = if names.len() == 1 { "has" } else { "have" };
    format!("{} {have} no account there", some(names, "and"))
}

/// `1 project`, `2 projects`.
pub fn access_projects(number: usize) -> String {
    format!("{number} project{}", if number == 1 { "" } else { "s" })
}

/// Something that somebody needs, after "cannot".
fn need_phrase(need: Need) -> &'static str {
    match need {
        Need::ReadCode => "read the code",
        Need::OpenChange => "open a change",
        Need::PushDocs => "push to the docs",
        Need::BeAsked => "be asked for a review",
        Need::Approve => "give an approval that counts",
    }
}

fn bot_phrase(need: BotNeed) -> &'static str {
    match need {
        BotNeed::ReadChanges => "read changes",
        BotNeed::Comment => "comment",
        BotNeed::React => "react to a command",
        BotNeed::SetLabels => "set labels",
        BotNeed::CreateLabels => "create labels",
        BotNeed::AskReviewers => "ask reviewers",
        BotNeed::ReadMembers => "read the members",
        BotNeed::ReadOwners => "read CODEOWNERS",
        BotNeed::WatchHooks => "watch its webhooks",
    }
}

fn whom(people: &[String]) -> &str {
    match people {
        [one] => one,
        _ => "them",
    }
}

fn within(projects: &[String]) -> String {
    match projects {
        [one] => format!("in {one}"),
        _ => "in each".into(),
    }
}

fn there(projects: &[String]) -> String {
    match projects {
        [one] => format!("on {one}"),
        _ => "on each".into(),
    }
}

/// `a`, `a and b`, `a, b, c and 12 more`.
fn some(names: &[String], word: &str) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    if more == 0 {
        return all(names, word);
    }
    format!("{} and {more} more", names[..NAMES_SHOWN].join(", "))
}

fn all<T: AsRef<str>>(names: &[T], word: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
