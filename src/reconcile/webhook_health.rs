//! The health of Usher's own webhooks: GitLab disables a hook that keeps failing and says nothing.
//! Sweeps heal what gets lost meanwhile; here the hook is reported, and tested back to life. Where
//! deliveries are refused, or none comes, GitLab is asked how those went that it sent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, age};
use crate::engine::{DisabledHook, FailingHook, HookNumber, HookTest};
use crate::forge::{ForgeFault, HookPlace, HookState, InstalledHook, Watched};
use crate::store::{Store, StoreError};
use usher_core::model::change::{ChangeKey, ForgeKind};

/// Healthy hooks are looked at once in this time; reported ones with every sweep.
const ROUND_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Projects and groups looked at in one round, at most; each costs a request.
const PLACES_MAX: usize = 100;
/// Names of reviews read at once.
const KEYS_PAGE: u32 = 500;
/// A place whose hooks this token may not see is asked again after so long: rights can be given.
const HIDDEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Places at which the forge may fail before a look ends: one of them alone must not hide the rest.
const FAILURES_MAX: usize = 3;
/// A hook is tested once in this time, at most.
const TEST_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Webhooks whose deliveries are asked for in one look, at most; each costs a request.
const ASKED_MAX: usize = 20;
/// Tests in one sweep, at most: GitLab allows five a minute, and a 429 would stop other requests too.
const TESTS_MAX: usize = 5;

pub(super) struct WebhookHealthDuty {
    context: DutyContext,
    /// When the last full round was completed.
    round_at: Option<Timestamp>,
    /// Projects and groups whose hooks this token may not see, and when it was told so.
    hidden: BTreeMap<HookPlace, Timestamp>,
    /// The last test of a hook.
    tests: BTreeMap<(HookPlace, u64), HookTest>,
}

/// What one look brought.
#[derive(Default)]
struct Look {
    disabled: Vec<DisabledHook>,
    /// Projects and groups whose hooks could be seen.
    seen: BTreeSet<HookPlace>,
    /// All hooks that were seen.
    hooks: Vec<(HookPlace, u64)>,
    /// Groups with a hook that hears of all that is below them.
    covering: Vec<String>,
    /// Places at which the forge failed.
    failures: usize,
    /// The forge failed too often, or asked for patience, before all was seen.
    interrupted: bool,
}

impl WebhookHealthDuty {
    pub(super) fn new(context: DutyContext) -> WebhookHealthDuty {
        WebhookHealthDuty { context, round_at: None, hidden: BTreeMap::new(), tests: BTreeMap::new() }
    }

