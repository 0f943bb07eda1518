//! Reviewers added and taken off one by one, so that whomever somebody else adds meanwhile stays
//! (gitlab-org/quality/triage-ops#1889, rust-lang/triagebot#2468).
//!
//! REST only replaces the whole list. The mutation `mergeRequestSetReviewers` (since 2022,
//! gitlab-org/gitlab!94294) adds to the list as it is when the write lands. It takes names, passes over
//! those that nobody has any more (gitlab-org/gitlab#611232), changes nothing at all when somebody
//! cannot read the change, and on GitLab Free keeps the first, which is whoever was there
//! (`app/graphql/mutations/merge_requests/set_reviewers.rb`,
//! `app/services/merge_requests/update_reviewers_service.rb`). So what it answers is compared.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::GitLab;
use super::shape::Membership;
use crate::core::action::Shape;
use crate::core::change::{Account, ChangeKey};
use crate::core::fact::{Fact, Refusal};
use crate::forge::fault::Fault;

const ANSWER: &str = "{ errors mergeRequest { reviewers { nodes { id username } } } }";
/// What GraphQL says of a mutation or a type that a server does not have.
const MISSING: [&str; 2] = ["doesn't exist on type", "isn't a defined input type"];

/// What `removed` and `appended` answer; the one asked for last is the newest.
#[derive(Deserialize)]
struct Answer {
    removed: Option<Payload>,
    appended: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    errors: Vec<String>,
    merge_request: Option<MergeRequest>,
}

#[derive(Deserialize)]
struct MergeRequest {
    reviewers: Option<Reviewers>,
}

#[derive(Deserialize)]
struct Reviewers {
    #[serde(default)]
    nodes: Vec<Option<Reviewer>>,
}

#[derive(Deserialize)]
struct Reviewer {
    /// `gid://gitlab/User/7`
    id: String,
}

impl Payload {
    /// The ids of all reviewers after the write.
    fn kept(self) -> Result<Vec<u64>, Fault> {
        let list = self.merge_request.and_then(|change| change.reviewers);
        let Some(list) = list else {
            let answer: String =
                self.errors.join("; ").chars().take(crate::forge::fault::ANSWER_CHARS).collect();
            return Err(Fault::Refused { status: 200, answer });
        };
        let id = |reviewer: Reviewer| reviewer.id.rsplit('/').next()?.parse().ok();
        Ok(list.nodes.into_iter().flatten().filter_map(id).collect())
    }
}

impl GitLab {
    /// Takes the unwanted of `before` off and adds who is missing, in one write, and tells whom GitLab
    /// refused. `None`: it does not offer that, or not to this token; nothing was done.
    pub(super) async fn edit_reviewers(
        &self,
        change: &ChangeKey,
        before: &[Account],
        shape: &Shape,
    ) -> Result<Option<Vec<Fact>>, Fault> {
        if self.replaces_reviewers.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let gone = |account: &&Account| {
            shape.not_reviewers.contains(*account) && !shape.reviewers.contains(*account)
        };
        let remove: Vec<&str> = before.iter().filter(gone).map(|account| &*account.login).collect();
        let wanted: Vec<&Account> =
            shape.reviewers.iter().filter(|account| !before.contains(account)).collect();
        let append: Vec<&str> = wanted.iter().map(|account| &*account.login).collect();
        let kept = match self.set_reviewers(change, &remove, &append).await {
            Ok(kept) => kept,
            Err(Fault::Gone) => return Ok(self.replaces_from_now_on()),
            Err(Fault::Refused { answer, .. }) if MISSING.iter().any(|word| answer.contains(word)) => {
                return Ok(self.replaces_from_now_on());
            }
            // REST may be open to a token that GraphQL is closed to, and otherwise says why.
            Err(Fault::Refused { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        self.told_of(change, &wanted, kept).await.map(Some)
    }

    fn replaces_from_now_on(&self) -> Option<Vec<Fact>> {
        self.replaces_reviewers.store(true, Ordering::Relaxed);
        tracing::info!(
            "this GitLab cannot add single reviewers; their whole list is written, as REST has it"
        );
        None
    }

    /// Asks again for each of `wanted` who was left out where that can help, and says who stays out.
    async fn told_of(
        &self,
        change: &ChangeKey,
        wanted: &[&Account],
        mut kept: Vec<u64>,
    ) -> Result<Vec<Fact>, Fault> {
        // One who cannot read the change keeps all others out.
        let held_up = wanted.len() > 1 && !wanted.iter().any(|account| kept.contains(&account.id));
        let mut facts = Vec::new();
        for account in wanted {
            if held_up {
                kept = self.ask_one(change, &account.login, kept).await?;
            }
            if kept.contains(&account.id) {
                continue;
            }
            let member = self.member(change, account).await?;
            if let Membership::Known(now) = &member
                && now.login != account.login
            {
                kept = self.ask_one(change, &now.login, kept).await?;
                if kept.contains(&account.id) {
                    continue;
                }
            }
            // The mark of GitLab Free (`reviewer_ids.first(1)`): exactly one, and somebody else.
            let one_only = kept.len() == 1 && !matches!(member, Membership::None);
            let refusal = if one_only { Refusal::OneReviewerOnly } else { Refusal::Dropped };
            facts.push(Fact::Refused { reviewer: (*account).clone(), refusal });
        }
        Ok(facts)
    }

    /// Adds one person; all reviewers after it. A refusal leaves them as they were.
    async fn ask_one(&self, change: &ChangeKey, login: &str, before: Vec<u64>) -> Result<Vec<u64>, Fault> {
        match self.set_reviewers(change, &[], &[login]).await {
            Err(Fault::Refused { .. }) => Ok(before),
            kept => kept,
        }
    }

    /// One write; all reviewers after it.
    async fn set_reviewers(
        &self,
        change: &ChangeKey,
        remove: &[&str],
        append: &[&str],
    ) -> Result<Vec<u64>, Fault> {
        let mut steps: Vec<(&str, &str, &[&str])> = Vec::new();
        if !remove.is_empty() {
            steps.push(("removed", "REMOVE", remove));
        }
        if !append.is_empty() || remove.is_empty() {
            steps.push(("appended", "APPEND", append));
        }
        let answer: Answer = self.mutate(&request(change, &steps)).await?;
        match answer.appended.or(answer.removed) {
            Some(payload) => payload.kept(),
            None => Err(Fault::Refused { status: 200, answer: "no data".into() }),
        }
    }
}

/// The body of a request that takes these steps in this order.
fn request(change: &ChangeKey, steps: &[(&str, &str, &[&str])]) -> Value {
    let (mut declared, mut fields, mut variables) = (Vec::new(), String::new(), serde_json::Map::new());
    for (name, mode, people) in steps {
        declared.push(format!("${name}: MergeRequestSetReviewersInput!"));
        fields.push_str(&format!("  {name}: mergeRequestSetReviewers(input: ${name}) {ANSWER}\n"));
        let input = json!({
            "projectPath": change.project,
            "iid": change.number.to_string(),
            "reviewerUsernames": people,
            "operationMode": mode,
        });
        variables.insert((*name).to_owned(), input);
    }
    let query = format!("mutation({}) {{\n{fields}}}", declared.join(", "));
    json!({ "query": query, "variables": variables })
}
