//! From a signed webhook to the forge and back: the real parts, wired as in production, against the
//! sandbox on loopback. What needs no process of its own runs on a virtual clock.

mod cost;
mod harness;
mod hooks;
mod strangers;
