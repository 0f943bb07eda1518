//! What a webhook carries, before it is signed.

use serde_json::Value;

use crate::world::HookTarget;

/// One webhook's worth of news.
pub(crate) struct Payload {
    pub(crate) audience: Audience,
    /// The name under which hooks subscribe to it.
    pub(crate) subscription: &'static str,
    /// What the header says it is.
    pub(crate) event: &'static str,
    pub(crate) body: Value,
}

/// Which hooks are told.
pub(crate) enum Audience {
    /// Those that cover this project.
    OfProject(String),
    /// Those that cover this GitLab group.
    OfGroup(String),
    /// Those at exactly this target.
    At(HookTarget),
    /// This one, healthy or not, subscribed or not.
    Hook(u64),
}
