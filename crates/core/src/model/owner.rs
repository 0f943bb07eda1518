//! Owners of changed files.

use serde::{Deserialize, Serialize};

/// A member of a pool who owns something that the change touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub person: String,
    /// The first changed file that they own.
    pub path: String,
}
