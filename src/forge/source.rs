//! Where the projects of the configuration have to be looked for.

use crate::core::policy::Pattern;

/// Where a glob pattern of projects has to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// Everything the token can see.
    Everywhere,
    /// All projects below this namespace.
    Below(String),
    Project(String),
}

pub(super) fn is_wild(part: &str) -> bool {
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
pub(super) fn sources(patterns: &[Pattern]) -> Vec<Source> {
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
