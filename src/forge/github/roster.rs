//! Who is who: logins, teams and organisations.

use async_trait::async_trait;

use super::api::GitHub;
use super::wire;
use crate::forge::shared::people::{Member, People};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::Account;

#[async_trait]
impl People for GitHub {
    fn members_right(&self) -> &'static str {
        "on GitHub the token needs the organisation permission Members: read"
    }

    /// Asked once.
    async fn me(&self) -> Result<Account, ForgeFault> {
        let ask = || async {
            let me: wire::User = if self.transport.is_app() {
                // An App acts as the bot user `slug[bot]`; its own page has another id.
                let app: wire::App = self.get(&self.at(["app"])).await?;
                self.get(&self.at(["users", &format!("{}[bot]", app.slug)])).await?
            } else {
                self.get(&self.at(["user"])).await?
            };
            Ok(me.account())
        };
        self.me.get_or_try_init(ask).await.cloned()
    }

    /// Members of the team `org/team` (with those of its child teams, as GitHub lists them), or of
    /// the whole organisation `org`.
    async fn members(&self, group: &str) -> Result<Vec<Member>, ForgeFault> {
        let url = match group.split_once('/') {
            Some((org, team)) => self.at(["orgs", org, "teams", team, "members"]),
            None => self.at(["orgs", group, "members"]),
        };
        let members: Pages<wire::User> = self.pages(url, PAGES_LIMIT).await?;
        Ok(members.entries.iter().map(wire::User::member).collect())
    }

    async fn user(&self, login: &str) -> Result<Member, ForgeFault> {
        let user: wire::User = self.get(&self.at(["users", login])).await?;
        let is_organization = user.kind.as_deref() == Some("Organization");
        if is_organization { Err(ForgeFault::Gone) } else { Ok(user.member()) }
    }

    /// OpenAPI: "Get a user using their ID", the durable one.
    async fn user_by_id(&self, id: u64) -> Result<Member, ForgeFault> {
        let user: wire::User = self.get(&self.at(["user", &id.to_string()])).await?;
        Ok(user.member())
    }
}
