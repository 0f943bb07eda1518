//! A merge request as it is before Usher writes to it: state, reviewers, labels, and the ids of the labels
//! that are wanted. One GraphQL query tells all of it; REST has no ids of labels beside a change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::GitLab;
use super::graphql::{LIMIT, Nodes, Titled, UserNode};
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::change::{Account, ChangeKey, ChangeState};

/// Labels whose ids are asked for, at most; a query may not be complex without end.
const LABELS_MAX: usize = 10;

/// A change as it was read.
#[derive(Debug)]
pub(super) struct FreshMergeRequest {
    pub is_open: bool,
    pub reviewers: Vec<Account>,
    pub labels: BTreeSet<String>,
    /// Global ids of its labels, and of those that are wanted and there; `None` when it was read by REST.
    pub label_ids: Option<BTreeMap<String, String>>,
    /// Whether it may have several reviewers, where GitLab tells; on GitLab Free it may not.
    pub allows_several: Option<bool>,
}

#[derive(Deserialize)]
struct SeenAnswer {
    project: Option<Project>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    merge_request: Option<MergeRequest>,
    /// `l0`, `l1`, …: what the search for each label found.
    #[serde(flatten)]
    labels: BTreeMap<String, Option<Nodes<Titled>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeRequest {
    state: String,
    allows_multiple_reviewers: Option<bool>,
    reviewers: Nodes<UserNode>,
    labels: Nodes<Titled>,
}

impl GitLab {
    /// The change by GraphQL, or by REST where GraphQL does not show it. 1 read; 2 where it does not, and
    /// once an hour where its schema lacks [`LIMIT`].
    pub(super) async fn read_fresh(
        &self,
        change: &ChangeKey,
        wanted: &BTreeSet<String>,
    ) -> Result<FreshMergeRequest, ForgeFault> {
        if self.has_graphql()
            && let Some(seen) = self.read_fresh_by_graphql(change, wanted).await?
        {
            return Ok(seen);
        }
        let fresh = self.read(change).await?;
        let is_open = fresh.state() == ChangeState::Open;
        let (reviewers, labels) = (fresh.reviewers(), fresh.labels());
        Ok(FreshMergeRequest { is_open, reviewers, labels, label_ids: None, allows_several: None })
    }

    /// `None`: GraphQL is not there, or does not show all of it; REST may, and says what is wrong.
    async fn read_fresh_by_graphql(
        &self,
        change: &ChangeKey,
        wanted: &BTreeSet<String>,
    ) -> Result<Option<FreshMergeRequest>, ForgeFault> {
        let asked = self.tells_limit();
        let mut answer = self.query::<SeenAnswer>(&query(change, wanted, asked)).await;
        if let Err(fault) = &answer
            && asked
            && self.lacks_limit(fault)
        {
            answer = self.query(&query(change, wanted, false)).await;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) if self.lacks_graphql(&fault) => return Ok(None),
            Err(ForgeFault::Refused { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let Some(Project { merge_request: Some(seen), labels: found }) = answer.project else {
            return Ok(None);
        };
        if seen.reviewers.is_cut() || seen.labels.is_cut() {
            return Ok(None);
        }
        let Some(reviewers) = seen.reviewers.entries().map(|user| user.account()).collect() else {
            return Ok(None);
        };
        let found = found.into_values().flatten().flat_map(Nodes::entries);
        // The search is for parts of words.
        let mut label_ids: BTreeMap<String, String> = found
            .filter(|label| wanted.contains(&label.title))
            .map(|label| (label.title, label.id))
            .collect();
        let on: Vec<Titled> = seen.labels.entries().collect();
        let labels = on.iter().map(|label| label.title.clone()).collect();
        label_ids.extend(on.into_iter().map(|label| (label.title, label.id)));
        let is_open = !matches!(seen.state.as_str(), "merged" | "closed");
        let allows_several = seen.allows_multiple_reviewers;
        Ok(Some(FreshMergeRequest { is_open, reviewers, labels, label_ids: Some(label_ids), allows_several }))
    }
}

/// The body of the query. Labels are found by search, with those of all groups above: `label(title:)`
/// leaves out the groups above the first (`app/graphql/types/project_type.rb`,
/// `app/finders/labels_finder.rb`).
fn query(change: &ChangeKey, wanted: &BTreeSet<String>, limit: bool) -> Value {
    let mut declared = "$path: ID!, $iid: String!".to_owned();
    let mut fields = String::new();
    let mut variables = Map::new();
    variables.insert("path".into(), change.project.as_str().into());
    variables.insert("iid".into(), change.number.to_string().into());
    for (number, label) in wanted.iter().take(LABELS_MAX).enumerate() {
        declared.push_str(&format!(", $l{number}: String"));
        fields.push_str(&format!(
            "    l{number}: labels(searchTerm: $l{number}, includeAncestorGroups: true) {{ nodes {{ id title }} }}\n"
        ));
        variables.insert(format!("l{number}"), label.as_str().into());
    }
    let limit = if limit { format!("      {LIMIT}\n") } else { String::new() };
    let query = format!(
        "query({declared}) {{
  project(fullPath: $path) {{
    mergeRequest(iid: $iid) {{
      state
{limit}      reviewers {{ nodes {{ id username }} pageInfo {{ hasNextPage }} }}
      labels {{ nodes {{ id title }} pageInfo {{ hasNextPage }} }}
    }}
{fields}  }}
}}"
    );
    json!({ "query": query, "variables": variables })
}
