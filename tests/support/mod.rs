//! What tests of the judgement share: a small company, an in-memory forge, and a play that lets
//! time pass and people act.

pub mod company;
pub mod forge;
mod history;
pub mod markup;
pub mod notices;
pub mod play;
