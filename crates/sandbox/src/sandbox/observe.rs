//! Looking: at changes as they stand, at every request that reached a forge, and at everything that
//! happened there.

use std::io;
use std::path::Path;

use super::Sandbox;
use crate::service::{Recording, RequestRecord};
use crate::world::{ChangeRef, ChangeSnapshot, Forge, LogEntry, Refusal};

/// Changes.
impl Sandbox {
    /// The change as it stands now.
    ///
    /// # Errors
    /// 404 where there is no such change.
    pub fn snapshot(&self, at: &ChangeRef) -> Result<ChangeSnapshot, Refusal> {
        self.forges().state.snapshot(at)
    }

    /// Every change of a forge, by project and number.
    pub fn changes(&self, forge: Forge) -> Vec<ChangeRef> {
        let state = &self.forges().state;
        let projects = state.projects.values().filter(|project| project.forge == forge);
        projects
            .flat_map(|project| {
                let at = |number: &u64| ChangeRef { forge, project: project.path.clone(), number: *number };
                project.changes.keys().map(at).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The page a person would open in the browser.
    pub fn web_url(&self, at: &ChangeRef) -> String {
        self.forges().state.change_page(at)
    }
}

/// What happened.
impl Sandbox {
    /// Every request since the start or the last [`Sandbox::clear_requests`], oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.forges().requests.all().cloned().collect()
    }

    /// Forgets the requests seen so far.
    pub fn clear_requests(&self) {
        self.forges().requests.clear();
    }

    /// How many requests that only read were seen.
    pub fn reads(&self) -> usize {
        self.forges().requests.all().filter(|request| request.is_read()).count()
    }

    /// How many requests of any other kind were seen.
    pub fn writes(&self) -> usize {
        self.forges().requests.all().filter(|request| !request.is_read()).count()
    }

    /// Everything that happened since the `known`-th entry, oldest first. Start with 0, then pass the
    /// number of entries read so far.
    pub fn log_since(&self, known: usize) -> Vec<LogEntry> {
        self.forges().state.log.get(known..).unwrap_or_default().to_vec()
    }

    /// From now on writes every exchange and every webhook to `file`, which is made anew. Credentials
    /// of requests are left out; the secrets of webhooks are not, for without them no judge could
    /// check a signature. A line:
    ///
    /// `{"kind": "exchange", "forge", "method", "target", "headers", "body", "status",
    /// "answer_headers", "answer", "planned"}`, where `target` is path and query, `body` the text as it
    /// came, `status` null if the connection was dropped, `answer` JSON or null, and `planned` true if
    /// a planned fault answered; or
    ///
    /// `{"kind": "webhook", "forge", "event", "at", "headers", "body", "secret", "signing_token"}`, where
    /// `at` is the time of the sandbox's clock in Unix seconds.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn record_to(&self, file: &Path) -> io::Result<()> {
        let recording = Recording::to(file)?;
        self.forges().recording = Some(recording);
        Ok(())
    }
}
