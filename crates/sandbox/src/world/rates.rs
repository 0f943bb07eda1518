//! The request budget of each forge, counted, and enforced when told to.

use std::collections::{BTreeMap, VecDeque};

use super::forge::Forge;
use super::refusal::Refusal;

/// GitHub's GraphQL budget in an hour, which is apart from REST.
const GRAPHQL_POINTS: u64 = 5_000;
/// Requests that create content, within a minute and an hour.
const CONTENT_PER_MINUTE: usize = 80;
const CONTENT_PER_HOUR: usize = 500;

/// GitLab counts per minute, GitHub per hour; in seconds.
fn window(forge: Forge) -> i64 {
    match forge {
        Forge::Gitlab => 60,
        Forge::Github => 3_600,
    }
}

/// A request budget in the current window of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) per_window: u64,
    pub(crate) used: u64,
    enforced: bool,
    /// Unix seconds.
    pub(crate) window_start: i64,
    window_seconds: i64,
}

impl Allowance {
    fn new(forge: Forge, per_window: u64) -> Allowance {
        Allowance { per_window, used: 0, enforced: false, window_start: 0, window_seconds: window(forge) }
    }

    /// Counts one request. All instants are Unix seconds.
    fn count(&mut self, now: i64) {
        let start = now - now.rem_euclid(self.window_seconds);
        if self.window_start != start {
            (self.window_start, self.used) = (start, 0);
        }
        self.used += 1;
    }

    fn is_exceeded(&self) -> bool {
        self.enforced && self.used > self.per_window
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.per_window.saturating_sub(self.used)
    }

    /// What the headers say. A budget that is not enforced never reads as spent: a polite client would
    /// stop.
    pub(crate) fn shown_as_remaining(&self) -> u64 {
        self.remaining().max(u64::from(!self.enforced))
    }

    /// When the window ends.
    pub(crate) fn resets_at(&self) -> i64 {
        self.window_start + self.window_seconds
    }
}

/// GitHub's secondary limit on requests that create content.
#[derive(Debug, Default)]
struct ContentLimit {
    enforced: bool,
    /// Unix seconds, oldest first.
    created: VecDeque<i64>,
}

/// All budgets.
pub(crate) struct Rates {
    requests: BTreeMap<Forge, Allowance>,
    content: ContentLimit,
    graphql: Allowance,
}

impl Default for Rates {
    fn default() -> Rates {
        let requests = [(Forge::Gitlab, 2_000), (Forge::Github, 5_000)];
        let requests = requests.map(|(forge, most)| (forge, Allowance::new(forge, most)));
        let graphql = Allowance::new(Forge::Github, GRAPHQL_POINTS);
        Rates { requests: requests.into(), content: ContentLimit::default(), graphql }
    }
}

impl Rates {
    /// From now on refuses requests beyond this many in a window.
    pub(crate) fn limit_requests(&mut self, forge: Forge, per_window: u64) {
        if let Some(allowance) = self.requests.get_mut(&forge) {
            (allowance.per_window, allowance.enforced, allowance.used) = (per_window, true, 0);
        }
    }

    /// From now on refuses too many writes to GitHub.
    pub(crate) fn limit_content(&mut self) {
        self.content.enforced = true;
    }

    /// Counts a request against the budget, and refuses it if the budget is enforced and spent.
    pub(crate) fn charge(&mut self, forge: Forge, now: i64) -> Result<(), Refusal> {
        let Some(allowance) = self.requests.get_mut(&forge) else { return Ok(()) };
        allowance.count(now);
        if !allowance.is_exceeded() {
            return Ok(());
        }
        Err(match forge {
            Forge::Gitlab => Refusal::new(429, "Retry later"),
            Forge::Github => Refusal::new(403, "API rate limit exceeded for user ID 1."),
        })
    }

    /// A request that found nothing new is not counted.
    pub(crate) fn give_back(&mut self, forge: Forge) {
        if let Some(allowance) = self.requests.get_mut(&forge) {
            allowance.used = allowance.used.saturating_sub(1);
        }
    }

    /// Counts a write to GitHub, and refuses one too many.
    pub(crate) fn count_content(&mut self, now: i64) -> Result<(), Refusal> {
        if !self.content.enforced {
            return Ok(());
        }
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

    /// The budget of a forge's requests.
    pub(crate) fn requests(&self, forge: Forge) -> Option<&Allowance> {
        self.requests.get(&forge)
    }

    /// Counts one of GitHub's GraphQL points, and returns the budget.
    pub(crate) fn charge_graphql(&mut self, now: i64) -> Allowance {
        self.graphql.count(now);
        self.graphql
    }
}
