//! Writing to the forges, one hook after the other.

use super::patience::patiently;
use super::site::Site;
use super::survey::{HookDone, HookRow, State, Survey};
use crate::clock::Clock;
use crate::engine::remedy;
use crate::forge::{Client, Deliveries, HookWish};

/// Sets up what is missing, corrects what differs.
pub(super) async fn install(site: &mut Site<'_>, wish: &HookWish, clock: &Clock) {
    let (kind, client) = (site.forge.kind, &site.client);
    for row in &mut site.survey.rows {
        if !row.is_work() {
            continue;
        }
        let put = patiently(clock, async || client.put_hook(&row.place, row.hook.as_ref(), wish).await).await;
        row.done = Some(match put {
            Ok(hook) => {
                let left = wish.differences(kind, &row.place, &hook);
                row.hook = Some(hook);
                if left.is_empty() {
                    HookDone::Well(if row.state == State::Missing { "created" } else { "corrected" })
                } else {
                    HookDone::Badly(format!("the forge took it, but it still {}", left.join(", ")))
                }
            }
            Err(fault) => HookDone::Badly(fault.to_string()),
        });
    }
}

/// Takes down every hook of the survey.
pub(super) async fn remove(site: &mut Site<'_>, clock: &Clock) {
    let client = &site.client;
    for row in &mut site.survey.rows {
        let HookRow { place, hook: Some(hook), done, .. } = row else { continue };
        let removed = patiently(clock, async || client.delete_hook(place, hook.id).await).await;
        *done = Some(match removed {
            Ok(()) => HookDone::Well("removed"),
            Err(fault) => HookDone::Badly(fault.to_string()),
        });
    }
}

/// Asks how the newest deliveries of each hook went. Where the newest failed, a note says what mends it.
pub(super) async fn ask_deliveries(client: &Client, survey: &mut Survey, clock: &Clock) {
    for row in &mut survey.rows {
        let HookRow { place, hook: Some(hook), deliveries, .. } = row else { continue };
        match patiently(clock, async || client.hook_deliveries(place, hook.id).await).await {
            Ok(found) => {
                if let Some(failure) = found.as_ref().and_then(Deliveries::fails_with) {
                    let remedy = remedy(client.kind(), client.name(), failure.status);
                    survey.notes.push(format!("{}, hook {}: {remedy}", place.path(), hook.id));
                }
                *deliveries = found;
            }
            Err(fault) => {
                survey.notes.push(format!("{}: its deliveries cannot be seen: {fault}", place.path()));
            }
        }
    }
}
