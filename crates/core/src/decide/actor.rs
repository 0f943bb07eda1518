//! Who did it, where a forge tells the name alone.

use std::borrow::Cow;

use crate::model::change::Account;
use crate::model::fact::{Actor, Fact};
use crate::model::review::Review;
use crate::model::world::World;

/// No account has it: the forge tells no id.
const NO_ID: u64 = 0;

/// The fact with the account of its actor, found by the login. From whom nobody knows nothing follows.
pub(super) fn named<'f>(world: &World<'_>, review: &Review, fact: &'f Fact) -> Cow<'f, Fact> {
    let Fact::Told { act, by, at, snapshot } = fact else { return Cow::Borrowed(fact) };
    if by.account.id != NO_ID || by.bot {
        return Cow::Borrowed(fact);
    }
    let by = match account_of(world, review, &by.account.login) {
        Some(account) => Actor { account, bot: false },
        None => Actor { bot: true, ..by.clone() },
    };
    Cow::Owned(Fact::Told { act: act.clone(), by, at: *at, snapshot: snapshot.clone() })
}

/// The account of a login: Usher's own, somebody's of the roster, or of who is on this change.
fn account_of(world: &World<'_>, review: &Review, login: &str) -> Option<Account> {
    let people = world.directory.people().filter_map(|person| person.account.as_ref());
    let asked = review.planned.assignments.iter().map(|assignment| &assignment.account);
    let mut known = world.directory.me.iter().chain(people).chain([&review.author]).chain(asked);
    known.find(|account| account.id != NO_ID && account.login.eq_ignore_ascii_case(login)).cloned()
}
