//! A forge as a service: a request in, an answer out, with the faults that were planned, and all of it
//! written down. `listener` puts a service on a socket, `sockets` both forges; nothing else here knows of
//! the network.

mod body;
mod faults;
mod forge;
mod forges;
mod listener;
mod recording;
mod requests;
mod sockets;

pub use self::body::{Body, ConnectionDropped};
pub use self::faults::Fault;
pub use self::forge::ForgeService;
pub(crate) use self::forges::{Forges, SharedForges};
pub(crate) use self::recording::Recording;
pub use self::requests::RequestRecord;
pub(crate) use self::sockets::Sockets;
