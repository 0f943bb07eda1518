//! One forge of the command, with what was seen there.

use super::survey::Survey;
use crate::config::Forge;
use crate::forge::{Client, HookAddress};

/// A forge, and what was seen there.
pub(super) struct Site<'a> {
    pub forge: &'a Forge,
    pub client: Client,
    pub address: Option<HookAddress>,
    pub survey: Survey,
}
