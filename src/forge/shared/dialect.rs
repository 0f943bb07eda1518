//! What a dialect must be able to do.

use std::fmt::Debug;
use std::sync::Arc;

use super::access::Access;
use super::availability::Availability;
use super::changes::{ReadChanges, WriteChanges};
use super::comments::Comments;
use super::inspect::Inspect;
use super::listing::{FindProjects, ListChanges};
use super::people::People;
use super::webhook_health::WebhookHealth;
use super::webhooks::Webhooks;
use crate::forge::transport::http::Transport;

/// One forge as one identity, in its own dialect. Each part is told in the file of its name, on
/// either side.
pub(in crate::forge) trait Dialect:
    Access
    + Availability
    + Comments
    + Debug
    + FindProjects
    + Inspect
    + ListChanges
    + People
    + ReadChanges
    + Send
    + WebhookHealth
    + Webhooks
    + WriteChanges
{
    /// The same forge over another transport.
    fn over(&self, transport: Arc<Transport>) -> Box<dyn Dialect>;
}