    /// Looks at the hooks if it is time for it, or if one was reported. Faults of the forge end the
    /// look and are no fault of the sweep: the next one tries again.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        if self.context.client.kind() != ForgeKind::GitLab {
            return Ok(());
        }
        let context = self.context.clone();
        let (name, now) = (context.client.name(), context.clock.now());
        let before =
            self.context.shared.snapshot().forge(name).and_then(|forge| forge.disabled_hooks.clone());
        let reported = before.as_deref().unwrap_or_default();
        let failing = self.failing();
        let alarming = self.is_alarming();
        let full = alarming || self.round_at.is_none_or(|at| age(at, now) >= ROUND_EVERY);
        if !full && reported.is_empty() && failing.is_empty() {
            return Ok(());
        }
        let quiet = self.nothing_good_came();
        let mut places: Vec<HookPlace> = reported.iter().map(place_of).collect();
        places.extend(failing.iter().filter_map(|hook| hook.hook.as_ref()).map(place_of_number));
        let mut known: BTreeSet<HookPlace> = BTreeSet::new();
        places.retain(|place| known.insert(place.clone()));
        if full {
            self.add_watched(&mut places).await?;
            self.hidden.retain(|place, _| places.contains(place));
        }
        if places.is_empty() {
            return Ok(());
        }
        let mut look = self.look_at(&places, now).await;
        self.ask_how_they_went(&look, &failing, full && (alarming || quiet)).await;
        self.revive(&mut look.disabled, now).await;
        for hook in &look.disabled {
            tell(name, hook, reported);
        }
        for hook in reported {
            if look.seen.contains(&place_of(hook)) {
                if !look.disabled.iter().any(|still| is_same(still, hook)) {
                    let DisabledHook { place, id, .. } = hook;
                    tracing::info!(forge = name, place, hook = id, "a webhook is no longer disabled");
                }
            } else if !self.hidden.contains_key(&place_of(hook)) {
                look.disabled.push(hook.clone());
            }
        }
        // A group that shows nothing is no round: the first project with a review is looked at soon.
        let any = places.iter().any(|place| matches!(place, HookPlace::Project(_)));
        if full && !look.interrupted && (any || !look.covering.is_empty()) {
            self.round_at = Some(now);
        }
        let anew = !look.seen.is_empty() || !look.disabled.is_empty();
        let known = anew || (before.is_some() && !(full && look.failures == 0 && !look.interrupted));
        self.context.shared.set_disabled_hooks(name, known.then_some(look.disabled));
        Ok(())
    }

    /// The hooks that were found to fail.
    fn failing(&self) -> Arc<[FailingHook]> {
        let known = self.context.shared.snapshot();
        known.forge(self.context.client.name()).map(|forge| forge.failing_hooks.clone()).unwrap_or_default()
    }

    /// Whether deliveries began to be refused since the last round.
    fn is_alarming(&self) -> bool {
        let arrived = self.context.shared.arrivals.of(self.context.client.name());
        arrived.refused.is_some_and(|run| self.round_at.is_none_or(|at| run.since >= at))
    }

    /// Whether no good delivery came since the last round.
    fn nothing_good_came(&self) -> bool {
        let arrived = self.context.shared.arrivals.of(self.context.client.name());
        arrived.refused.is_some()
            || arrived.good_at.is_none_or(|good| self.round_at.is_some_and(|at| good < at))
    }

    /// Asks how deliveries went: of the hooks that were failing, and of `all` that were seen where something
    /// seems to be wrong.
    async fn ask_how_they_went(&self, look: &Look, before: &[FailingHook], all: bool) {
        let client = &self.context.client;
        let was_failing = |place: &HookPlace, id: u64| {
            before.iter().filter_map(|hook| hook.hook.as_ref()).any(|one| is_number(one, place, id))
        };
        let mut failing: Vec<FailingHook> = before
            .iter()
            .filter(|hook| hook.hook.as_ref().is_some_and(|one| !look.seen.contains(&place_of_number(one))))
            .cloned()
            .collect();
        let asked = look.hooks.iter().filter(|(place, id)| all || was_failing(place, *id));
        for (place, id) in asked.take(ASKED_MAX) {
            match client.hook_deliveries(place, *id).await {
                Ok(found) => failing.extend(found.and_then(|found| {
                    let at = (place.clone(), *id);
                    self.context.failing_hook(format!("webhook {id} of {}", place.path()), Some(at), &found)
                })),
                Err(fault) => {
                    let (forge, place) = (client.name(), place.path());
                    tracing::debug!(forge, place, hook = id, %fault, "how its deliveries went is not told");
                    // What is not told does not become good.
                    failing.extend(
                        before
                            .iter()
                            .filter(|hook| hook.hook.as_ref().is_some_and(|one| one.id == *id))
                            .cloned(),
                    );
                }
            }
        }
        self.context.shared.set_failing_hooks(client.name(), failing);
    }

    /// The groups that the configuration names, the projects with open reviews, then those that the
    /// configuration names in full.
    async fn add_watched(&self, places: &mut Vec<HookPlace>) -> Result<(), StoreError> {
        let groups = self.context.client.watched().into_iter().filter_map(|watched| match watched {
            Watched::Below(group) => Some(HookPlace::Owner(group)),
            Watched::Project(_) | Watched::Everywhere => None,
        });
        let mut found = Vec::from_iter(groups);
        found.extend(self.projects_in_review().await?.into_iter().map(HookPlace::Project));
        let exact =
            self.context.client.exact_projects().map(|project| HookPlace::Project(project.to_owned()));
        found.extend(exact);
        let mut known: BTreeSet<HookPlace> = places.iter().cloned().collect();
        places.extend(found.into_iter().filter(|place| known.insert(place.clone())));
        Ok(())
    }

    async fn projects_in_review(&self) -> Result<Vec<String>, StoreError> {
        let policy = self.context.shared.snapshot().policy.clone();
        let is_watched = |change: &ChangeKey| policy.watches(change);
        projects_in_review(&self.context.store, self.context.client.name(), is_watched).await
    }

    /// Looks at one place after another; what is below a group that has a hook needs none of its own.
    async fn look_at(&mut self, places: &[HookPlace], now: Timestamp) -> Look {
        let context = self.context.clone();
        let name = context.client.name();
        let (mut look, mut asked) = (Look::default(), 0);
        for place in places {
            let rests = self.hidden.get(place).is_some_and(|at| age(*at, now) < HIDDEN_FOR);
            if rests || look.covers(place) {
                continue;
            }
            if asked == PLACES_MAX {
                break;
            }
            asked += 1;
            match self.context.client.own_hooks(place).await {
                Ok(Some(hooks)) => {
                    self.hidden.remove(place);
                    look.see(place, hooks);
                }
                Ok(None) => {
                    if self.hidden.insert(place.clone(), now).is_none() {
                        tell_hidden(name, place);
                    }
                }
                Err(fault) => {
                    tracing::warn!(forge = name, place = place.path(), %fault, "the webhooks could not be looked at");
                    look.failures += 1;
                    look.interrupted =
                        !matches!(fault, ForgeFault::Retry { .. }) || look.failures >= FAILURES_MAX;
                    if look.interrupted {
                        break;
                    }
                }
            }
        }
        look
    }

    /// Tests each disabled hook whose turn it is, and notes how the last test ended.
    async fn revive(&mut self, disabled: &mut [DisabledHook], now: Timestamp) {
        self.tests.retain(|_, test| now.duration_since(test.at) < TEST_EVERY);
        // A test is a write.
        let mut left = if self.context.dry_run { 0 } else { TESTS_MAX };
        for hook in disabled {
            let key = (place_of(hook), hook.id);
            if left > 0 && !self.tests.contains_key(&key) {
                left -= 1;
                let refusal = match self.context.client.test_hook(&key.0, hook.id).await {
                    Ok(()) => None,
                    // Nothing was sent.
                    Err(ForgeFault::Later { .. }) => {
                        left = 0;
                        continue;
                    }
                    Err(fault) => Some(fault.to_string()),
                };
                self.tests.insert(key.clone(), HookTest { at: now, refusal });
            }
            hook.test = self.tests.get(&key).cloned();
        }
    }
}

