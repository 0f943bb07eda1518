//! Which pools a change belongs to, and which person of a pool is asked.

pub mod codeowners;
pub mod owners;
pub mod pick;
pub mod queue;
mod rank;
pub mod route;
