//! What GitLab posts.

mod labels;
mod payloads;
mod read;
mod reviewers;

pub(super) use read::read;