impl Duty for WebhookHealthDuty {
    const NAME: &'static str = "a look at the webhooks";

    async fn turn(&mut self, _woken: bool) -> Result<DutyTurn, SweepError> {
        self.look().await?;
        Ok(DutyTurn::Done)
    }
}

impl Look {
    fn see(&mut self, place: &HookPlace, hooks: Vec<InstalledHook>) {
        self.seen.insert(place.clone());
        if let HookPlace::Owner(group) = place
            && !hooks.is_empty()
        {
            self.covering.push(group.clone());
        }
        self.hooks.extend(hooks.iter().map(|hook| (place.clone(), hook.id)));
        let disabled = hooks.into_iter().filter(|hook| hook.state != HookState::Executable);
        self.disabled.extend(disabled.map(|hook| report(place, &hook)));
    }

    fn covers(&self, place: &HookPlace) -> bool {
        let HookPlace::Project(path) = place else { return false };
        let below = |group: &String| {
            let (path, group) = (path.to_lowercase(), group.to_lowercase());
            path.strip_prefix(&group).is_some_and(|rest| rest.starts_with('/'))
        };
        self.covering.iter().any(below)
    }
}

/// The watched projects of a forge that have open reviews, those of the newest ones first. Holds one page of
/// names beside them, and reads no review.
async fn projects_in_review(
    store: &Store,
    forge: &str,
    is_watched: impl Fn(&ChangeKey) -> bool,
) -> Result<Vec<String>, StoreError> {
    let (mut newest, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = store.open_keys(forge, after, KEYS_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let watched = page.into_iter().filter(|open| is_watched(&open.change));
        newest.extend(watched.map(|open| (open.change.project, open.id)));
    }
    let mut projects: Vec<(String, i64)> = newest.into_iter().collect();
    projects.sort_by_key(|(_, id)| Reverse(*id));
    Ok(projects.into_iter().map(|(project, _)| project).collect())
}

fn report(place: &HookPlace, hook: &InstalledHook) -> DisabledHook {
    DisabledHook {
        place: place.path().to_owned(),
        of_group: matches!(place, HookPlace::Owner(_)),
        id: hook.id,
        state: hook.state.phrase().to_owned(),
        disabled_until: hook.disabled_until,
        test: None,
    }
}

fn place_of(hook: &DisabledHook) -> HookPlace {
    let path = hook.place.clone();
    if hook.of_group { HookPlace::Owner(path) } else { HookPlace::Project(path) }
}

fn place_of_number(hook: &HookNumber) -> HookPlace {
    let path = hook.place.clone();
    if hook.of_group { HookPlace::Owner(path) } else { HookPlace::Project(path) }
}

fn is_number(hook: &HookNumber, place: &HookPlace, id: u64) -> bool {
    hook.id == id && place_of_number(hook) == *place
}

fn is_same(one: &DisabledHook, other: &DisabledHook) -> bool {
    one.id == other.id && one.place == other.place && one.of_group == other.of_group
}

/// Few tokens are an owner's, and groups of GitLab Free have no hooks at all, so of those little is said.
fn tell_hidden(forge: &str, place: &HookPlace) {
    match place {
        HookPlace::Owner(group) => {
            tracing::debug!(
                forge,
                group,
                "its webhooks cannot be seen with this token, which takes an owner"
            );
        }
        HookPlace::Project(project) => {
            tracing::info!(
                forge,
                project,
                "its webhooks cannot be seen with this token, which takes a maintainer"
            );
        }
    }
}

/// Warns of what is new: a hook, its state, or a test of it.
fn tell(forge: &str, hook: &DisabledHook, reported: &[DisabledHook]) {
    let told =
        reported.iter().any(|old| is_same(old, hook) && old.state == hook.state && old.test == hook.test);
    if told {
        return;
    }
    tracing::warn!(
        forge,
        place = hook.place,
        hook = hook.id,
        state = hook.state,
        disabled_until = hook.disabled_until.map(tracing::field::display),
        "a webhook is disabled, its deliveries are lost until the next sweep: {}",
        hook.sentence()
    );
}

#[cfg(test)]
mod tests {
    use super::super::stocked;
    use super::*;

    #[tokio::test]
    async fn projects_in_review_are_found_however_many_reviews_of_another_forge_are_newer() {
        let store = stocked::empty().await;
        stocked::add(&store, "gitlab", "acme/shop", 1..=3).await;
        stocked::add(&store, "gitlab", "acme/site", 1..=2).await;
        stocked::add(&store, "gitlab", "other/site", 1..=1).await;
        stocked::add(&store, "github", "acme/sdk", 1..=1_250).await;
        let is_watched = |change: &ChangeKey| change.project.starts_with("acme/");
        let found = projects_in_review(&store, "gitlab", is_watched).await.unwrap();
        assert_eq!(found, ["acme/site", "acme/shop"], "each once, the newest first");
    }
}
