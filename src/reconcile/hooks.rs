//! The health of Usher's own webhooks: GitLab disables a hook that keeps failing and says nothing.
//! Sweeps heal what gets lost meanwhile; here the hook is reported, and tested back to life.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Reconcile;
use crate::core::change::ForgeKind;
use crate::engine::{DisabledHook, HookTest};
use crate::forge::{Fault, Hook, HookState};
use crate::store::{Filter, StoreError};

/// Healthy hooks are looked at once in this time; reported ones with every sweep.
const ROUND_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Projects looked at in one round, at most; each costs a request.
const PROJECTS_MAX: usize = 100;
/// Open reviews, newest first, whose projects are looked at.
const REVIEWS_MAX: u32 = 1_000;
const REVIEWS_PAGE: u32 = 200;
/// A project whose hooks this token may not see is asked again after so long: rights can be given.
const HIDDEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Projects at which the forge may fail before a look ends: one of them alone must not hide the rest.
const FAILURES_MAX: usize = 3;
/// A hook is tested once in this time, at most.
const TEST_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Tests in one sweep, at most: GitLab allows five a minute, and a 429 would stop other requests too.
const TESTS_MAX: usize = 5;

/// What is remembered between two looks at the hooks.
#[derive(Default)]
pub(super) struct HookWatch {
    /// When the last full round was completed.
    round_at: Option<Timestamp>,
    /// Projects whose hooks this token may not see, and when it was told so.
    hidden: BTreeMap<String, Timestamp>,
    /// The last test of a hook of a project.
    tests: BTreeMap<(String, u64), HookTest>,
}

/// What one look brought.
#[derive(Default)]
struct Look {
    disabled: Vec<DisabledHook>,
    /// Projects whose hooks could be seen.
    seen: BTreeSet<String>,
    /// Projects at which the forge failed.
    failures: usize,
    /// The forge failed too often, or asked for patience, before all was seen.
    interrupted: bool,
}

impl Reconcile {
    /// Looks at the hooks if it is time for it, or if one was reported. Faults of the forge end the
    /// look and are no fault of the sweep: the next one tries again.
    pub(super) async fn watch_hooks(&self) -> Result<(), StoreError> {
        if self.client.kind() != ForgeKind::GitLab {
            return Ok(());
        }
        let mut watch = self.hooks.lock().await;
        let (name, now) = (self.client.name(), self.clock.now());
        let before = self.knowledge.now().forge(name).and_then(|forge| forge.disabled_hooks.clone());
        let reported = before.as_deref().unwrap_or_default();
        let full = watch.round_at.is_none_or(|at| now.duration_since(at) >= ROUND_EVERY);
        if !full && reported.is_empty() {
            return Ok(());
        }
        let mut projects: Vec<String> = reported.iter().map(|hook| hook.project.clone()).collect();
        projects.dedup();
        if full {
            self.add_watched(&mut projects).await?;
            watch.hidden.retain(|project, _| projects.contains(project));
        }
        if projects.is_empty() {
            return Ok(());
        }
        let mut look = self.look(&mut watch, &projects, now).await;
        self.revive(&mut watch, &mut look.disabled, now).await;
        for hook in &look.disabled {
            tell(name, hook, reported);
        }
        for hook in reported {
            if look.seen.contains(&hook.project) {
                if !look.disabled.iter().any(|still| is_same(still, hook)) {
                    let DisabledHook { project, id, .. } = hook;
                    tracing::info!(forge = name, project, hook = id, "a webhook is no longer disabled");
                }
            } else if !watch.hidden.contains_key(&hook.project) {
                look.disabled.push(hook.clone());
            }
        }
        if full && !look.interrupted {
            watch.round_at = Some(now);
        }
        let anew = !look.seen.is_empty() || !look.disabled.is_empty();
        let known = anew || (before.is_some() && !(full && look.failures == 0 && !look.interrupted));
        self.knowledge.set_disabled_hooks(name, known.then_some(look.disabled));
        Ok(())
    }

