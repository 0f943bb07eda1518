//! A look at token and projects for `usher check --online`.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use gitlab::api::projects::members::AllProjectMember;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::api::{GitLab, ListEndpoint, endpoint};
use crate::forge::shared::inspect::{
    BotRole, Inspect, ProjectInspection, TokenFacts, date, if_allowed, look,
};
use crate::forge::shared::people::People;
use crate::forge::transport::fault::ForgeFault;
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
    /// How GitLab itself assigns reviewers: `disabled`, `code_owners`, `dap_powered`; older versions
    /// have no such thing.
    reviewer_assignment_strategy: Option<String>,
}

/// `GET /version`: `19.5.0-ee`
#[derive(Deserialize)]
struct Version {
    version: String,
}

/// What the token's account may do in a project, whatever its role is called: roles that a company made
/// itself have the number of the one that they are based on.
const PERMISSIONS: &str = "query($path: ID!) {
  project(fullPath: $path) { userPermissions { createLabel createMergeRequestFrom } }
}";

#[derive(Deserialize)]
struct PermissionsAnswer {
    project: Option<Permitted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permitted {
    user_permissions: Permissions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Permissions {
    create_label: bool,
    /// Given together with the right to update merge requests (`app/policies/project_policy.rb`)
    /// `[memory]`.
    create_merge_request_from: bool,
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
    fn at(&self, path: &str) -> Result<Url, ForgeFault> {
        self.transport.api().join(path).map_err(|error| ForgeFault::unsendable(&error))
    }

    async fn own_role(&self, path: &str) -> Result<BotRole, ForgeFault> {
        let me = self.me().await?;
        let member = AllProjectMember::builder().project(path).user(me.id).build();
        let member: Option<Member> = if_allowed(self.get(&endpoint(member)?).await)?;
        match member.map(|member| member.access_level) {
            Some(DEVELOPER..) => Ok(BotRole::Writes),
            Some(REPORTER..) => Ok(self.permitted(path).await?.max(BotRole::Labels)),
            _ => Ok(self.permitted(path).await?.max(BotRole::Reads)),
        }
    }

    /// What the permissions make of the account, where GraphQL tells them.
    async fn permitted(&self, path: &str) -> Result<BotRole, ForgeFault> {
        let body = json!({ "query": PERMISSIONS, "variables": { "path": path } });
        let answer: PermissionsAnswer = match self.query(&body).await {
            Ok(answer) => answer,
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => return Ok(BotRole::Unknown),
            Err(fault) => return Err(fault),
        };
        let permissions = answer.project.map(|project| project.user_permissions).unwrap_or_default();
        Ok(match (permissions.create_merge_request_from, permissions.create_label) {
            (true, _) => BotRole::Writes,
            (false, true) => BotRole::Labels,
            (false, false) => BotRole::Unknown,
        })
    }

    /// The version of this GitLab, where it tells.
    async fn version(&self) -> Result<Option<String>, ForgeFault> {
        let list = ListEndpoint { path: "version".into(), parameters: Vec::new() };
        let told: Option<Version> = if_allowed(self.get(&list).await)?;
        Ok(told.map(|told| told.version))
    }
}

#[async_trait]
impl Inspect for GitLab {
    async fn token(&self, _: &str) -> Result<TokenFacts, ForgeFault> {
        let answer = match look(&self.transport, &self.at("personal_access_tokens/self")?).await {
            // Before 15.5, and for what is no access token: all there is to know is that it works.
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => {
                let answer = look(&self.transport, &self.at("user")?).await?;
                let what = "a token of which this GitLab tells no scopes".to_owned();
                let (date, version) = (date(answer.headers()), self.version().await?);
                return Ok(TokenFacts { what, date, version, ..TokenFacts::default() });
            }
            answer => answer?,
        };
        let own: OwnToken =
            serde_json::from_slice(answer.body()).map_err(|error| ForgeFault::unreadable(&error, false))?;
        // It ends at the start (UTC) of the day it names.
        let end = own.expires_at.as_deref().and_then(|day| day.parse::<Date>().ok());
        let end = end.and_then(|day| day.in_tz("UTC").ok()).map(|day| day.timestamp());
        Ok(TokenFacts {
            what: format!("an access token with the scopes {}", own.scopes.join(", ")),
            scopes: Some(own.scopes),
            expires_at: end,
            date: date(answer.headers()),
            version: self.version().await?,
            ..TokenFacts::default()
        })
    }

    async fn project(&self, path: &str) -> Result<ProjectInspection, ForgeFault> {
        let place = format!("projects/{}", NameOrId::from(path));
        let seen: Project = self.get(&ListEndpoint { path: place.clone(), parameters: Vec::new() }).await?;
        let role = self.own_role(path).await?;
        let labels = ListEndpoint { path: format!("{place}/labels"), parameters: Vec::new() };
        let labels: Option<Pages<Label>> = if_allowed(self.pages(&labels, PAGES_LIMIT).await)?;
        let labels = labels.into_iter().flat_map(|labels| labels.entries).map(|label| label.name).collect();
        let assigns_reviewers = seen.reviewer_assignment_strategy.filter(|how| how != "disabled");
        Ok(ProjectInspection { archived: seen.archived, role, labels, assigns_reviewers })
    }
}
