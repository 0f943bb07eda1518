//! Who has set themselves busy. One GraphQL query for many people; REST would take one request for each.
//!
//! `users(ids:)` and `status { availability }` are asked for and nothing else: what people write in
//! their status is theirs, and when GitLab will clear it is not told by every version.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::api::GitLab;
use super::graphql::number;
use crate::forge::shared::availability::Availability;
use crate::forge::transport::entries::Entries;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::change::Account;

const QUERY: &str = "query($ids: [ID!], $first: Int) {
  users(ids: $ids, first: $first) { nodes { id status { availability } } }
}";

#[derive(Deserialize)]
struct BusyAnswer {
    users: Option<Users>,
}

#[derive(Deserialize)]
struct Users {
    #[serde(default)]
    nodes: Entries<Option<User>>,
}

#[derive(Deserialize)]
struct User {
    /// `gid://gitlab/User/7`
    id: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    /// `BUSY` or `NOT_SET`.
    availability: Option<String>,
}

#[async_trait]
impl Availability for GitLab {
    async fn busy(&self, people: &[Account]) -> Result<Vec<(u64, Option<Timestamp>)>, ForgeFault> {
        let ids: Vec<String> =
            people.iter().map(|account| format!("gid://gitlab/User/{}", account.id)).collect();
        let body = json!({ "query": QUERY, "variables": { "ids": ids, "first": people.len() } });
        let answer: BusyAnswer = self.query(&body).await?;
        let users = answer.users.map(|users| users.nodes).unwrap_or_default();
        let is_busy = |user: &User| {
            let availability = user.status.as_ref().and_then(|status| status.availability.as_deref());
            availability.is_some_and(|availability| availability.eq_ignore_ascii_case("busy"))
        };
        let busy = users.into_iter().flatten().filter(is_busy);
        Ok(busy.filter_map(|user| Some((number(&user.id)?, None))).collect())
    }
}
