//! Who is who on a forge.

use async_trait::async_trait;
use jiff::civil::Date;

use crate::forge::transport::fault::ForgeFault;
use usher_core::model::change::Account;
use usher_core::model::people::MemberState;

/// Who is who on a forge.
#[async_trait]
pub(in crate::forge) trait People: Sync {
    /// What the token needs to read the members of a group, for whoever must give it that.
    fn members_right(&self) -> &'static str;

    /// The account that the token belongs to.
    async fn me(&self) -> Result<Account, ForgeFault>;
    /// Members of a group or team, those who cannot act included, or [`ForgeFault::Gone`].
    async fn members(&self, group: &str) -> Result<Vec<Member>, ForgeFault>;
    /// The account of a login, or [`ForgeFault::Gone`].
    async fn user(&self, login: &str) -> Result<Member, ForgeFault>;
    /// The account of an id, whatever its login is by now, or [`ForgeFault::Gone`].
    async fn user_by_id(&self, id: u64) -> Result<Member, ForgeFault>;
}

/// A member of a group, or an account that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::forge) struct Member {
    pub account: Account,
    /// The forge's word for an account that cannot act.
    pub blocked: Option<String>,
    /// The day with whose start (UTC) the membership ends.
    pub ends: Option<Date>,
}

impl Member {
    /// Somebody who can act, for as long as anybody knows.
    pub(crate) fn active(account: Account) -> Member {
        Member { account, blocked: None, ends: None }
    }

    pub(super) fn state(&self, today: Date) -> Option<MemberState> {
        if let Some(word) = &self.blocked {
            return Some(MemberState::Blocked(word.clone()));
        }
        let ends = self.ends?;
        Some(if ends <= today { MemberState::Ended(ends) } else { MemberState::Ends(ends) })
    }
}

/// "No such thing" as `None`.
pub(super) fn known<T>(answer: Result<T, ForgeFault>) -> Result<Option<T>, ForgeFault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ForgeFault::Gone) => Ok(None),
        Err(fault) => Err(fault),
    }
}
