//! Claims: which pools a change belongs to, by the first route that matches each of its files.

use crate::model::change::{ChangeKey, ChangedFile, OwnersFile};
use crate::model::fingerprint::{fingerprint, fingerprint_of};
use crate::model::labels::LabelsOn;
use crate::model::policy::{Pattern, Policy, Route};

/// Most handles of owners that one pool's claim carries.
const HANDLES_MAX: usize = 100;

/// What routes look at.
#[derive(Clone, Copy, Debug)]
pub struct RouteFacts<'a> {
    pub change: &'a ChangeKey,
    pub target_branch: &'a str,
    pub labels: LabelsOn<'a>,
    /// Changed files, if they have been read.
    pub files: Option<&'a [ChangedFile]>,
}

/// Changed files as they were read, and what came of their CODEOWNERS.
#[derive(Clone, Copy, Debug)]
pub struct FilesRead<'a> {
    pub files: &'a [ChangedFile],
    pub codeowners: OwnersFile,
}

/// Which pools a change belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claims {
    /// Some route has paths or follows CODEOWNERS: the changed files must be read first.
    NeedFiles { codeowners: bool },
    /// Most changed lines first. Empty: no route matches.
    Pools(Vec<Claim>),
}

/// One pool's claim to a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub pool: String,
    /// Changed lines that its routes claim; 0 where files were not read.
    pub lines: u64,
    /// The route by which most of them came: [`Route::print`].
    pub route: u64,
    /// Handles of the owners of the claimed files, each with the first file they own; `None` where
    /// no route of the claim follows CODEOWNERS.
    pub owners: Option<Vec<(String, String)>>,
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(text))
}

impl Policy {
    /// Which pools claim the change.
    pub fn claims(&self, facts: &RouteFacts<'_>) -> Claims {
        let mut candidates: Vec<&Route> = self.routes.iter().filter(|route| route.admits(facts)).collect();
        // Nothing comes past the first route without paths.
        let first_open = candidates.iter().position(|route| route.paths.is_empty());
        candidates.truncate(first_open.map_or(candidates.len(), |index| index + 1));
        let codeowners = candidates.iter().any(|route| route.codeowners);
        let needs_files = codeowners || (!candidates.is_empty() && first_open != Some(0));
        match (needs_files, facts.files) {
            (true, None) => Claims::NeedFiles { codeowners },
            (true, Some(files)) => Claims::Pools(self.claimed_by_files(&candidates, files)),
            (false, _) => {
                let open = candidates.first().map(|route| Claim::by(route));
                Claims::Pools(open.into_iter().collect())
            }
        }
    }

    /// What tells the routes that may claim the change, whatever its files, from any others.
    pub fn admitted_print(&self, facts: &RouteFacts<'_>) -> u64 {
        let admitted = self.routes.iter().filter(|route| route.admits(facts)).map(Route::print);
        fingerprint_of(&admitted.collect::<Vec<_>>())
    }

    /// Each file is claimed by the first route that matches it; the pool with most changed lines
    /// comes first, ties in the order of the routes.
    fn claimed_by_files(&self, candidates: &[&Route], files: &[ChangedFile]) -> Vec<Claim> {
        // Lines and claimed files of each route.
        let mut by_route: Vec<(u64, Vec<&ChangedFile>)> = vec![(0, Vec::new()); candidates.len()];
        for file in files {
            let first = candidates.iter().position(|route| any(&route.paths, &file.path));
            if let Some((lines, claimed)) = first.and_then(|index| by_route.get_mut(index)) {
                *lines = lines.saturating_add(file.lines);
                claimed.push(file);
            }
        }
        let mut claims: Vec<(Claim, u64)> = Vec::new();
        for (route, (lines, files)) in candidates.iter().zip(&by_route) {
            if files.is_empty() {
                continue;
            }
            let known = claims.iter().position(|(claim, _)| claim.pool == route.pool);
            let index = known.unwrap_or_else(|| {
                claims.push((Claim::by(route), *lines));
                claims.len() - 1
            });
            let Some((claim, most)) = claims.get_mut(index) else { continue };
            claim.lines = claim.lines.saturating_add(*lines);
            if *lines > *most {
                (claim.route, *most) = (route.print(), *lines);
            }
            if route.codeowners {
                claim.add_owners(files);
            }
        }
        let mut claims: Vec<Claim> = claims.into_iter().map(|(claim, _)| claim).collect();
        // A change without files (or whose files nobody claims) goes to the first open route.
        if claims.is_empty() {
            let open = candidates.iter().find(|route| route.paths.is_empty());
            claims.extend(open.map(|route| Claim::by(route)));
        }
        claims.sort_by_key(|claim| std::cmp::Reverse(claim.lines));
        claims.truncate(self.limits.max_pools);
        claims
    }
}

impl Claim {
    /// The claim of a route that has no file yet.
    fn by(route: &Route) -> Claim {
        let owners = route.codeowners.then(Vec::new);
        Claim { pool: route.pool.clone(), lines: 0, route: route.print(), owners }
    }

    fn add_owners(&mut self, files: &[&ChangedFile]) {
        let owners = self.owners.get_or_insert_default();
        for file in files {
            for handle in &file.owners {
                let known = owners.iter().any(|(known, _)| known.eq_ignore_ascii_case(handle));
                if !known && owners.len() < HANDLES_MAX {
                    owners.push((handle.clone(), file.path.clone()));
                }
            }
        }
    }
}

impl Route {
    /// Whether everything but the paths matches.
    fn admits(&self, facts: &RouteFacts<'_>) -> bool {
        (self.forges.is_empty() || self.forges.contains(&facts.change.forge))
            && any(&self.projects, &facts.change.project)
            && any(&self.target_branches, facts.target_branch)
            && facts.labels.satisfy(&self.labels)
    }

    /// Whether a change of this project may come by this route.
    pub fn may_lead_from(&self, forge: &str, project: &str) -> bool {
        (self.forges.is_empty() || self.forges.iter().any(|one| one == forge)) && any(&self.projects, project)
    }

    /// What tells this route from every other, also after a reload has moved it: pool and conditions.
    pub fn print(&self) -> u64 {
        fn texts(patterns: &[Pattern]) -> impl Iterator<Item = &str> {
            patterns.iter().map(|pattern| pattern.text.as_str())
        }
        // Each list begins with its name, so that a label is never taken for a branch.
        let texts = [self.pool.as_str(), "forges"]
            .into_iter()
            .chain(self.forges.iter().map(String::as_str))
            .chain(["projects"])
            .chain(texts(&self.projects))
            .chain(["paths"])
            .chain(texts(&self.paths))
            .chain(["labels"])
            .chain(self.labels.iter().map(String::as_str))
            .chain(["branches"])
            .chain(texts(&self.target_branches));
        fingerprint(texts)
    }
}

impl Policy {
    /// What tells these routes, in their order, from any others.
    pub fn routes_print(&self) -> u64 {
        fingerprint_of(&self.routes.iter().map(Route::print).collect::<Vec<_>>())
    }
}
