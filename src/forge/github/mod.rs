//! GitHub: github.com and GitHub Enterprise Server.

pub mod read;
