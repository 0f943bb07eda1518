//! Who is who: logins and direct group members.

use gitlab::api::groups::members::GroupMembers;
use gitlab::api::users::Users;
use jiff::civil::Date;

use super::client::{GitLab, Pages, endpoint};
use super::wire;
use crate::core::change::Account;
use crate::core::people::{Roster, RosterWish};
use crate::forge::fault::Fault;
use crate::forge::http::{PAGES_LIMIT, PER_PAGE};

impl GitLab {
    /// Groups first: who was seen there need not be looked up again.
    pub async fn roster(&self, wish: &RosterWish) -> Result<Roster, Fault> {
        let mut roster = Roster { me: Some(self.me().await?), ..Roster::default() };
        let mut seen = Vec::new();
        for group in &wish.groups {
            match self.members(group).await {
                Ok(members) => {
                    seen.extend(members.iter().cloned());
                    roster.groups.insert(group.clone(), members);
                }
                Err(Fault::Gone) => roster.unknown.push(group.clone()),
                Err(fault) => return Err(fault),
            }
        }
        for login in &wish.logins {
            let known = seen.iter().find(|account| account.login.eq_ignore_ascii_case(login)).cloned();
            let account = match known {
                Some(account) => Some(account),
                None => self.user(login).await?,
            };
            match account {
                Some(account) => drop(roster.accounts.insert(login.to_lowercase(), account)),
                None => roster.unknown.push(login.clone()),
            }
        }
        roster.fetched_at = Some(self.clock.now());
        Ok(roster)
    }

    /// Direct members who can act: not `members/all`, which brings in every ancestor's.
    async fn members(&self, group: &str) -> Result<Vec<Account>, Fault> {
        let mut wanted = GroupMembers::builder();
        let wanted = endpoint(wanted.group(group).build())?;
        let members: Pages<wire::User> = self.pages(&wanted, PER_PAGE, PAGES_LIMIT).await?;
        let today = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let acts = |member: &&wire::User| member.is_active() && !has_ended(member, today);
        Ok(members.entries.iter().filter(acts).map(wire::User::account).collect())
    }

    async fn user(&self, login: &str) -> Result<Option<Account>, Fault> {
        let mut wanted = Users::builder();
        let users: Vec<wire::User> = self.get(&endpoint(wanted.username(login).build())?).await?;
        let same = |user: &&wire::User| user.username.eq_ignore_ascii_case(login) && user.is_active();
        Ok(users.iter().find(same).map(wire::User::account))
    }
}

/// A membership ends at the start (UTC) of the day it names.
fn has_ended(member: &wire::User, today: Date) -> bool {
    let end = member.expires_at.as_deref().and_then(|day| day.parse::<Date>().ok());
    end.is_some_and(|end| end <= today)
}
