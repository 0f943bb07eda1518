//! A fake GitLab and a fake GitHub, for whoever writes a client or a bot for them.
//!
//! Both forges stand on one state, speak their own dialects of REST and GraphQL, follow their rules,
//! refusals included, and send really signed webhooks. People act on them through methods
//! ([`Sandbox::open_change`], [`Sandbox::review`], …), a bot acts through the API; both cause the
//! webhooks that the real forge would send.
//!
//! # Starting it
//! [`Sandbox::in_process`] needs no network: requests are handed to a [`Sandbox::service`], which is a
//! `tower::Service`, and webhooks are taken out by hand. [`Sandbox::start`] puts the same services on two
//! loopback ports and sends webhooks over HTTP. `cargo run --example sandbox` runs them as a process of
//! their own.
//!
//! ```
//! use tower::ServiceExt;
//! use usher_sandbox::{Access, Forge, HookTarget, ManualClock, NewChange, NewHook, Sandbox};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::in_process(ManualClock::at("2026-03-02T09:00:00Z".parse()?));
//! sandbox.add_member(Forge::Github, "acme/shop", "sam", Access::WRITE);
//! sandbox.add_token(Forge::Github, "s3cret", "sam");
//! let hook = NewHook::to("https://bot.example/hooks").with_secret("hush");
//! sandbox.add_hook(Forge::Github, HookTarget::Project("acme/shop".into()), hook);
//!
//! // A person acts, and the forge has something to tell: its greeting, and the new pull request.
//! sandbox.open_change(Forge::Github, "acme/shop", NewChange::by("sam", "Fix the total"))?;
//! let events: Vec<String> = sandbox.take_pending().into_iter().map(|webhook| webhook.event).collect();
//! assert_eq!(events, ["ping", "pull_request"]);
//!
//! // A client asks.
//! let request = http::Request::get("/api/v3/repos/acme/shop/pulls/1")
//!     .header("authorization", "Bearer s3cret")
//!     .body(String::new())?;
//! let response = sandbox.service(Forge::Github).oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # What it follows
//! GitHub's OpenAPI description (REST 2022-11-28, as GitHub Enterprise Server 3.19) and its webhooks;
//! GitLab's API documentation, its `webhook_events.md`, and the source of 19.5 where the documentation
//! is silent. Where a rule is less than obvious, the place it was found stands beside it. What a client
//! of merge and pull requests needs is there, and nothing else: an unknown path is answered as the forge
//! answers one.
//!
//! The time is handed to it as a [`Clock`], and nothing happens by itself: webhooks wait until they are
//! sent or taken, in whatever order, twice or not at all. Requests meet faults when told to
//! ([`Sandbox::fail_next`]).
//!
//! # The rooms
//! From the ground up, each importing only those before it: `clock`; `world`, what the forges know and
//! what can be done to it; `wire`, requests and answers without a dialect; `gitlab` and `github`, the
//! dialects; `webhooks`, telling and signing; `service`, a forge that answers; `sandbox`, the handle.

// A crate that others may use.
#![warn(missing_docs, unreachable_pub)]

mod clock;
mod github;
mod gitlab;
mod sandbox;
mod service;
mod webhooks;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use self::clock::{Clock, ManualClock, Wait};
pub use self::sandbox::Sandbox;
pub use self::service::{Body, ConnectionDropped, Fault, ForgeService, RequestRecord};
pub use self::webhooks::{DeliveryOutcome, SignedRequest};
pub use self::world::{
    Access, ChangeRef, ChangeSnapshot, ChangeState, ChangedFile, CommentSnapshot, Feature, FeatureAccess,
    Forge, HookTarget, LogEntry, NewChange, NewHook, Refusal, ReviewerState, Tier, UserId, Verdict,
};
