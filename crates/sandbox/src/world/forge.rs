//! The two forges, and where each of them lives.

/// Which of the two fake forges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forge {
    /// The fake GitLab, below `/gl`.
    Gitlab,
    /// The fake GitHub Enterprise Server, API below `/api/v3`.
    Github,
}

/// GitLab's tier, which decides about several reviewers, scoped labels and group hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// One reviewer per merge request, no scoped labels, no group hooks.
    Free,
    /// Several reviewers, exclusive scoped labels, group hooks.
    Premium,
}
