//! Who is who: logins and direct group members.

use async_trait::async_trait;
use gitlab::api::groups::members::GroupMembers;
use gitlab::api::projects::members::AllProjectMember;
use gitlab::api::users::{CurrentUser, User, Users};
use jiff::civil::Date;

use super::api::{GitLab, endpoint};
use super::wire;
use crate::forge::shared::people::{Member, People};
use crate::forge::transport::entries::Entries;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::{Account, ChangeKey};

#[async_trait]
impl People for GitLab {
    fn members_right(&self) -> &'static str {
        "on GitLab the token needs the scope read_api or api, and an account that may see the group's members"
    }

    /// Asked once.
    async fn me(&self) -> Result<Account, ForgeFault> {
        let ask = || async {
            let endpoint = endpoint(CurrentUser::builder().build())?;
            let me: wire::User = self.get(&endpoint).await?;
            Ok(me.account())
        };
        self.me.get_or_try_init(ask).await.cloned()
    }

    /// Direct members: not `members/all`, which brings in every ancestor's.
    async fn members(&self, group: &str) -> Result<Vec<Member>, ForgeFault> {
        let mut wanted = GroupMembers::builder();
        let wanted = endpoint(wanted.group(group).build())?;
        let members: Pages<wire::User> = self.pages(&wanted, PAGES_LIMIT).await?;
        Ok(members.entries.iter().map(wire::User::member).collect())
    }

    async fn user(&self, login: &str) -> Result<Member, ForgeFault> {
        let mut wanted = Users::builder();
        let users: Entries<wire::User> = self.get(&endpoint(wanted.username(login).build())?).await?;
        let same = |user: &&wire::User| user.username.eq_ignore_ascii_case(login);
        users.iter().find(same).map(wire::User::member).ok_or(ForgeFault::Gone)
    }

    async fn user_by_id(&self, id: u64) -> Result<Member, ForgeFault> {
        let user: wire::User = self.get(&endpoint(User::builder().user(id).build())?).await?;
        Ok(user.member())
    }
}

/// What an account is to a project.
#[derive(Debug)]
pub(super) enum Membership {
    /// A member, under the name of this moment.
    Known(Account),
    None,
    /// The token may not look.
    Hidden,
}

impl GitLab {
    /// What the account is to the change's project.
    pub(super) async fn member(
        &self,
        change: &ChangeKey,
        account: &Account,
    ) -> Result<Membership, ForgeFault> {
        let member = AllProjectMember::builder().project(&change.project).user(account.id).build();
        match self.get::<wire::User, _>(&endpoint(member)?).await {
            Ok(user) => Ok(Membership::Known(user.account())),
            Err(ForgeFault::Gone) => Ok(Membership::None),
            // The write is done; whoever cannot be looked up is named in the comment instead.
            Err(ForgeFault::Refused { .. }) => Ok(Membership::Hidden),
            Err(fault) => Err(fault),
        }
    }
}

/// A membership ends at the start (UTC) of the day it names.
pub(super) fn has_ended(expires_at: Option<&str>, today: Date) -> bool {
    let end = expires_at.and_then(|day| day.parse::<Date>().ok());
    end.is_some_and(|end| end <= today)
}
