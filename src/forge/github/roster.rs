//! Who is who: logins, teams and organisations.

use super::client::{GitHub, Pages};
use super::wire;
use crate::core::change::Account;
use crate::core::people::{Roster, RosterWish};
use crate::forge::fault::Fault;
use crate::forge::http::PAGES_LIMIT;

impl GitHub {
    /// Teams first: who was seen there need not be looked up again.
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

    /// Members of the team `org/team` (with those of its child teams, as GitHub lists them), or of
    /// the whole organisation `org`.
    async fn members(&self, group: &str) -> Result<Vec<Account>, Fault> {
        let url = match group.split_once('/') {
            Some((org, team)) => self.at(["orgs", org, "teams", team, "members"]),
            None => self.at(["orgs", group, "members"]),
        };
        let members: Pages<wire::User> = self.pages(url, PAGES_LIMIT).await?;
        Ok(members.entries.iter().map(wire::User::account).collect())
    }

    async fn user(&self, login: &str) -> Result<Option<Account>, Fault> {
        match self.get::<wire::User>(&self.at(["users", login])).await {
            Ok(user) => Ok((user.kind.as_deref() != Some("Organization")).then(|| user.account())),
            Err(Fault::Gone) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
