//! What tests share. Those of the judgement: a small company, an in-memory forge, and a play that lets
//! time pass and people act. Those on the wire: a sandbox that may be recorded.

pub mod company;
pub mod forge;
mod history;
pub mod markup;
pub mod notices;
pub mod play;
pub mod tape;
pub mod time;
pub mod watch;
