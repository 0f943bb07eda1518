//! GitLab: gitlab.com and self-managed.

pub mod read;
mod reviewers;
