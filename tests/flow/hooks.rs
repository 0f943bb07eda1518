//! Usher's own webhooks: GitLab disables one that fails, Usher tells and brings it back.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use tower::ServiceExt;
use usher::config::Config;
use usher::engine::{DisabledHook, FailingHook, Parts};
use usher::metrics::Metrics;
use usher::reconcile::Reconcile;
use usher::service;
use usher::wakeups::Wakeups;
use usher::web;
use usher_core::model::policy::Pattern;
use usher_sandbox::{Access, ChangeRef, Fault, Forge, HookTarget};

use super::harness::{BOT, House, SECRETS, Settings, project};

const LOOK: &str = "GET /hooks";
/// Groups show their hooks to owners only.
const GROUP: &str = "GET /gl/api/v4/groups/acme/hooks";

/// What is known of GitLab's disabled webhooks.
fn known(house: &House) -> Option<Vec<DisabledHook>> {
    let hooks = house.service.shared.snapshot().forge("gitlab").unwrap().disabled_hooks.clone();
    hooks.map(|hooks| hooks.to_vec())
}

/// What is known to fail on a forge, in sentences.
fn failing(house: &House, forge: &str) -> Vec<String> {
    let known = house.service.shared.snapshot();
    known.forge(forge).unwrap().failing_hooks.iter().map(FailingHook::sentence).collect()
}

/// The question how a hook's deliveries went.
fn events(hook: u64) -> String {
    format!("GET /hooks/{hook}/events")
}

/// An open support contribution on GitLab.
async fn with_a_review() -> (House, ChangeRef) {
    let mut house = House::new().await;
    let change = house.opened(Forge::Gitlab, "sam").await;
    (house, change)
}

/// Usher is given a wrong secret, refuses four deliveries in a row, and is given the right one.
async fn break_the_hook(house: &House, change: &ChangeRef) {
    let right = house.config(&Settings::default());
    let mut wrong = right.clone();
    wrong.forges[0].signing_tokens = vec![SECRETS[2].1.replace("Zmxv", "Zmxx").into()];
    house.service.reload(&wrong).await.unwrap();
    for _ in 0..4 {
        house.sandbox.push(change, "sam").unwrap();
    }
    let delivered = house.sandbox.deliver_pending().await;
    assert_eq!(delivered.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(401); 4]);
    house.service.reload(&right).await.unwrap();
}

/// GitLab's sweeper as after a restart.
fn restarted(house: &House, config: &Config, dry_run: bool) -> Reconcile {
    let client = service::client(&config.forges[0], &house.clock).unwrap();
    let (wakeups, metrics) = (Arc::new(Wakeups::default()), Metrics::new());
    let (store, shared) = (house.service.store.clone(), house.service.shared.clone());
    let parts = Parts {
        store,
        shared,
        clock: house.clock.clone(),
        metrics,
        wakeups,
        tasks: usher::tasks::Tasks::default(),
        dry_run,
    };
    Reconcile::new(parts, client)
}

/// The requests about webhooks of one sweep.
async fn asked_by(house: &House, reconcile: &mut Reconcile) -> Vec<String> {
    house.sandbox.clear_requests();
    reconcile.sweep(false).await.unwrap();
    house.asked().into_iter().filter(|line| line.contains("/hooks")).collect()
}

/// The same of all sweepers; GitHub's asks nothing about webhooks.
async fn asked(house: &House) -> Vec<String> {
    house.sandbox.clear_requests();
    house.sweep().await;
    house.asked().into_iter().filter(|line| line.contains("/hooks")).collect()
}

#[tokio::test]
async fn a_disabled_hook_is_reported_and_brought_back_to_life() {
    let (mut house, change) = with_a_review().await;
    assert_eq!(asked(&house).await, [LOOK], "the project has an open review by now");
    assert_eq!(known(&house), Some(Vec::new()));
    assert_eq!(asked(&house).await, [""; 0], "once an hour is enough");

    house.pass(SignedDuration::from_mins(60)).await;
    break_the_hook(&house, &change).await;
    let asked_now = asked(&house).await;
    let reported = known(&house).unwrap();
    let [hook] = reported.as_slice() else { panic!("{reported:?}") };
    let (events, test) = (events(hook.id), format!("POST /hooks/{}/test/merge_requests_events", hook.id));
    assert_eq!(asked_now, [LOOK.to_owned(), events.clone(), test]);
    assert_eq!((&*hook.place, &*hook.state), ("acme/shop", "temporarily disabled"));
    assert_eq!(
        hook.sentence(),
        format!(
            "acme/shop: webhook {} is temporarily disabled until 2026-03-02 11:02 UTC; \
             a test at 2026-03-02 11:01 UTC went well",
            hook.id
        )
    );
    assert_eq!(house.sandbox.hook_status(hook.id), Some("temporarily_disabled"), "the test is on its way");
    assert_eq!(asked(&house).await, [LOOK, &events], "looked at with every sweep, but not tested again");
    assert_eq!(known(&house).as_ref(), Some(&reported));

    house.quiet().await;
    assert_eq!(house.sandbox.hook_status(hook.id), Some("executable"));
    assert_eq!(asked(&house).await, [LOOK, &events]);
    assert_eq!(known(&house), Some(Vec::new()), "well again");
    assert_eq!(asked(&house).await, [""; 0]);
    assert_eq!(house.service.shared.snapshot().forge("gitlab").unwrap().fault(), None);
    house.minute().await;
    house.assert_one_status_comment(&change);
}

