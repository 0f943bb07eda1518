//! Membership as a forge tells it: who of a group can act, and whose login is another one by now.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::fault::Fault;
use super::story::{People, known};
use usher_core::model::change::Account;
use usher_core::model::people::Roster;
use usher_core::model::people::{MemberNote, MemberState};

/// A member of a group, or an account that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub account: Account,
    /// The forge's word for an account that cannot act.
    pub blocked: Option<String>,
    /// The day with whose start (UTC) the membership ends.
    pub ends: Option<Date>,
}

impl Member {
    /// Somebody who can act, for as long as anybody knows.
    pub fn active(account: Account) -> Member {
        Member { account, blocked: None, ends: None }
    }

    fn state(&self, today: Date) -> Option<MemberState> {
        if let Some(word) = &self.blocked {
            return Some(MemberState::Blocked(word.clone()));
        }
        let ends = self.ends?;
        Some(if ends <= today { MemberState::Ended(ends) } else { MemberState::Ends(ends) })
    }
}

/// Those of `members` who count, after what is odd was noted.
pub(super) fn who_count(roster: &mut Roster, group: &str, members: Vec<Member>, today: Date) -> Vec<Account> {
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
pub(super) fn kept_names(members: &[Account], before: &Roster) -> BTreeMap<u64, String> {
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
pub(super) async fn resolve<P: People>(
    people: &P,
    roster: &mut Roster,
    login: &str,
    met: Option<Account>,
    before: &Roster,
) -> Result<Option<Account>, Fault> {
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
