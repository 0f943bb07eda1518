//! What is left of a forge's request budgets, as its answers tell, and the share of them that is kept
//! for people.
//!
//! GitHub counts by resource (`core`, `graphql`) and, for an App, by installation; GitLab by throttle
//! (GitLab's `user_and_ip_rate_limits.md`, GitHub's `rate-limits-for-the-rest-api.md`). An answer says
//! how much is left and when the budget is full again.

use std::collections::BTreeMap;

use http::HeaderMap;
use jiff::Timestamp;

use super::headers::text_of;
use super::wait::{Cause, LONGEST_BLOCK_SECONDS, NotBefore, later};

/// Background traffic stops when no more than this part of a budget is left: one fifth.
const KEPT_FOR_PEOPLE: u64 = 5;
/// Budgets remembered; an App has two for each owner.
const BUDGETS_MAX: usize = 256;

/// Who waits for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A person does, now or soon: the courier's writes, the reads that serve them, the command line.
    #[default]
    Answer,
    /// Nobody does: sweeps, rosters, the health of webhooks.
    Background,
}

/// Which budget a request is counted against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Purse {
    /// The owner whose installation of a GitHub App pays; empty where there is only one purse.
    pub owner: String,
    /// GitHub's word, such as `core`; for GitLab its throttle, or empty: not known before the answer.
    pub resource: String,
}

/// One budget, as the last answer told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBudget {
    /// The owner whose installation of a GitHub App has it; empty without an App.
    pub owner: String,
    /// GitHub: `core`, `graphql`, …; GitLab: the throttle, such as `throttle_authenticated_api`.
    pub resource: String,
    /// Requests (GraphQL: points) in a window.
    pub limit: u64,
    pub remaining: u64,
    pub resets_at: Timestamp,
}

/// The budgets of one forge identity.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    known: BTreeMap<Purse, Remaining>,
}

#[derive(Clone, Copy, Debug)]
struct Remaining {
    limit: u64,
    remaining: u64,
    resets_at: Timestamp,
}

impl Budgets {
    /// When a request may go out, if it may not now.
    pub(super) fn check(&self, purse: &Purse, purpose: Purpose, now: Timestamp) -> Option<NotBefore> {
        let matching =
            self.known.iter().filter(|(known, told)| known.pays_for(purse) && told.resets_at > now);
        let waits = matching.filter_map(|(known, told)| {
            let low = told.remaining.saturating_mul(KEPT_FOR_PEOPLE) <= told.limit;
            let why = if told.remaining == 0 {
                format!("the forge's request budget{} is used up", known.in_words())
            } else if low && purpose == Purpose::Background {
                let (left, limit) = (told.remaining, told.limit);
                format!("{left} of {limit} requests{} are left, and kept for people", known.in_words())
            } else {
                return None;
            };
            Some(NotBefore { at: told.resets_at, why, cause: Cause::Pace })
        });
        waits.max_by_key(|wait| wait.at)
    }

    /// Learns from an answer's headers: GitHub's `x-ratelimit-*`, GitLab's `RateLimit-*`, both with
    /// the reset in Unix seconds.
    pub(super) fn learn(&mut self, purse: &Purse, headers: &HeaderMap, now: Timestamp) {
        for prefix in ["x-ratelimit", "ratelimit"] {
            let header = |name: &str| text_of(headers, &format!("{prefix}-{name}"));
            let number = |name: &str| header(name)?.parse::<u64>().ok();
            let (Some(remaining), Some(reset)) = (number("remaining"), number("reset")) else { continue };
            let reset = i64::try_from(reset).ok().and_then(|reset| Timestamp::from_second(reset).ok());
            let Some(reset) = reset else { continue };
            let resource = header("resource").or_else(|| header("name")).unwrap_or(&purse.resource);
            let paid = Purse { owner: purse.owner.clone(), resource: resource.chars().take(64).collect() };
            let limit = number("limit").unwrap_or(0).max(remaining);
            let told = Remaining { limit, remaining, resets_at: within_a_day(reset, now) };
            self.take_in(paid, told, now);
        }
    }

    /// A budget is used up until `at`, whatever the headers said.
    pub(super) fn exhaust(&mut self, purse: &Purse, at: Timestamp, now: Timestamp) {
        let limit = self.known.get(purse).map_or(0, |told| told.limit);
        self.known.remove(purse);
        self.take_in(purse.clone(), Remaining { limit, remaining: 0, resets_at: within_a_day(at, now) }, now);
    }

    /// All budgets whose window has not ended yet.
    pub(super) fn list(&self, now: Timestamp) -> Vec<RequestBudget> {
        let current = self.known.iter().filter(|(_, told)| told.resets_at > now);
        let budget = |(purse, told): (&Purse, &Remaining)| RequestBudget {
            owner: purse.owner.clone(),
            resource: purse.resource.clone(),
            limit: told.limit,
            remaining: told.remaining,
            resets_at: told.resets_at,
        };
        current.map(budget).collect()
    }

