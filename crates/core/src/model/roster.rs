//! What a roster tells of accounts that are not as the configuration has them.

use serde::Serialize;

use super::change::Account;
use super::people::Roster;

/// A login that the configuration says and that is another one by now; ids stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// As the configuration has it, in lower case.
    pub said: String,
    pub account: Account,
}

impl Roster {
    /// The account that the configuration means by `login`, if it was left out because it is blocked.
    pub fn blocked(&self, login: &str) -> Option<&Account> {
        let means = |said: &String| said.eq_ignore_ascii_case(login);
        let mut notes = self.notes.iter().filter(|note| note.said.as_ref().is_some_and(means));
        notes.next().map(|note| &note.account)
    }

    /// The accounts that bear another login than the configuration says.
    pub fn renamed(&self) -> impl Iterator<Item = Renamed> {
        let changed = |(said, account): &(&String, &Account)| !account.login.eq_ignore_ascii_case(said);
        let named = self.accounts.iter().filter(changed);
        named.map(|(said, account)| Renamed { said: said.clone(), account: account.clone() })
    }
}
