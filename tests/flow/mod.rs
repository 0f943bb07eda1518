//! From a signed webhook to the forge and back: the real parts, wired as in production, against the
//! sandbox on loopback. What needs no process of its own runs on a virtual clock.

mod absence;
mod access;
mod answers;
mod command;
mod cost;
mod cost_of_many;
mod crash;
mod examples;
mod faults;
mod harness;
mod healing;
mod hooks;
mod life;
mod limits;
mod maintenance;
mod membership;
mod moved;
mod odd_reviews;
mod one_pool;
mod online;
mod order;
mod owners;
mod partial;
mod places;
mod redelivery;
mod refused;
mod secrets;
mod server;
mod sign;
mod strangers;
mod tickets;
mod two_gitlabs;
mod unreachable;
mod wakeups;
mod webhooks;
