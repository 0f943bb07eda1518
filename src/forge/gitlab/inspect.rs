//! A look at token and projects for `usher check --online`.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use gitlab::api::projects::members::AllProjectMember;
use jiff::civil::Date;
use serde::Deserialize;
use url::Url;

use super::api::{GitLab, List, endpoint};
use crate::forge::shared::inspect::{Inspect, ProjectFacts, Role, TokenFacts, date, if_allowed, look};
use crate::forge::shared::people::People;
use crate::forge::transport::fault::Fault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};

/// Reporter and Developer (GL `doc/api/members.md`).
const REPORTER: u64 = 20;
const DEVELOPER: u64 = 30;

/// `GET /personal_access_tokens/self`, for all kinds of access tokens (GL
/// `doc/api/personal_access_tokens.md`, since 15.5).
#[derive(Deserialize)]
struct OwnToken {
    #[serde(default)]
    scopes: Vec<String>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct Member {
    access_level: u64,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl GitLab {
    fn at(&self, path: &str) -> Result<Url, Fault> {
        self.transport.api().join(path).map_err(|error| Fault::unsendable(&error))
    }

    async fn own_role(&self, path: &str) -> Result<Role, Fault> {
        let me = self.me().await?;
        let member = AllProjectMember::builder().project(path).user(me.id).build();
        let member: Option<Member> = if_allowed(self.get(&endpoint(member)?).await)?;
        Ok(match member.map(|member| member.access_level) {
            Some(DEVELOPER..) => Role::Writes,
            Some(REPORTER..) => Role::Labels,
            _ => Role::Reads,
        })
    }
}

#[async_trait]
impl Inspect for GitLab {
    async fn token(&self, _: &str) -> Result<TokenFacts, Fault> {
        let answer = match look(&self.transport, &self.at("personal_access_tokens/self")?).await {
            // Before 15.5, and for what is no access token: all there is to know is that it works.
            Err(Fault::Gone | Fault::Refused { .. }) => {
                let answer = look(&self.transport, &self.at("user")?).await?;
                let what = "a token of which this GitLab tells no scopes".to_owned();
                return Ok(TokenFacts { what, date: date(answer.headers()), ..TokenFacts::default() });
            }
            answer => answer?,
        };
        let own: OwnToken =
            serde_json::from_slice(answer.body()).map_err(|error| Fault::unreadable(&error, false))?;
        // It ends at the start (UTC) of the day it names.
        let end = own.expires_at.as_deref().and_then(|day| day.parse::<Date>().ok());
        let end = end.and_then(|day| day.in_tz("UTC").ok()).map(|day| day.timestamp());
        Ok(TokenFacts {
            what: format!("an access token with the scopes {}", own.scopes.join(", ")),
            scopes: Some(own.scopes),
            expires_at: end,
            date: date(answer.headers()),
            ..TokenFacts::default()
        })
    }

    async fn project(&self, path: &str) -> Result<ProjectFacts, Fault> {
        let place = format!("projects/{}", NameOrId::from(path));
        let seen: Project = self.get(&List { path: place.clone(), parameters: Vec::new() }).await?;
        let role = self.own_role(path).await?;
        let labels = List { path: format!("{place}/labels"), parameters: Vec::new() };
        let labels: Option<Pages<Label>> = if_allowed(self.pages(&labels, PAGES_LIMIT).await)?;
        let labels = labels.into_iter().flat_map(|labels| labels.entries).map(|label| label.name).collect();
        Ok(ProjectFacts { archived: seen.archived, role, labels })
    }
}
