//! The roster as a forge tells it: who of a group can act, and whose login is another one by now.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::people::{Member, People, known};
use crate::clock::Clock;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::meaning::Meaning;
use usher_core::model::change::Account;
use usher_core::model::people::{MemberNote, MemberState, Roster, RosterWish};

/// Resolves `wish`, after the roster `before`. Groups first: who was seen there need not be looked up
/// again.
pub(in crate::forge) async fn roster(
    people: &dyn People,
    wish: &RosterWish,
    before: &Roster,
    clock: &Clock,
) -> Result<Roster, ForgeFault> {
    let today = clock.now().to_zoned_datetime(TimeZone::UTC).date();
    let mut roster = Roster { me: Some(people.me().await?), ..Roster::default() };
    let mut seen = Vec::new();
    for group in &wish.groups {
        let members = people.members(group).await;
        let members = members.map_err(|fault| members_fault(fault, group, people.members_right()));
        let Some(members) = known(members)? else {
            roster.unknown.push(group.clone());
            continue;
        };
        let members = who_count(&mut roster, group, members, today);
        seen.extend(members.iter().cloned());
        roster.groups.insert(group.clone(), members);
    }
    roster.names = kept_names(&seen, before);
    for login in &wish.logins {
        let met = seen.iter().find(|account| account.login.eq_ignore_ascii_case(login)).cloned();
        match resolve(people, &mut roster, login, met, before).await? {
            Some(account) => drop(roster.accounts.insert(login.to_lowercase(), account)),
            None => roster.unknown.push(login.clone()),
        }
    }
    roster.fetched_at = Some(clock.now());
    Ok(roster)
}

/// Those of `members` who count, after what is odd was noted.
fn who_count(roster: &mut Roster, group: &str, members: Vec<Member>, today: Date) -> Vec<Account> {
    let mut count = Vec::new();
    for member in members {
        let state = member.state(today);
        let left_out = state.as_ref().is_some_and(MemberState::leaves_out);
        if let Some(state) = state {
            let account = member.account.clone();
            roster.notes.push(MemberNote { account, group: Some(group.to_owned()), said: None, state });
        }
        if !left_out {
            count.push(member.account);
        }
    }
    count
}

/// What those of `members` are called at Usher's whose login is another one than when they were met.
fn kept_names(members: &[Account], before: &Roster) -> BTreeMap<u64, String> {
    let met = before.groups.values().flatten().map(|account| (account.id, &account.login));
    let met: BTreeMap<u64, &String> = met.chain(before.names.iter().map(|(id, name)| (*id, name))).collect();
    let renamed = members.iter().filter_map(|account| {
        let name = *met.get(&account.id)?;
        (*name != account.login).then(|| (account.id, name.clone()))
    });
    renamed.collect()
}

/// The account that the configuration means by `login`; `None` if the forge knows none that can act.
/// Ids stay: somebody known from before who is called otherwise by now is still meant, even if another
/// account bears the old login meanwhile. One request where the login was not `met` in a group, one
/// more for a login that has changed hands.
async fn resolve(
    people: &dyn People,
    roster: &mut Roster,
    login: &str,
    met: Option<Account>,
    before: &Roster,
) -> Result<Option<Account>, ForgeFault> {
    let found = match met {
        Some(account) => Some(Member::active(account)),
        None => known(people.user(login).await)?,
    };
    let old = before.accounts.get(&login.to_lowercase()).or_else(|| before.blocked(login));
    let same = found.as_ref().map(|found| found.account.id) == old.map(|old| old.id);
    let renamed = match old.filter(|_| !same) {
        Some(old) => known(people.user_by_id(old.id).await)?,
        None => None,
    };
    let found = match (renamed, found) {
        (Some(renamed), Some(found)) => {
            let state = MemberState::Took { from: renamed.account.clone() };
            roster.notes.push(MemberNote { account: found.account, group: None, said: None, state });
            Some(renamed)
        }
        (renamed, found) => renamed.or(found),
    };
    let Some(found) = found else { return Ok(None) };
    if let Some(word) = found.blocked {
        let (said, state) = (Some(login.to_owned()), MemberState::Blocked(word));
        roster.notes.push(MemberNote { account: found.account, group: None, said, state });
        return Ok(None);
    }
    Ok(Some(found.account))
}

/// A refusal to show the members of `group`, saying which right is missing. The roster fails as a
/// whole: who is in support is waited for, not guessed.
fn members_fault(fault: ForgeFault, group: &str, right: &str) -> ForgeFault {
    let meaning = fault.meaning();
    match fault.about(&format!("the members of `{group}` cannot be read")) {
        ForgeFault::Refused { status, answer } if meaning == Meaning::Hidden => {
            ForgeFault::Refused { status, answer: format!("{answer}; {right}") }
        }
        fault => fault,
    }
}
