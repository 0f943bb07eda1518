//! The judgement from outside: scenarios in words, laws over random histories, the book of texts. It
//! needs the core and its words only, and so is built without a client, a server or a store.

#![expect(unreachable_pub, reason = "no other crate sees a test, so `pub` is the short word here")]

mod laws;
mod live_text;
mod scenarios;
mod support;
mod upgrade;
mod words;
