//! The clients against a scripted forge on loopback.

mod codeowners;
mod entries;
mod faults;
mod github;
mod gitlab;
mod gitlab_lists;
mod gitlab_versions;
mod pace;
mod recorded;
mod script;
mod threads;
mod webhook_health;
