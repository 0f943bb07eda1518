//! What happened, told to every webhook that listens.

use bytes::Bytes;

use crate::wire::{Audience, Payload};
use crate::world::{Delivery, Forge, Hook, State};
use crate::{github, gitlab};

/// Queues the webhooks of all that happened since it was last told.
pub(crate) fn announce(state: &mut State) {
    for event in std::mem::take(&mut state.events) {
        let forge = event.forge();
        let payloads = match forge {
            Forge::Gitlab => gitlab::payloads::payloads(state, &event),
            Forge::Github => github::payloads::payloads(state, &event),
        };
        for payload in payloads {
            queue(state, forge, &payload);
        }
    }
}

/// Queues one delivery for every webhook that is told.
fn queue(state: &mut State, forge: Forge, payload: &Payload) {
    let told = |hook: &&Hook| is_told(state, forge, payload, hook);
    let hooks: Vec<u64> = state.hooks.values().filter(told).map(|hook| hook.id).collect();
    let (event_uuid, event) = (state.ids.uuid(), payload.event.to_owned());
    let body = Bytes::from(payload.body.to_string());
    for hook in hooks {
        let (id, event_uuid, event, body) =
            (state.ids.uuid(), event_uuid.clone(), event.clone(), body.clone());
        state.deliveries.add(Delivery { id, event_uuid, forge, hook, event, body });
    }
}

fn is_told(state: &State, forge: Forge, payload: &Payload, hook: &Hook) -> bool {
    let is_premium = state.is_premium();
    let hears = match &payload.audience {
        Audience::Hook(id) => return hook.id == *id,
        Audience::OfProject(path) => hook.target.covers_project(path, is_premium),
        Audience::OfGroup(path) => hook.target.covers_group(path, is_premium),
        Audience::At(target) => hook.target == *target,
    };
    // A resting hook gets nothing, now or later: GitLab drops in silence.
    let is_awake = || hook.alert_status(state.now(forge)) == "executable";
    hears && hook.forge == forge && hook.new.active && hook.hears(payload.subscription) && is_awake()
}
