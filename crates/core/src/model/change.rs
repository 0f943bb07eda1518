//! The change: a merge request or pull request, in forge-neutral words.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tickets::Ticket;

/// Which dialect a forge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    GitLab,
    GitHub,
}

impl ForgeKind {
    /// The word of the configuration: `gitlab` or `github`.
    pub fn word(self) -> &'static str {
        match self {
            ForgeKind::GitLab => "gitlab",
            ForgeKind::GitHub => "github",
        }
    }
}

/// How a change is called: forge name, path of its project, and number (GitLab `iid`), printed as
/// `gitlab:acme/shop!12`. The path may change; the store knows what stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeKey {
    pub forge: String,
    pub project: String,
    pub number: u64,
}

impl ChangeKey {
    pub fn new(forge: impl Into<String>, project: impl Into<String>, number: u64) -> ChangeKey {
        ChangeKey { forge: forge.into(), project: project.into(), number }
    }
}

impl fmt::Display for ChangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}!{}", self.forge, self.project, self.number)
    }
}

impl FromStr for ChangeKey {
    type Err = String;

    /// Reads `forge:project!number`; the error says what was expected.
    fn from_str(text: &str) -> Result<ChangeKey, String> {
        let expected = || format!("`{text}` is not a change; write it as forge:project!number");
        let (forge, rest) = text.split_once(':').ok_or_else(expected)?;
        let (project, number) = rest.rsplit_once('!').ok_or_else(expected)?;
        let number = number.parse().map_err(|_| expected())?;
        if forge.is_empty() || project.is_empty() {
            return Err(expected());
        }
        Ok(ChangeKey::new(forge, project, number))
    }
}

/// A user of one forge. The numeric id is the identity; the login may be renamed, and is empty
/// where a webhook carries only the id (GitLab sends `author_id` alone).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub id: u64,
    pub login: String,
}

impl Account {
    pub fn new(id: u64, login: impl Into<String>) -> Account {
        Account { id, login: login.into() }
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Account) -> bool {
        self.id == other.id
    }
}
impl Eq for Account {}
impl PartialOrd for Account {
    fn partial_cmp(&self, other: &Account) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Account {
    fn cmp(&self, other: &Account) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

/// Where a change stands on its forge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    #[default]
    Open,
    Closed,
    Merged,
}

/// What a reviewer has said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    ChangesRequested,
    Commented,
    /// An approval or a request for changes was taken back (GitLab `unapproved`, GitHub dismissed).
    Withdrawn,
}

impl Verdict {
    /// Whether the author is asked to do something.
    pub fn asks_author(self) -> bool {
        matches!(self, Verdict::ChangesRequested | Verdict::Commented)
    }
}

/// One reviewer as a forge lists them, with what they last said where the forge tells. On GitHub, who
/// is asked again after a review is listed twice: for that review, and without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenReviewer {
    pub account: Account,
    /// The last verdict and when it was given; `None` where nothing was said or the source of the
    /// snapshot does not tell.
    pub verdict: Option<(Verdict, Timestamp)>,
    /// The number of the review that gave it, where the forge counts them (GitHub).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<u64>,
}

/// The reviewers of a change as one source showed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenReviewers {
    pub list: Vec<SeenReviewer>,
    /// Whether absence means "is no reviewer". False for GitHub's `requested_reviewers`, from which
    /// a user disappears by submitting a review.
    pub complete: bool,
    /// Who approves and is not on the list, where all approvals were read (GitLab: whoever may approve need
    /// not be a reviewer, doc/api/merge_request_approvals.md). `None` where the source does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Vec<SeenReviewer>>,
}

impl SeenReviewers {
    /// Everybody who is shown, on the list or beside it.
    pub fn all(&self) -> impl Iterator<Item = &SeenReviewer> {
        self.list.iter().chain(self.beside.iter().flatten())
    }

    /// As [`SeenReviewers::all`].
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut SeenReviewer> {
        self.list.iter_mut().chain(self.beside.iter_mut().flatten())
    }
}

/// What a change looked like at `updated_at`. Fields are optional where some event does not carry
/// them: absent means "not told", never "empty".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The forge's number of the project, which stays when the project is renamed or moved.
    #[serde(default)]
    pub project_id: Option<u64>,
    pub title: String,
    pub url: String,
    pub author: Account,
    pub state: ChangeState,
    pub draft: Option<bool>,
    pub labels: Option<BTreeSet<String>>,
    pub reviewers: Option<SeenReviewers>,
    pub target_branch: Option<String>,
    /// Customer tickets that the description names; the description itself is not kept.
    #[serde(default)]
    pub tickets: Option<BTreeSet<Ticket>>,
    /// Head commit; a new one means that somebody pushed.
    pub head: Option<String>,
    /// How much is changed, where the source tells: GitHub's own count, GitLab has none.
    #[serde(default)]
    pub size: Option<Size>,
    pub created_at: Option<Timestamp>,
    /// The forge's own `updated_at`: an older snapshot than the last seen changes nothing.
    pub updated_at: Timestamp,
}

/// How much a change changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Added plus deleted lines.
    pub lines: u64,
    pub files: u64,
}

impl Size {
    /// What the files come to; `None` without any, since then nothing was read.
    pub fn of(files: &[ChangedFile]) -> Option<Size> {
        let lines = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.lines));
        (!files.is_empty()).then_some(Size { lines, files: files.len() as u64 })
    }
}

/// One changed file, with added plus deleted lines (0 where the forge does not say).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    pub path: String,
    pub lines: u64,
    /// Who owns it by the repository's CODEOWNERS, where that was asked for: handles without `@`.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// What came of reading the repository's CODEOWNERS file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnersFile {
    /// Nobody wanted to know.
    #[default]
    NotAsked,
    /// The target branch has none.
    Missing,
    /// It is too large, or the forge would not show it.
    Unusable,
    /// The owners are in the changed files.
    Read,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_key_survives_its_own_text() {
        let key = ChangeKey::new("gitlab", "acme/tools/shop", 12);
        assert_eq!(key.to_string(), "gitlab:acme/tools/shop!12");
        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["acme/shop!1", "gitlab:acme/shop", "gitlab:acme/shop!x", ":a!1", "gitlab:!1"] {
            assert!(wrong.parse::<ChangeKey>().is_err(), "{wrong}");
        }
    }
}
