//! The health strip: how each forge is, and what mends it.

use super::clockface::{Clockface, TimeCell};
use crate::engine::{Arrived, DisabledHook, FailingHook, ForgeState};
use crate::forge::Health;
use usher_core::model::calendar::Hours;
use usher_core::model::change::ForgeKind;

/// Webhooks of a forge that are named.
const HOOKS_MAX: usize = 10;

/// One forge in the health strip.
pub(super) struct ForgeRow {
    pub(super) name: String,
    pub(super) kind: &'static str,
    /// `good`, `waiting` or `faulty`.
    pub(super) state: &'static str,
    pub(super) word: &'static str,
    pub(super) swept: Option<TimeCell>,
    pub(super) roster: Option<TimeCell>,
    /// The forge does not accept the token.
    pub(super) token_refused: bool,
    /// Projects that keep failing and are left alone.
    pub(super) paused: String,
    /// The forge keeps failing and is left alone: when it is asked again.
    pub(super) asked_again: Option<TimeCell>,
    /// The forge limits requests: until when.
    pub(super) patient_until: Option<TimeCell>,
    pub(super) fault: Option<String>,
    /// What is wrong with webhooks, and with what comes from them.
    pub(super) hooks: Vec<String>,
    pub(super) hooks_hidden: usize,
    /// Deliveries that were refused; any stranger can send some.
    pub(super) refused: Option<String>,
}

impl ForgeRow {
    /// `hours` are the company's working time.
    pub(super) fn new(
        clock: &Clockface,
        name: &str,
        forge: &ForgeState,
        connection: &Health,
        arrived: &Arrived,
        hours: &Hours,
    ) -> ForgeRow {
        let kind = forge.directory.kind;
        let refused = arrived.refused.as_ref();
        let at_the_door = refused.filter(|run| run.is_fault(hours)).map(|run| {
            let remedy = run.remedy(kind, name);
            format!("{}: {remedy}", run.sentence())
        });
        let refused = refused.filter(|_| at_the_door.is_none()).map(|run| run.sentence());
        let failing: Vec<String> =
            forge.failing_hooks.iter().map(FailingHook::sentence).chain(at_the_door).collect();
        let (state, word) = match (forge.fault(), forge.hooks(), forge.directory.known) {
            _ if connection.token_refused => ("faulty", "does not accept the token"),
            _ if connection.tries_again_at.is_some() => ("faulty", "keeps failing"),
            (Some(_), _, _) => ("faulty", "has a fault"),
            (None, [_, ..], _) => ("faulty", "has disabled webhooks"),
            _ if !failing.is_empty() => ("faulty", "has deliveries that do not come through"),
            (None, [], false) => ("waiting", "people not known yet"),
            (None, [], true) => ("good", "fine"),
        };
        let all = forge.hooks().iter().map(DisabledHook::sentence).chain(failing);
        let mut hooks: Vec<String> = all.collect();
        let hooks_hidden = hooks.len().saturating_sub(HOOKS_MAX);
        hooks.truncate(HOOKS_MAX);
        ForgeRow {
            name: name.to_owned(),
            kind: match kind {
                ForgeKind::GitLab => "GitLab",
                ForgeKind::GitHub => "GitHub",
            },
            state,
            word,
            swept: forge.swept_at.map(|at| clock.moment(at)),
            roster: forge.roster.fetched_at.map(|at| clock.moment(at)),
            token_refused: connection.token_refused,
            asked_again: connection.tries_again_at.map(|at| clock.moment(at)),
            paused: connection.paused_projects.keys().take(HOOKS_MAX).cloned().collect::<Vec<_>>().join(", "),
            patient_until: connection.blocked_until.map(|at| clock.moment(at)),
            fault: forge.fault().map(str::to_owned).or_else(|| {
                let busy = forge.roster.busy_fault.as_ref();
                busy.map(|fault| format!("who is busy could not be read: {fault}"))
            }),
            hooks,
            hooks_hidden,
            refused,
        }
    }
}
