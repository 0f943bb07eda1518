//! The threads of a merge request: discussions whose notes can be resolved (doc/api/discussions.md).

use gitlab::api::projects::merge_requests::discussions::MergeRequestDiscussions;
use jiff::Timestamp;
use serde::Deserialize;

use super::api::{GitLab, endpoint};
use super::wire::User;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::ChangeKey;
use usher_core::model::threads::{Resolved, Thread};

#[derive(Debug, Deserialize)]
struct Discussion {
    #[serde(default)]
    notes: Vec<ThreadNote>,
}

#[derive(Debug, Deserialize)]
struct ThreadNote {
    author: Option<User>,
    created_at: Option<Timestamp>,
    #[serde(default)]
    resolvable: bool,
    #[serde(default)]
    resolved: bool,
    resolved_by: Option<User>,
    /// Where it is not told, the note may have been resolved at any time.
    resolved_at: Option<Timestamp>,
}

impl Discussion {
    /// `None` where it cannot be resolved, or nobody is known who opened it. It is resolved when each of its
    /// notes is that can be.
    fn thread(self) -> Option<Thread> {
        let notes: Vec<ThreadNote> = self.notes.into_iter().filter(|note| note.resolvable).collect();
        let first = notes.first()?;
        let (opener, opened_at) = (first.author.as_ref()?.account(), first.created_at?);
        let last = notes.iter().max_by_key(|note| note.resolved_at);
        let resolved = notes.iter().all(|note| note.resolved).then(|| Resolved {
            by: last.and_then(|note| note.resolved_by.as_ref()).map(User::account),
            at: last.and_then(|note| note.resolved_at),
        });
        Some(Thread { opener, opened_at, resolved })
    }
}

impl GitLab {
    /// All threads; `None` where not all could be read. One request for 100 discussions.
    pub(super) async fn discussions(&self, change: &ChangeKey) -> Result<Option<Vec<Thread>>, ForgeFault> {
        let mut wanted = MergeRequestDiscussions::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let found: Pages<Discussion> = self.pages(&wanted, PAGES_LIMIT).await?;
        let whole = found.is_whole();
        Ok(whole.then(|| found.entries.into_iter().filter_map(Discussion::thread).collect()))
    }
}
