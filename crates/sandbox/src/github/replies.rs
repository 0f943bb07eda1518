//! How GitHub answers: its refusals, pages, redirects and `ETag`s.

use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::wire::{Call, Page, Reply};
use crate::world::{Access, Forge, Refusal, State, UserId, digest};

/// Items on a page if the client does not say.
pub(super) const PER_PAGE: usize = 30;

pub(super) fn must_have(state: &State, path: &str, user: UserId, least: Access) -> Result<(), Refusal> {
    let project = state.project(Forge::Github, path)?;
    if state.access(project, user).is_some_and(|access| access >= least) {
        return Ok(());
    }
    Err(Refusal::new(403, "Resource not accessible by personal access token"))
}

/// GitHub's answer to a path it does not know, a verb it does not know, and what the caller may not see.
pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "Not Found")
}

pub(super) fn refuse(refusal: &Refusal) -> Reply {
    let mut body = json!({
        "message": refusal.message,
        "documentation_url": "https://docs.github.com/rest",
        "status": refusal.status.to_string(),
    });
    if !refusal.errors.is_null() {
        body["errors"] = refusal.errors.clone();
    }
    Reply::json(refusal.status, body)
}

/// One page; GitHub sends `Link` only if there is more than one.
pub(super) fn paged(call: &Call, items: Vec<Value>) -> Reply {
    let page = Page::asked_by(call, items, PER_PAGE);
    let link = (page.last() > 1).then(|| page.link(call));
    let mut reply = Reply::ok(Value::Array(page.items));
    if let Some(link) = link {
        reply.header("link", link);
    }
    reply
}

/// The answer to a request by a repository's old path. `rest`: what follows the repository in the path.
pub(super) fn renamed(state: &State, call: &Call, path: &str, rest: &[&str]) -> Option<Reply> {
    let id = state.renamed(Forge::Github, path)?;
    let below: String = rest.iter().map(|part| format!("/{part}")).collect();
    let place = format!("{}/repositories/{id}{below}", state.api(Forge::Github));
    let (status, message) = match call.method {
        Method::GET => (301, "Moved Permanently"),
        _ => (307, "Temporary Redirect"),
    };
    let mut reply = Reply::json(status, json!({ "message": message, "url": place }));
    reply.header("location", place);
    Some(reply)
}

/// Adds the `ETag`, and answers 304 without a body if the client has just that.
pub(super) fn with_etag(mut reply: Reply, known: Option<&HeaderValue>) -> Reply {
    let body = reply.body.as_ref().map(Value::to_string).or_else(|| reply.text.clone()).unwrap_or_default();
    let etag = format!("W/\"{}\"", digest(&body));
    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        (reply.status, reply.body, reply.text) = (304, None, None);
    }
    reply.header("etag", etag);
    reply
}
