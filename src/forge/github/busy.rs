//! Who has limited their availability ("busy"). Only GraphQL tells, and one query asks about many
//! people by aliases. Their message and emoji are not asked for.

use std::collections::BTreeMap;
use std::fmt::Write;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::GitHub;
use crate::forge::shared::availability::Availability;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::change::Account;

/// An answer for each alias: null where the login is nobody's any more, which is an error beside it.
type BusyAnswer = BTreeMap<String, Option<User>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    /// Whoever was renamed meanwhile has left their login to somebody else.
    database_id: Option<u64>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    indicates_limited_availability: bool,
    expires_at: Option<Timestamp>,
}

#[async_trait]
impl Availability for GitHub {
    async fn busy(&self, people: &[Account]) -> Result<Vec<(u64, Option<Timestamp>)>, ForgeFault> {
        let answer: BusyAnswer = self.query(&query(people)).await?;
        let users = answer.into_values().flatten();
        let busy = users.filter_map(|user| {
            let status = user.status.filter(|status| status.indicates_limited_availability)?;
            Some((user.database_id?, status.expires_at))
        });
        let known = |id: u64| people.iter().any(|account| account.id == id);
        Ok(busy.filter(|(id, _)| known(*id)).collect())
    }
}

/// `query($u0: String!, …) { u0: user(login: $u0) { … } … }`: logins go in as variables.
fn query(people: &[Account]) -> Value {
    let (mut declared, mut asked, mut variables) = (String::new(), String::new(), Map::new());
    for (index, account) in people.iter().enumerate() {
        let name = format!("u{index}");
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(declared, "{comma}${name}: String!");
        let _ = writeln!(asked, "{name}: user(login: ${name}) {{ ...shown }}");
        variables.insert(name, account.login.clone().into());
    }
    let shown = "databaseId status { indicatesLimitedAvailability expiresAt }";
    let text = format!("query({declared}) {{\n{asked}}}\nfragment shown on User {{ {shown} }}");
    json!({ "query": text, "variables": variables })
}
