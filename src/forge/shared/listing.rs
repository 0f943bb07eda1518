//! What a sweep asks a forge for, in which places, and what it gets.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::Pages;
use usher_core::model::change::{ChangeKey, Snapshot};
use usher_core::model::policy::Pattern;
use usher_core::model::tickets::TicketRules;

/// Changes as a sweep saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each change once. The snapshots carry no verdicts.
    pub changes: Vec<(ChangeKey, Snapshot)>,
    /// A limit on pages or projects was met: there is more than `changes`. The watermark must not be
    /// moved past the oldest `updated_at` that may be missing, so leave it where it was.
    pub truncated: bool,
    /// Entries that could not be read: changes that the forge has, and that are missing here.
    pub unread: usize,
    /// There is more, but nothing that was updated before this: the watermark may be moved so far.
    pub covered_until: Option<Timestamp>,
    /// Places (projects, groups, owners) that the forge would not show. They keep a watermark of
    /// their own; that of all others moves on.
    pub refused: BTreeSet<String>,
    /// Whether any place was shown.
    pub(in crate::forge) answered: bool,
    /// The first place that failed where others may have answered.
    pub(in crate::forge) failed: Option<ForgeFault>,
    /// Projects of changes that came with the answers and are not watched: those of subgroups.
    pub unwatched: BTreeSet<String>,
}

/// Which changes a sweep wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// All that were updated at or after that instant; `None`: those that are open.
    pub mark: Option<Timestamp>,
    /// Places with a mark of their own: they were refused when they were asked last.
    pub behind: BTreeMap<String, Option<Timestamp>>,
    /// Places that are not asked this time.
    pub resting: BTreeSet<String>,
    /// A roll call: which changes are open is what matters, not what they look like. On GitHub that
    /// costs a request for 100 changes instead of one for each project.
    pub roll_call: bool,
}

impl Since {
    /// Everything updated since, or everything open, everywhere.
    pub fn mark(mark: Option<Timestamp>) -> Since {
        Since { mark, ..Since::default() }
    }

    /// The mark of one place; `None` if it is not asked.
    pub(in crate::forge) fn of(&self, place: &str) -> Option<Option<Timestamp>> {
        if self.resting.contains(place) {
            return None;
        }
        Some(self.behind.get(place).copied().unwrap_or(self.mark))
    }
}

/// Where a project is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Full path.
    pub project: String,
    /// The forge's number of it.
    pub number: Option<u64>,
    /// It can be read, and nobody can act on it.
    pub archived: bool,
}

impl Listing {
    /// Whether a change that is not among `changes` is not there.
    pub fn is_complete(&self) -> bool {
        !self.truncated && self.covered_until.is_none() && self.unread == 0
    }

    /// What was found in the project or group `name`; one that the forge does not show is noted, for a
    /// single renamed or forbidden project must not end the healing of all others.
    ///
    /// # Errors
    /// Every other fault, which names the project where it has words.
    pub(in crate::forge) fn shown<T>(
        &mut self,
        forge: &str,
        name: &str,
        found: Result<Pages<T>, ForgeFault>,
    ) -> Result<Vec<T>, ForgeFault> {
        let fault = match found {
            Ok(found) => {
                self.answered = true;
                self.truncated |= found.truncated;
                self.unread += found.unread;
                return Ok(found.entries);
            }
            Err(fault) => fault.about(&format!("`{name}`")),
        };
        match fault {
            // Of one that is ill alone; where the forge is, it is soon left alone, which is another fault.
            fault @ ForgeFault::Retry { .. } => {
                tracing::warn!(forge, project = name, %fault, "passed over this time");
                self.failed.get_or_insert(fault);
            }
            // One that does not exist is named in `usher check`; here it would be said for ever.
            ForgeFault::Gone => tracing::debug!(forge, project = name, "is not there, or hidden"),
            ForgeFault::Refused { .. } => {
                tracing::warn!(forge, project = name, %fault, "passed over; correct `projects` or the token's rights");
            }
            fault => return Err(fault),
        }
        self.refused.insert(name.to_owned());
        Ok(Vec::new())
    }
}

/// Lists changes.
#[async_trait]
pub(in crate::forge) trait ListChanges: Sync {
    /// The changes of the watched projects; a change may come twice.
    async fn list(
        &self,
        forge: &str,
        patterns: &[Pattern],
        since: &Since,
        tickets: &TicketRules,
    ) -> Result<Listing, ForgeFault>;
}

/// Finds projects.
#[async_trait]
pub(in crate::forge) trait FindProjects: Sync {
    /// Paths of all projects of an owner, or of all that the token is let into; without archived ones.
    async fn projects_in(&self, owner: Option<&str>) -> Result<Pages<String>, ForgeFault>;

    /// Where a project is now, by the forge's number of it or by its path.
    async fn whereabouts(
        &self,
        project: &str,
        id: Option<u64>,
        patterns: &[Pattern],
    ) -> Result<Whereabouts, ForgeFault>;
}

/// Where a glob pattern of projects has to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::forge) enum Source {
    /// Everything the token can see.
    Everywhere,
    /// All projects below this namespace.
    Below(String),
    Project(String),
}

pub(in crate::forge) fn is_wild(part: &str) -> bool {
    part.contains(['*', '?', '[', '{', '\\'])
}

impl Source {
    /// As forges compare names: without regard to case.
    fn folded(&self) -> Source {
        match self {
            Source::Everywhere => Source::Everywhere,
            Source::Below(path) => Source::Below(path.to_ascii_lowercase()),
            Source::Project(path) => Source::Project(path.to_ascii_lowercase()),
        }
    }
}

/// The fewest places in which all of `patterns` are found, in the spelling that came first.
pub(in crate::forge) fn sources(patterns: &[Pattern]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.text.split('/').collect();
        let tame: Vec<&str> = parts.iter().copied().take_while(|part| !is_wild(part)).collect();
        sources.push(match tame.len() {
            0 => Source::Everywhere,
            n if n == parts.len() => Source::Project(pattern.text.clone()),
            _ => Source::Below(tame.join("/")),
        });
    }
    sources.sort_by_cached_key(Source::folded);
    sources.dedup_by_key(|source| source.folded());
    let all: Vec<Source> = sources.iter().map(Source::folded).collect();
    let inside = |path: &str, root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    sources.retain(|source| {
        let (Source::Below(path) | Source::Project(path)) = source.folded() else { return true };
        !all.iter().any(|other| match other {
            Source::Everywhere => true,
            Source::Below(root) => inside(&path, root),
            Source::Project(_) => false,
        })
    });
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_looked_for_in_the_fewest_places() {
        let found = |texts: &[&str]| {
            let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
            sources(&patterns)
        };
        let below = |path: &str| Source::Below(path.into());
        let project = |path: &str| Source::Project(path.into());
        assert_eq!(
            found(&["acme/*", "acme/shop", "acme/tools/**", "beta/x"]),
            [below("acme"), project("beta/x")]
        );
        assert_eq!(found(&["acmes/*", "acme/*"]), [below("acme"), below("acmes")]);
        assert_eq!(found(&["acme/{a,b}", "acme/*"]), [below("acme")]);
        assert_eq!(found(&["**", "acme/shop"]), [Source::Everywhere]);
        assert_eq!(found(&["Acme/*", "acme/*", "ACME/shop"]), [below("Acme")]);
        assert_eq!(found(&["Beta/X", "beta/x"]), [project("Beta/X")]);
    }
}