#[tokio::test]
async fn a_wrong_secret_is_a_fault_with_its_remedy_until_a_delivery_comes_through() {
    let (mut house, change) = with_a_review().await;
    house.sweep().await;
    let right = house.config(&Settings::default());
    let mut wrong = right.clone();
    wrong.forges[0].signing_tokens = vec![SECRETS[2].1.replace("Zmxv", "Zmxx").into()];
    house.service.reload(&wrong).await.unwrap();
    house.sandbox.push(&change, "sam").unwrap();
    assert_eq!(house.sandbox.deliver_pending().await[0].status, Some(401));
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(10));
    house.sweep().await;
    let [sentence] = failing(&house, "gitlab").try_into().unwrap();
    assert!(
        sentence.contains(
            "of acme/shop: its deliveries are refused with 401 since 2026-03-02 10:01 UTC: the secret"
        ),
        "{sentence}"
    );
    let door = &house.service.door;
    let page = read(&web::admin(door.clone()), "/").await;
    assert!(page.contains("usher hooks install --forge gitlab") && page.contains("forge faulty"), "{page}");
    let ready = read(&web::public(door.clone()), "/readyz").await;
    assert!(!ready.contains("401") && !ready.contains("secret"), "{ready}");

    house.service.reload(&right).await.unwrap();
    house.sandbox.push(&change, "sam").unwrap();
    house.quiet().await;
    house.sweep().await;
    assert_eq!(failing(&house, "gitlab"), [""; 0], "the newest came through");
    assert_eq!(asked(&house).await, [""; 0], "and nobody asks any more");
}

#[tokio::test]
async fn a_disabled_hook_is_shown_where_people_look() {
    let (house, change) = with_a_review().await;
    let door = &house.service.door;
    let (public, admin) = (web::public(door.clone()), web::admin(door.clone()));
    house.sweep().await;
    assert!(read(&admin, "/metrics").await.contains("usher_hooks_disabled{forge=\"gitlab\"} 0\n"));
    assert!(!read(&public, "/readyz").await.contains("disabled_hooks"));

    break_the_hook(&house, &change).await;
    restarted(&house, &house.config(&Settings::default()), false).sweep(false).await.unwrap();
    let metrics = read(&admin, "/metrics").await;
    assert!(metrics.contains("usher_hooks_disabled{forge=\"gitlab\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("usher_hooks_disabled{forge=\"github\"}"), "{metrics}");
    let [hook] = known(&house).unwrap().try_into().unwrap();
    let page = read(&admin, "/").await;
    assert!(page.contains("has disabled webhooks") && page.contains(&hook.sentence()), "{page}");
    let ready: serde_json::Value = serde_json::from_str(&read(&public, "/readyz").await).unwrap();
    let short = format!("webhook {} is temporarily disabled until 2026-03-02 10:02 UTC", hook.id);
    assert_eq!(ready["ready"], true, "deliveries can be taken");
    assert_eq!(ready["forges"][1]["disabled_hooks"], serde_json::json!([short]), "no project in public");
}

async fn read(router: &Router, path: &str) -> String {
    let answer = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_forge_that_fails_keeps_the_report_and_does_not_spoil_the_sweep() {
    let (house, change) = with_a_review().await;
    break_the_hook(&house, &change).await;
    let mut reconcile = restarted(&house, &house.config(&Settings::default()), false);
    assert_eq!(asked_by(&house, &mut reconcile).await.len(), 4);
    let reported = known(&house);
    let id = reported.as_ref().unwrap()[0].id;
    house.sandbox.fail_next(Forge::Gitlab, "GET", "/hooks", Fault::status(502, "Bad Gateway"), 2);
    assert_eq!(asked_by(&house, &mut reconcile).await, [LOOK]);
    assert_eq!(known(&house), reported);
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(61));
    assert_eq!(asked_by(&house, &mut reconcile).await, [LOOK], "in a full round, too");
    assert_eq!(known(&house), reported);
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(10));
    assert_eq!(asked_by(&house, &mut reconcile).await, [LOOK, &events(id)]);
    assert_eq!(known(&house), Some(Vec::new()), "its rest is over");
}

