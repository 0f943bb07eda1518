//! All pull requests of an owner, by GitHub's search (`GET /search/issues`).
//!
//! It gives 100 changes for a request, but 1,000 for one query, 30 requests a minute, and an index
//! that may lag behind (GitHub's `rest/search/search.md`): so it is asked a little further back than needed, goes on from
//! the last hit after every page, and says up to when it has seen everything.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::api::GitHub;
use super::wire::{Label, User};
use crate::forge::inbound::ghost;
use crate::forge::inbound::tickets::tickets_of;
use crate::forge::transport::entries::Entries;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::PER_PAGE;
use usher_core::model::change::{ChangeState, Snapshot};
use usher_core::model::tickets::TicketRules;

/// How far the index may lag behind, generously.
const INDEX_LAG: SignedDuration = SignedDuration::from_mins(15);
/// Pages of one query: GitHub shows 1,000 hits.
const QUERY_PAGES_MAX: u32 = 10;
/// Pages read in one sweep of an owner, at most; GitHub allows 30 searches a minute.
const SWEEP_PAGES_MAX: u32 = 20;

/// What a search came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub hits: Vec<Hit>,
    /// GitHub had no time to look everywhere.
    pub incomplete: bool,
    /// Hits that could not be read.
    pub unread: usize,
    /// There is more, updated at or after this.
    pub covered_until: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    incomplete_results: bool,
    items: Entries<Hit>,
}

/// A pull request as an issue: without its reviewers and branches.
#[derive(Debug, Deserialize)]
pub(super) struct Hit {
    pub number: u64,
    title: Option<String>,
    html_url: Option<String>,
    body: Option<String>,
    user: Option<User>,
    state: Option<String>,
    draft: Option<bool>,
    labels: Option<Entries<Label>>,
    /// `https://api.github.com/repos/acme/shop`
    repository_url: String,
    pull_request: Option<Link>,
    created_at: Option<Timestamp>,
    updated_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Link {
    merged_at: Option<Timestamp>,
}

impl Hit {
    /// Full path of the repository.
    pub(super) fn project(&self) -> Option<&str> {
        let (_, path) = self.repository_url.rsplit_once("/repos/")?;
        (path.split('/').count() == 2).then_some(path)
    }

    pub(super) fn snapshot(self, tickets: &TicketRules) -> Snapshot {
        let merged = self.pull_request.as_ref().is_some_and(|link| link.merged_at.is_some());
        let labels = self.labels.map(|labels| labels.into_iter().map(|label| label.name).collect());
        Snapshot {
            project_id: None,
            title: self.title.unwrap_or_default(),
            url: self.html_url.unwrap_or_default(),
            author: self.user.as_ref().map_or_else(ghost, User::account),
            state: match self.state.as_deref() {
                _ if merged => ChangeState::Merged,
                Some("closed") => ChangeState::Closed,
                _ => ChangeState::Open,
            },
            draft: self.draft,
            labels,
            reviewers: None,
            target_branch: None,
            tickets: tickets_of(self.body.as_deref(), tickets),
            head: None,
            size: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl GitHub {
    /// The pull requests of an organisation that were updated at or after `mark`, closed ones too; or
    /// those that are open. Archived repositories are left out. One request for 100.
    pub(super) async fn search(&self, owner: &str, mark: Option<Timestamp>) -> Result<Found, ForgeFault> {
        let (sort, field) = if mark.is_some() { ("updated", "updated") } else { ("created", "created") };
        let mut from = mark.map(|mark| mark.checked_sub(INDEX_LAG).unwrap_or(mark));
        let mut found = Found::default();
        let mut page = 1;
        for _ in 0..SWEEP_PAGES_MAX {
            let open = if mark.is_none() { " is:open" } else { "" };
            let since = from.map(|at| format!(" {field}:>={}", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
            let query = format!("is:pr archived:false org:{owner}{open}{}", since.unwrap_or_default());
            let mut url = self.at(["search", "issues"]);
            url.query_pairs_mut()
                .append_pair("q", &query)
                .append_pair("sort", sort)
                .append_pair("order", "asc")
                .append_pair("per_page", &PER_PAGE.to_string())
                .append_pair("page", &page.to_string());
            let answer: Page = self.read_of(owner, url).await?;
            found.incomplete |= answer.incomplete_results;
            let Entries { list, unread } = answer.items;
            self.transport.note_unread(unread);
            found.unread += unread;
            let full = list.len() + unread >= PER_PAGE as usize;
            found.hits.extend(list);
            if !full {
                return Ok(found);
            }
            // A page is found by counting from the beginning, so what moves or leaves meanwhile would push
            // another hit over its edge. From the last hit's time on, nothing slips through.
            let last = found.hits.last();
            let last =
                last.and_then(|hit| if mark.is_some() { Some(hit.updated_at) } else { hit.created_at });
            if last > from {
                (from, page) = (last, 1);
            } else {
                page += 1;
            }
            if page > QUERY_PAGES_MAX {
                break;
            }
        }
        tracing::warn!(owner, hits = found.hits.len(), "more changes than one sweep takes; the next goes on");
        match found.hits.last().filter(|_| mark.is_some()) {
            Some(last) => found.covered_until = Some(last.updated_at),
            None => found.incomplete = true,
        }
        Ok(found)
    }
}