    fn take_in(&mut self, purse: Purse, mut told: Remaining, now: Timestamp) {
        if let Some(before) = self.known.get(&purse).filter(|before| before.resets_at == told.resets_at) {
            // Answers of one window may overtake each other; a budget only shrinks.
            told.remaining = told.remaining.min(before.remaining);
            told.limit = told.limit.max(before.limit);
        } else if !self.known.contains_key(&purse) && self.known.len() >= BUDGETS_MAX {
            self.known.retain(|_, told| told.resets_at > now);
            if self.known.len() >= BUDGETS_MAX {
                return;
            }
        }
        self.known.insert(purse, told);
    }
}

impl Purse {
    /// Which throttle of GitLab's a request will meet is not known before, so each of them counts.
    fn pays_for(&self, asked: &Purse) -> bool {
        self.owner == asked.owner && (asked.resource.is_empty() || self.resource == asked.resource)
    }

    fn in_words(&self) -> String {
        let of = if self.owner.is_empty() { String::new() } else { format!(" of {}", self.owner) };
        let what = if self.resource.is_empty() { String::new() } else { format!(" for {}", self.resource) };
        what + &of
    }
}

/// A wrong clock or header must not silence Usher for ever, nor let it hammer.
fn within_a_day(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(later(now, 1), later(now, LONGEST_BLOCK_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn purse(owner: &str, resource: &str) -> Purse {
        Purse { owner: owner.into(), resource: resource.into() }
    }

    fn headers(prefix: &str, limit: u64, remaining: u64, reset: i64, name: (&str, &str)) -> HeaderMap {
        let pairs = [
            ("limit", limit.to_string()),
            ("remaining", remaining.to_string()),
            ("reset", reset.to_string()),
            (name.0, name.1.to_owned()),
        ];
        let header = |name: &str| format!("{prefix}-{name}").parse::<http::HeaderName>().unwrap();
        pairs.iter().map(|(name, value)| (header(name), value.parse().unwrap())).collect()
    }

    fn github(remaining: u64, resource: &str) -> HeaderMap {
        headers("x-ratelimit", 5_000, remaining, 2_000, ("resource", resource))
    }

    #[test]
    fn the_last_fifth_is_kept_for_people_until_the_window_ends() {
        let (mut budgets, core) = (Budgets::default(), purse("", "core"));
        let check =
            |budgets: &Budgets, purpose, now| budgets.check(&core, purpose, at(now)).map(|wait| wait.at);
        budgets.learn(&core, &github(1_001, "core"), at(1_000));
        assert_eq!(check(&budgets, Purpose::Background, 1_000), None);
        budgets.learn(&core, &github(1_000, "core"), at(1_000));
        assert_eq!(check(&budgets, Purpose::Background, 1_000), Some(at(2_000)));
        assert_eq!(check(&budgets, Purpose::Answer, 1_000), None);
        budgets.learn(&core, &github(4_000, "core"), at(1_000));
        assert_eq!(check(&budgets, Purpose::Background, 1_000), Some(at(2_000)), "an answer that came late");
        budgets.learn(&core, &github(0, "core"), at(1_000));
        assert_eq!(check(&budgets, Purpose::Answer, 1_999), Some(at(2_000)));
        assert_eq!(check(&budgets, Purpose::Background, 2_000), None);
        assert_eq!(budgets.list(at(2_000)), []);
    }

    #[test]
    fn resources_and_installations_have_budgets_of_their_own_and_gitlabs_throttles_all_count() {
        let mut budgets = Budgets::default();
        budgets.learn(&purse("acme", "graphql"), &github(0, "graphql"), at(1_000));
        let spent = |budgets: &Budgets, owner: &str, resource: &str| {
            budgets.check(&purse(owner, resource), Purpose::Answer, at(1_000)).is_some()
        };
        assert!(spent(&budgets, "acme", "graphql"));
        assert!(!spent(&budgets, "acme", "core") && !spent(&budgets, "beta", "graphql"));
        let mut gitlab = Budgets::default();
        let throttle = headers("RateLimit", 60, 0, 1_060, ("name", "throttle_authenticated_files_api"));
        gitlab.learn(&purse("", ""), &throttle, at(1_000));
        assert!(spent(&gitlab, "", ""));
        assert_eq!(gitlab.list(at(1_000))[0].resource, "throttle_authenticated_files_api");
    }

    #[test]
    fn a_reset_that_makes_no_sense_silences_nobody_and_lets_nobody_hammer() {
        for (reset, expected) in [(0, 1_001), (i64::from(u32::MAX), 1_000 + 86_400)] {
            let mut budgets = Budgets::default();
            let told = headers("x-ratelimit", 5_000, 0, reset, ("resource", "core"));
            budgets.learn(&purse("", "core"), &told, at(1_000));
            let wait = budgets.check(&purse("", "core"), Purpose::Answer, at(1_000)).unwrap();
            assert_eq!(wait.at, at(expected));
        }
    }
}
