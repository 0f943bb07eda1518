//! The request budget each forge prints into its headers, and enforces when told to.

use serde_json::json;

use super::refusal::Refusal;
use super::state::{Forge, State};
use super::wire::Reply;

/// GitLab counts per minute, GitHub per hour; in seconds.
fn window(forge: Forge) -> i64 {
    match forge {
        Forge::Gitlab => 60,
        Forge::Github => 3_600,
    }
}

impl State {
    /// Counts a request against the budget, and refuses it if the budget is enforced and spent.
    pub fn charge(&mut self, forge: Forge) -> Result<(), Refusal> {
        let now = self.clock.now().as_second();
        let Some(allowance) = self.allowance.get_mut(&forge) else { return Ok(()) };
        let start = now - now.rem_euclid(window(forge));
        if allowance.window_start != start {
            (allowance.window_start, allowance.used) = (start, 0);
        }
        allowance.used += 1;
        if !allowance.enforced || allowance.used <= allowance.per_window {
            return Ok(());
        }
        Err(match forge {
            Forge::Gitlab => Refusal::new(429, "Retry later"),
            Forge::Github => Refusal::new(403, "API rate limit exceeded for user ID 1."),
        })
    }

    pub fn add_rate_headers(&self, forge: Forge, reply: &mut Reply) {
        let Some(allowance) = self.allowance.get(&forge) else { return };
        // A budget that is not enforced never reads as spent: a polite client would stop.
        let least = u64::from(!allowance.enforced);
        let remaining = allowance.per_window.saturating_sub(allowance.used).max(least);
        let reset = allowance.window_start + window(forge);
        match forge {
            Forge::Gitlab => {
                reply.header("ratelimit-limit", allowance.per_window);
                reply.header("ratelimit-name", "throttle_authenticated_api");
                reply.header("ratelimit-observed", allowance.used);
                reply.header("ratelimit-remaining", remaining);
                reply.header("ratelimit-reset", reset);
                if reply.status == 429 {
                    let wait = reset - self.clock.now().as_second();
                    reply.header("retry-after", wait.max(1));
                }
            }
            Forge::Github => {
                reply.header("x-ratelimit-limit", allowance.per_window);
                reply.header("x-ratelimit-remaining", remaining);
                reply.header("x-ratelimit-used", allowance.used);
                reply.header("x-ratelimit-reset", reset);
                reply.header("x-ratelimit-resource", "core");
                reply.header("x-github-api-version-selected", "2022-11-28");
            }
        }
    }

    /// The body of GitHub's `GET /rate_limit`.
    pub fn rate_limit(&self) -> serde_json::Value {
        let Some(allowance) = self.allowance.get(&Forge::Github) else { return json!({}) };
        let core = json!({
            "limit": allowance.per_window,
            "used": allowance.used,
            "remaining": allowance.per_window.saturating_sub(allowance.used),
            "reset": allowance.window_start + window(Forge::Github),
        });
        let search = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": allowance.window_start + 60 });
        json!({ "resources": { "core": core, "search": search }, "rate": core })
    }
}
