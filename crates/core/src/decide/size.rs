//! Measuring: how much a change changes. GitHub says so in its webhooks; on GitLab, and wherever it
//! was not told, the changed files are read, but only if some rule wants to know.

use super::apply::Applying;
use super::draft::Draft;
use crate::model::action::Action;
use crate::model::change::{ChangedFile, ForgeKind, Size, Snapshot};
use crate::model::reason::Reason;
use crate::model::review::{Review, Routing};

impl Applying<'_, '_, '_> {
    /// Takes the size from a snapshot that tells it.
    pub(super) fn measure_snapshot(&mut self, snapshot: &Snapshot) {
        if let Some(size) = snapshot.size {
            self.draft.review.seen.size = Some(size);
            self.draft.review.seen.size_head = Some(self.draft.review.head_or_empty());
        }
    }

    /// Takes the size from the files that were read; without any it is not known. GitHub's own count
    /// is better, where there is one: its list of files ends at 3,000.
    pub(super) fn measure_files(&mut self, files: &[ChangedFile]) {
        let told =
            self.draft.world.directory.kind == ForgeKind::GitHub && self.draft.review.seen.size.is_some();
        if !(told && self.draft.review.is_measured()) {
            self.draft.review.seen.size = Size::of(files);
            self.draft.review.seen.size_head = Some(self.draft.review.head_or_empty());
        }
    }
}

impl Draft<'_> {
    /// Whether the files must be read to know the size. Asked once for each head.
    pub(super) fn wants_size(&self) -> bool {
        let asked = self.review.done.size_asked.as_deref()
            == Some(self.review.seen.head.as_deref().unwrap_or_default());
        self.world.policy.needs_size() && !self.review.is_measured() && !asked
    }

    /// Asks for the files of a change that is routed already, after new commits.
    pub(super) fn measure_again(&mut self) -> Option<Action> {
        let again = self.review.planned.routing == Routing::Routed && self.wants_size();
        again.then(|| {
            self.say(Reason::MeasuringSize);
            self.read_files(None)
        })
    }

    /// Asks for the changed files, with their owners where a branch is named.
    pub(super) fn read_files(&mut self, codeowners: Option<String>) -> Action {
        self.review.done.size_asked = Some(self.review.head_or_empty());
        Action::ReadFiles { codeowners }
    }
}

impl Review {
    fn head_or_empty(&self) -> String {
        self.seen.head.clone().unwrap_or_default()
    }

    /// Whether the size (or that it cannot be had) is known for the present commits.
    pub fn is_measured(&self) -> bool {
        self.seen.size_head.as_deref() == Some(self.seen.head.as_deref().unwrap_or_default())
    }
}