    /// The projects with open reviews, then those that the configuration names in full.
    async fn add_watched(&self, projects: &mut Vec<String>) -> Result<(), StoreError> {
        let mut known: BTreeSet<String> = projects.iter().cloned().collect();
        let policy = self.knowledge.now().policy.clone();
        let mut offset = 0;
        while offset < REVIEWS_MAX && projects.len() < PROJECTS_MAX {
            let filter = Filter { open_only: true, stage: None, limit: REVIEWS_PAGE, offset };
            let page = self.store.reviews(filter).await?;
            let full = page.len() >= REVIEWS_PAGE as usize;
            for change in page.into_iter().map(|stored| stored.review.change) {
                let ours = change.forge == self.client.name() && policy.watches(&change);
                if ours && known.insert(change.project.clone()) {
                    projects.push(change.project);
                }
            }
            if !full {
                break;
            }
            offset += REVIEWS_PAGE;
        }
        let exact = self.client.exact_projects().filter(|project| known.insert((*project).to_owned()));
        projects.extend(exact.map(str::to_owned));
        projects.truncate(PROJECTS_MAX);
        Ok(())
    }

    async fn look(&self, watch: &mut HookWatch, projects: &[String], now: Timestamp) -> Look {
        let name = self.client.name();
        let mut look = Look::default();
        for project in projects {
            if watch.hidden.get(project).is_some_and(|at| now.duration_since(*at) < HIDDEN_FOR) {
                continue;
            }
            match self.client.hooks(project).await {
                Ok(hooks) => {
                    watch.hidden.remove(project);
                    look.seen.insert(project.clone());
                    let disabled = hooks.into_iter().filter(|hook| hook.state != HookState::Executable);
                    look.disabled.extend(disabled.map(|hook| report(project, hook)));
                }
                Err(Fault::Gone | Fault::Refused { .. }) => {
                    if watch.hidden.insert(project.clone(), now).is_none() {
                        tracing::info!(
                            forge = name,
                            project,
                            "its webhooks cannot be seen with this token, which takes a maintainer"
                        );
                    }
                }
                Err(fault) => {
                    tracing::warn!(forge = name, project, %fault, "the webhooks could not be looked at");
                    look.failures += 1;
                    look.interrupted = !matches!(fault, Fault::Retry { .. }) || look.failures >= FAILURES_MAX;
                    if look.interrupted {
                        break;
                    }
                }
            }
        }
        look
    }

    /// Tests each disabled hook whose turn it is, and notes how the last test ended.
    async fn revive(&self, watch: &mut HookWatch, disabled: &mut [DisabledHook], now: Timestamp) {
        watch.tests.retain(|_, test| now.duration_since(test.at) < TEST_EVERY);
        // A test is a write.
        let mut left = if self.dry_run { 0 } else { TESTS_MAX };
        for hook in disabled {
            let key = (hook.project.clone(), hook.id);
            if left > 0 && !watch.tests.contains_key(&key) {
                left -= 1;
                let refusal = match self.client.test_hook(&hook.project, hook.id).await {
                    Ok(()) => None,
                    // Nothing was sent.
                    Err(Fault::Later { .. }) => {
                        left = 0;
                        continue;
                    }
                    Err(fault) => Some(fault.to_string()),
                };
                watch.tests.insert(key.clone(), HookTest { at: now, refusal });
            }
            hook.test = watch.tests.get(&key).cloned();
        }
    }
}

fn report(project: &str, hook: Hook) -> DisabledHook {
    let Hook { id, state, disabled_until } = hook;
    let state = state.phrase().to_owned();
    DisabledHook { project: project.to_owned(), id, state, disabled_until, test: None }
}

fn is_same(one: &DisabledHook, other: &DisabledHook) -> bool {
    one.id == other.id && one.project == other.project
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
        project = hook.project,
        hook = hook.id,
        state = hook.state,
        disabled_until = hook.disabled_until.map(tracing::field::display),
        "a webhook is disabled, its deliveries are lost until the next sweep: {}",
        hook.sentence()
    );
}
