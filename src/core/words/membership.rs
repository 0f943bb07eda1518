//! Words about membership: what somebody is, by which source, and what is odd about it.

use jiff::Timestamp;

use super::elapsed;
use crate::core::membership::{MemberNote, MemberState, Renamed, Role, Source};

/// A role with its sources: `support (gitlab:acme/support)`.
pub fn member_role<'a>(role: &Role, sources: impl IntoIterator<Item = &'a Source>) -> String {
    let what = match role {
        Role::Support => "support".to_owned(),
        Role::ExceptedFromSupport => "not support: excepted".into(),
        Role::Pool(pool) => format!("pool {pool}"),
        Role::LeadOf(pool) => format!("leads {pool}"),
        Role::Maintainer => "maintainer".into(),
    };
    let by = |source: &Source| match source {
        Source::Named => "by name".to_owned(),
        Source::Group(path) => path.clone(),
    };
    let sources: Vec<String> = sources.into_iter().map(by).collect();
    format!("{what} ({})", sources.join(", "))
}

/// What is odd about an account, and what it means.
pub fn member_note(forge: &str, note: &MemberNote) -> String {
    let login = &note.account.login;
    let place =
        note.group.as_ref().map_or_else(|| "of the configuration".into(), |path| format!("in {path}"));
    match &note.state {
        MemberState::Blocked(word) => {
            format!("{forge}: {login} {place} is {word} and left out")
        }
        MemberState::Ended(day) => {
            format!("{forge}: the membership of {login} {place} ended on {day}; left out")
        }
        MemberState::Ends(day) => format!("{forge}: the membership of {login} {place} ends on {day}"),
        MemberState::Took { from } => format!(
            "{forge}: the login {login} belongs to another account by now (id {}); whoever bore it before \
             is called {} and still meant. Write that into the configuration",
            note.account.id, from.login
        ),
    }
}

/// A login of the configuration that is another one by now.
pub fn renamed_there(forge: &str, renamed: &Renamed) -> String {
    let Renamed { said, account } = renamed;
    format!("{forge}: {said} of the configuration is called {} there by now; write that", account.login)
}

/// A login or group of the configuration that a forge does not know.
pub fn unknown_there(forge: &str, name: &str) -> String {
    format!("{forge}: {name} of the configuration is not known there")
}

/// How old a roster is: `read 2 h ago`.
pub fn roster_age(read_at: Option<Timestamp>, now: Timestamp) -> String {
    read_at.map_or_else(|| "never read".into(), |at| format!("read {} ago", elapsed(at, now)))
}
