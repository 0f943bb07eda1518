//! What the tests of the judgement share: a small company, an in-memory forge, and a play that lets
//! time pass and people act.

use std::path::{Path, PathBuf};

pub mod cases;
pub mod company;
pub mod forge;
mod history;
pub mod markup;
pub mod notices;
pub mod play;
mod standing;
mod threads;
pub mod watch;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
