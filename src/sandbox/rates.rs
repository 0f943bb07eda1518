//! The request budget each forge prints into its headers, and enforces when told to.

use std::collections::VecDeque;

use serde_json::json;

use super::Sandbox;
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

const GRAPHQL_POINTS: u64 = 5_000;
/// Requests that create content, within a minute and an hour.
const CONTENT_PER_MINUTE: usize = 80;
const CONTENT_PER_HOUR: usize = 500;

/// GitHub's secondary limit on requests that create content.
#[derive(Debug, Default)]
pub(super) struct ContentLimit {
    pub enforced: bool,
    /// Unix seconds, oldest first.
    created: VecDeque<i64>,
}

impl Sandbox {
    /// Lets GitHub refuse more than 80 writes in any minute and 500 in any hour, as the real one does:
    /// 403, with `retry-after`. Not enforced unless set.
    pub fn limit_content(&self) {
        self.state().content.enforced = true;
    }
}

impl State {
    /// Counts a write, and refuses one too many.
    pub fn count_content(&mut self, forge: Forge, write: bool) -> Result<(), Refusal> {
        if forge != Forge::Github || !write || !self.content.enforced {
            return Ok(());
        }
        let now = self.clock.now().as_second();
        let created = &mut self.content.created;
        created.retain(|at| now - at < 3_600);
        let in_minute = created.iter().filter(|at| now - **at < 60).count();
        if in_minute >= CONTENT_PER_MINUTE || created.len() >= CONTENT_PER_HOUR {
            return Err(Refusal::new(
                403,
                "You have exceeded a secondary rate limit and have been temporarily blocked from content creation.",
            ));
        }
        created.push_back(now);
        Ok(())
    }

    /// A request that found nothing new is not counted.
    pub fn give_back(&mut self, forge: Forge) {
        if let Some(allowance) = self.allowance.get_mut(&forge) {
            allowance.used = allowance.used.saturating_sub(1);
        }
    }

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
                if reply.status == 403 && reply.is_about("secondary rate limit") {
                    reply.header("retry-after", 60);
                }
            }
        }
    }

    /// GitHub counts GraphQL apart from REST: 5,000 points an hour.
    pub fn add_graphql_headers(&mut self, reply: &mut Reply) {
        let now = self.clock.now().as_second();
        let start = now - now.rem_euclid(window(Forge::Github));
        if self.graphql_points.0 != start {
            self.graphql_points = (start, 0);
        }
        self.graphql_points.1 += 1;
        let used = self.graphql_points.1;
        reply.header("x-ratelimit-limit", GRAPHQL_POINTS);
        reply.header("x-ratelimit-remaining", GRAPHQL_POINTS.saturating_sub(used));
        reply.header("x-ratelimit-used", used);
        reply.header("x-ratelimit-reset", start + window(Forge::Github));
        reply.header("x-ratelimit-resource", "graphql");
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
