//! Who is who: logins and direct group members.

use async_trait::async_trait;
use gitlab::api::groups::members::GroupMembers;
use gitlab::api::users::{CurrentUser, User, Users};
use jiff::Timestamp;
use jiff::civil::Date;

use super::client::{GitLab, endpoint};
use super::{busy, wire};
use crate::forge::fault::Fault;
use crate::forge::http::{PAGES_LIMIT, Pages};
use crate::forge::membership::Member;
use crate::forge::story::People;
use usher_core::model::change::Account;

#[async_trait]
impl People for GitLab {
    const MEMBERS_RIGHT: &'static str = "on GitLab the token needs the scope read_api or api, and an account that may see the group's members";

    /// Asked once.
    async fn me(&self) -> Result<Account, Fault> {
        let ask = || async {
            let endpoint = endpoint(CurrentUser::builder().build())?;
            let me: wire::User = self.get(&endpoint).await?;
            Ok(me.account())
        };
        self.me.get_or_try_init(ask).await.cloned()
    }

    /// Direct members: not `members/all`, which brings in every ancestor's.
    async fn members(&self, group: &str) -> Result<Vec<Member>, Fault> {
        let mut wanted = GroupMembers::builder();
        let wanted = endpoint(wanted.group(group).build())?;
        let members: Pages<wire::User> = self.pages(&wanted, PAGES_LIMIT).await?;
        Ok(members.entries.iter().map(wire::User::member).collect())
    }

    async fn user(&self, login: &str) -> Result<Member, Fault> {
        let mut wanted = Users::builder();
        let users: Vec<wire::User> = self.get(&endpoint(wanted.username(login).build())?).await?;
        let same = |user: &&wire::User| user.username.eq_ignore_ascii_case(login);
        users.iter().find(same).map(wire::User::member).ok_or(Fault::Gone)
    }

    async fn user_by_id(&self, id: u64) -> Result<Member, Fault> {
        let user: wire::User = self.get(&endpoint(User::builder().user(id).build())?).await?;
        Ok(user.member())
    }

    async fn busy(&self, people: &[Account]) -> Result<Vec<(u64, Option<Timestamp>)>, Fault> {
        busy::ask(self, people).await
    }
}

/// A membership ends at the start (UTC) of the day it names.
pub(super) fn has_ended(expires_at: Option<&str>, today: Date) -> bool {
    let end = expires_at.and_then(|day| day.parse::<Date>().ok());
    end.is_some_and(|end| end <= today)
}
