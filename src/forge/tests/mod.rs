//! The clients against a scripted forge on loopback.

mod codeowners;
mod faults;
mod github;
mod gitlab;
mod pace;
mod script;
mod webhook_health;
