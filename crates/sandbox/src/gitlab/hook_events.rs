//! `GET …/hooks/:hook_id/events`: what became of a hook's deliveries (`doc/api/project_webhooks.md`,
//! `doc/api/group_webhooks.md`, and the code behind them, `lib/api/hooks/events.rb`).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::replies::{no_route, paged};
use crate::wire::{Call, Reply};
use crate::world::{Attempt, Forge, Hook, Refusal, State};

/// Events are listed for so long.
const LISTED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Events on one page, at most and unless told otherwise.
const PER_PAGE_MAX: u64 = 20;
/// The version that brought the list.
const SINCE: (u32, u32) = (17, 3);

/// The events of a hook, newest first.
pub(super) fn list(state: &State, call: &Call, hook: &Hook) -> Result<Reply, Refusal> {
    if version(state) < SINCE {
        return Err(no_route());
    }
    if call.number("per_page").is_some_and(|asked| !(1..=PER_PAGE_MAX).contains(&asked)) {
        return Err(Refusal::new(400, "per_page does not have a valid value"));
    }
    let now = state.now(Forge::Gitlab);
    let wanted = |attempt: &&Attempt| {
        let listed = attempt.hook == hook.id && now.duration_since(attempt.at) < LISTED;
        listed && call.text("status").is_none_or(|status| status.split(',').any(|one| fits(attempt, one)))
    };
    let found = state.deliveries.attempts().rev().filter(wanted);
    Ok(paged(call, found.map(|attempt| event(state, hook, attempt)).collect()))
}

fn version(state: &State) -> (u32, u32) {
    let mut parts = state.gitlab.version.split(['.', '-']).map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// By its status, or by the kind of its status.
fn fits(attempt: &Attempt, status: &str) -> bool {
    let hundreds = attempt.status.map(|status| status / 100);
    match status {
        "successful" => hundreds == Some(2),
        "client_failure" => hundreds == Some(4),
        // Where nobody answered, it is GitLab's own.
        "server_failure" => matches!(hundreds, None | Some(5)),
        exact => attempt.status.is_some_and(|status| status.to_string() == exact),
    }
}

fn event(state: &State, hook: &Hook, attempt: &Attempt) -> Value {
    let mut headers = json!({
        "Content-Type": "application/json",
        "User-Agent": format!("GitLab/{}", state.gitlab.version),
        "X-Gitlab-Event": attempt.event,
        "Idempotency-Key": attempt.guid,
        "webhook-id": attempt.guid,
        "webhook-timestamp": attempt.at.as_second().to_string(),
    });
    if hook.new.secret.is_some() {
        headers["X-Gitlab-Token"] = json!("[REDACTED]");
    }
    let body = state.deliveries.sent(&attempt.guid).and_then(|sent| serde_json::from_slice(&sent.body).ok());
    json!({
        "id": attempt.id,
        "url": hook.new.url,
        "trigger": format!("{}s", attempt.event.to_lowercase().replace(' ', "_")),
        "request_headers": headers,
        "request_data": body.unwrap_or(Value::Null),
        "response_headers": {},
        "response_body": "",
        "execution_duration": 0.1,
        "response_status": attempt.status.map_or("internal error".to_owned(), |status| status.to_string()),
    })
}
