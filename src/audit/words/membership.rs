//! Words about membership: what somebody is, by which source, why they are not there, and what is odd.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::audit::membership::{Oddity, Role, RoleSource};
use usher_core::model::calendar::Agenda;
use usher_core::model::people::{MemberNote, MemberState, Person};
use usher_core::model::roster::Renamed;
use usher_words::{busy_phrase, relative};

/// A roster older than this is called old: the server reads them hourly.
const OLD_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// What somebody is and by which sources; what they are by the same sources is told together:
/// `support (gitlab:acme/support)`, `leads backend, leads docs (configuration)`.
pub fn member_roles(roles: &BTreeMap<Role, BTreeSet<RoleSource>>) -> Vec<String> {
    let mut told: Vec<(&BTreeSet<RoleSource>, String)> = Vec::new();
    for (role, sources) in roles {
        match told.iter_mut().find(|(known, _)| *known == sources) {
            Some((_, roles)) => {
                roles.push_str(", ");
                roles.push_str(&role_phrase(role));
            }
            None => told.push((sources, role_phrase(role))),
        }
    }
    let by = |source: &RoleSource| match source {
        RoleSource::Named => "configuration".to_owned(),
        RoleSource::Group(path) => path.clone(),
    };
    let line = |(sources, roles): (&BTreeSet<RoleSource>, String)| {
        let sources: Vec<String> = sources.iter().map(by).collect();
        format!("{roles} ({})", sources.join(", "))
    };
    told.into_iter().map(line).collect()
}

fn role_phrase(role: &Role) -> String {
    match role {
        Role::Support => "support".to_owned(),
        Role::ExceptedFromSupport => "not support: excepted".into(),
        Role::Pool(pool) => format!("pool {pool}"),
        Role::LeadOf(pool) => format!("leads {pool}"),
        Role::Maintainer => "maintainer".into(),
        Role::LeadOfSupport => "lead of support".into(),
        Role::Contact => "contact for what nobody else can mend".into(),
    }
}

/// What keeps somebody from being asked, now or later, and who says so.
pub fn not_there(person: &Person, now: Timestamp) -> Vec<String> {
    let today = Agenda::new(&person.hours, &[]).date(now);
    let leave = person.leave().filter(|(away, _)| away.last >= today).map(|(away, said)| {
        let source = if said { "they said so" } else { "configuration" };
        match away.first <= today {
            true => format!("away until {} ({source})", day(away.last)),
            false => format!("away from {} until {} ({source})", day(away.first), day(away.last)),
        }
    });
    let busy = person.busy.filter(|busy| busy.counts(now)).map(|busy| {
        let asked = relative(busy.seen_at, now);
        format!("{} (asked {asked})", busy_phrase(busy.says, busy.until))
    });
    leave.chain(busy).collect()
}

/// With the year: leave may be far ahead.
fn day(date: Date) -> String {
    date.strftime("%a %-d %b %Y").to_string()
}

/// What is odd about people, what it means, and what to do about it.
pub fn oddity(oddity: &Oddity) -> String {
    match oddity {
        Oddity::Stranger(name) => {
            format!("{name}: no forge has an active account of theirs; correct the configuration")
        }
        Oddity::UnknownLogin(forge, login) => {
            format!("{forge}: no active account is called {login}; correct the configuration")
        }
        Oddity::UnknownGroup(forge, path) => format!(
            "{forge}: there is no group or team {path}, or Usher may not see it; correct the configuration, \
             or let Usher in"
        ),
        Oddity::Renamed(forge, Renamed { said, account }) => {
            format!("{forge}: {said} is called {} by now; correct the configuration", account.login)
        }
        Oddity::Note(forge, note) => format!("{forge}: {}", member_note(note)),
    }
}

fn member_note(note: &MemberNote) -> String {
    let login = &note.account.login;
    let place = note.group.as_ref().map_or_else(String::new, |path| format!(" in {path}"));
    match &note.state {
        MemberState::Blocked(word) => format!("{login} is {word} and left out{place}"),
        MemberState::Ended(day) => format!("the membership of {login}{place} ended on {day}; left out"),
        MemberState::Ends(day) => format!("the membership of {login}{place} ends on {day}"),
        MemberState::Took { from } => format!(
            "the login {login} belongs to another account by now (id {}); whoever bore it before is called \
             {} and still meant; correct the configuration",
            note.account.id, from.login
        ),
    }
}

/// How old what is known of a forge's people is, and why it is not newer; and whether that is worth
/// somebody's attention.
pub fn roster_age(read_at: Option<Timestamp>, fault: Option<&str>, now: Timestamp) -> (String, bool) {
    let old = read_at.is_some_and(|at| now.duration_since(at) > OLD_AFTER);
    let age = read_at.map_or_else(|| "never read".into(), |at| format!("read {}", relative(at, now)));
    let old_words = if old { ", the last that is known" } else { "" };
    let fault_words = fault.map_or_else(String::new, |fault| format!("; the last try failed: {fault}"));
    (format!("{age}{old_words}{fault_words}"), old || fault.is_some())
}
