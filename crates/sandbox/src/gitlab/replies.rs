//! How GitLab answers: its refusals, pages and redirects.

use http::Method;
use serde_json::{Value, json};

use crate::wire::{Call, Page, Reply};
use crate::world::{Forge, Refusal, State};

/// Items on a page if the client does not say.
const PER_PAGE: usize = 20;
/// Under `error`, where validation failed on the address of a webhook.
pub(super) const INVALID_URL: &str = "Invalid url given";

pub(super) fn no_route() -> Refusal {
    Refusal::new(404, "404 Not Found")
}

/// The verb is not one of the path's.
pub(super) fn wrong_method() -> Refusal {
    Refusal::new(405, "405 Not Allowed")
}

/// GitLab says `message`; its parameter checks and its router say `error`.
pub(super) fn refuse(refusal: &Refusal) -> Reply {
    let by_router = matches!(refusal.status, 400 | 405)
        || matches!(refusal.message.as_str(), "404 Not Found" | INVALID_URL);
    let member = if by_router { "error" } else { "message" };
    Reply::json(refusal.status, json!({ member: refusal.message }))
}

/// The answer to a request by a project's old path. `rest`: what follows the project in the path.
pub(super) fn renamed(state: &State, call: &Call, path: &str, rest: &[&str]) -> Option<Reply> {
    let id = state.renamed(Forge::Gitlab, path)?;
    if call.method != Method::GET {
        let message = "405 Non GET methods are not allowed for moved projects";
        return Some(Reply::json(405, json!({ "message": message })));
    }
    let below: String = rest.iter().map(|part| format!("/{part}")).collect();
    let place = format!("{}/projects/{id}{below}", state.api(Forge::Gitlab));
    let message = "This resource has been moved permanently";
    let mut reply = Reply::json(301, json!({ "message": message, "url": place }));
    reply.header("location", place);
    Some(reply)
}

/// One page, with GitLab's headers.
pub(super) fn paged(call: &Call, items: Vec<Value>) -> Reply {
    let page: Page<Value> = Page::asked_by(call, items, PER_PAGE);
    let number = |page: Option<usize>| page.map(|page| page.to_string()).unwrap_or_default();
    let (next, prev, last, link) = (page.next(), page.prev(), page.last(), page.link(call));
    let mut reply = Reply::ok(Value::Array(page.items));
    reply.header("x-page", page.number);
    reply.header("x-per-page", page.per_page);
    reply.header("x-next-page", number(next));
    reply.header("x-prev-page", number(prev));
    reply.header("x-total", page.total);
    reply.header("x-total-pages", last);
    reply.header("link", link);
    reply
}