#[tokio::test]
async fn a_token_that_is_no_maintainers_is_no_fault() {
    let (mut house, change) = with_a_review().await;
    house.sandbox.add_member(Forge::Gitlab, project(Forge::Gitlab), BOT, Access::WRITE);
    break_the_hook(&house, &change).await;
    assert_eq!(asked(&house).await, [LOOK]);
    assert_eq!(known(&house), None, "nothing is claimed of hooks that nobody could see");
    assert_eq!(house.service.shared.snapshot().forge("gitlab").unwrap().fault(), None);
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(2));
    assert_eq!(asked(&house).await, [""; 0], "remembered");
    house.sandbox.add_member(Forge::Gitlab, project(Forge::Gitlab), BOT, Access::MAINTAIN);
    house.pass(SignedDuration::from_hours(23)).await;
    let expected = ["GET /api/v3/orgs/acme/hooks", GROUP, LOOK];
    assert_eq!(asked(&house).await, expected, "but asked again after a day, as is GitHub's log");
    assert_eq!(known(&house), Some(Vec::new()));
}

#[tokio::test]
async fn a_dry_run_reports_and_tests_nothing() {
    let (house, change) = with_a_review().await;
    break_the_hook(&house, &change).await;
    let mut dry = restarted(&house, &house.config(&Settings::default()), true);
    let asked_now = asked_by(&house, &mut dry).await;
    let [hook] = known(&house).unwrap().try_into().unwrap();
    assert_eq!(asked_now, [GROUP.to_owned(), LOOK.to_owned(), events(hook.id)]);
    assert_eq!(hook.test, None);
    assert!(hook.sentence().ends_with("UTC"), "{}", hook.sentence());
}

#[tokio::test]
async fn a_refused_test_is_told_and_not_repeated_within_the_hour() {
    let (house, change) = with_a_review().await;
    break_the_hook(&house, &change).await;
    let refusal = Fault::status(422, "Hook execution failed");
    house.sandbox.fail_next(Forge::Gitlab, "POST", "/test/merge_requests_events", refusal, 1);
    let mut reconcile = restarted(&house, &house.config(&Settings::default()), false);
    assert_eq!(asked_by(&house, &mut reconcile).await.len(), 4);
    let [hook] = known(&house).unwrap().try_into().unwrap();
    let end = "did not bring it back: refused with 422: Hook execution failed";
    assert!(hook.sentence().ends_with(end), "{}", hook.sentence());
    assert_eq!(asked_by(&house, &mut reconcile).await, [LOOK, &events(hook.id)]);
    assert_eq!(known(&house), Some(vec![hook]), "the answer is still told");
}

#[tokio::test]
async fn projects_named_in_full_are_looked_at_without_any_review() {
    let house = House::new().await;
    let mut config = house.config(&Settings::default());
    let patterns = ["acme/shop", "acme/gone", "acme/*"].map(|text| Pattern::new(text).unwrap());
    config.forges[0].projects = patterns.into();
    let mut reconcile = restarted(&house, &config, false);
    let gone = "GET /gl/api/v4/projects/acme%2Fgone/hooks";
    let asked_now = asked_by(&house, &mut reconcile).await;
    assert_eq!(asked_now[..3], [GROUP, LOOK, gone]);
    assert!(
        asked_now[3..].iter().all(|line| line.ends_with("/events")),
        "no delivery has come yet: {asked_now:?}"
    );
    assert_eq!(known(&house), Some(Vec::new()));
    assert_eq!(house.service.shared.snapshot().forge("gitlab").unwrap().fault(), None);
}

#[tokio::test]
async fn a_groups_hook_hears_for_all_its_projects_and_is_brought_back_too() {
    let (mut house, change) = with_a_review().await;
    house.sandbox.add_group_member("acme", BOT, Access::ADMIN);
    for id in house.sandbox.hooks_at(Forge::Gitlab, &HookTarget::Project("acme/shop".into())) {
        house.sandbox.remove_hook(id);
    }
    house.company.add_hook(Forge::Gitlab, HookTarget::Group("acme".into()));
    let mut reconcile = restarted(&house, &house.config(&Settings::default()), false);
    assert_eq!(asked_by(&house, &mut reconcile).await, [GROUP], "no project below it is asked");
    assert_eq!(known(&house), Some(Vec::new()));

    break_the_hook(&house, &change).await;
    let mut reconcile = restarted(&house, &house.config(&Settings::default()), false);
    let asked_now = asked_by(&house, &mut reconcile).await;
    let [hook] = known(&house).unwrap().try_into().unwrap();
    let test = format!("POST /gl/api/v4/groups/acme/hooks/{}/test/merge_requests_events", hook.id);
    let events = format!("{GROUP}/{}/events", hook.id);
    assert_eq!(asked_now, [GROUP.to_owned(), events.clone(), test]);
    let sentence = hook.sentence();
    assert!(sentence.starts_with("group acme: webhook ") && sentence.ends_with(" went well"), "{sentence}");
    house.quiet().await;
    assert_eq!(house.sandbox.hook_status(hook.id), Some("executable"));
    assert_eq!(asked_by(&house, &mut reconcile).await, [GROUP, &events]);
    assert_eq!(known(&house), Some(Vec::new()), "well again");
}
