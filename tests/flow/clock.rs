//! A clock that ran ahead is set right: whatever waits for an instant that it told waits no longer.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use usher_core::model::review::Stage;
use usher_sandbox::{Access, Fault, Forge, HookTarget};

use super::harness::{BOTH, House, Settings, name};
use super::server::until;

/// So far the clock runs ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(5);

fn hours_ago(house: &House) -> Timestamp {
    house.clock.now() - AHEAD
}

/// The forge answers nothing but 502.
fn down(house: &House, forge: Forge) {
    for method in ["GET", "POST", "PUT", "QUERY"] {
        house.sandbox.fail_next(forge, method, "", Fault::status(502, "Bad Gateway"), u32::MAX);
    }
}

#[tokio::test]
async fn what_was_put_off_by_a_clock_that_ran_ahead_is_done_when_it_is_right() {
    for forge in BOTH {
        let mut house = House::with(Settings { always: true, ..Settings::default() }).await;
        down(&house, forge);
        let change = house.open(forge, "sam");
        house.pass(SignedDuration::from_mins(9)).await;
        house.sandbox.clear_faults();
        assert!(house.reviewers(&change).is_empty());
        // One more arrives in the last moment and is stored; nobody has looked at it.
        let fresh = house.open(forge, "siobhan");
        house.sandbox.deliver_pending().await;
        let right = hours_ago(&house);
        house.clock.set_back_to(right);
        house.quiet().await;
        assert!(house.reviewers(&change).is_empty(), "{forge:?}: it would wait for five hours");

        house.service.clock_was_set_back().await.unwrap();
        house.quiet().await;
        for change in [&change, &fresh] {
            assert_eq!(house.reviewers(change).len(), 1, "{forge:?}");
            assert_eq!(house.stage(change).await, Stage::Reviewing, "{forge:?}");
        }
        assert_eq!(house.clock.now(), right, "not a second later");
    }
}

/// A reminder that a wrong clock put off to the next morning comes when the time is over by the right one.
#[tokio::test]
async fn what_was_to_be_looked_at_by_a_wrong_clock_is_looked_at_by_the_right_one() {
    for forge in BOTH {
        let more = "[timebox.reviewing]\nbudget = \"4h\"\n";
        let mut house = House::with(Settings { more, ..Settings::default() }).await;
        let change = house.opened(forge, "sam").await;
        // In the evening by the wrong clock the time is over, and nobody works.
        house.clock.advance_to(house.clock.now() + AHEAD * 2);
        house.quiet().await;
        house.clock.set_back_to(hours_ago(&house) - AHEAD);
        house.service.clock_was_set_back().await.unwrap();
        house.quiet().await;
        house.assert_one_status_comment(&change);
        house.pass(AHEAD).await;
        let pings = house.comments(&change).into_keys().filter(|marker| marker.contains("usher:ping:"));
        assert_eq!(pings.count(), 1, "{forge:?}: it would come tomorrow");
    }
}

#[tokio::test]
async fn a_running_usher_notices_by_itself() {
    let house = House::with(Settings { always: true, ..Settings::default() }).await;
    down(&house, Forge::Gitlab);
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    house.service.spawn(&tracker, &stop);
    let change = house.open(Forge::Gitlab, "sam");
    house.sandbox.deliver_pending().await;
    let paused = async || {
        house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(1));
        let gitlab =
            house.service.clients.iter().find(|client| client.name() == name(Forge::Gitlab)).unwrap();
        let health = gitlab.health();
        !health.paused_projects.is_empty() || health.tries_again_at.is_some()
    };
    until("it is left alone", paused).await;
    house.sandbox.clear_faults();
    house.clock.set_back_to(hours_ago(&house));
    // Whatever else it waits for is seconds away, by the right clock.
    let end = house.clock.now() + SignedDuration::from_mins(10);
    until("it has a reviewer", async || {
        house.clock.advance_to((house.clock.now() + SignedDuration::from_secs(1)).min(end));
        !house.reviewers(&change).is_empty()
    })
    .await;
    stop.cancel();
}

#[tokio::test]
async fn after_a_restart_nothing_waits_for_the_hours_of_a_wrong_clock() {
    let mut house = House::with(Settings { always: true, ..Settings::default() }).await;
    let change = house.open(Forge::Github, "sam");
    house.sandbox.deliver_pending().await;
    house.clock.set_back_to(hours_ago(&house));
    let store = house.service.store.clone();
    assert_eq!(store.undecided(house.clock.now(), 9).await.unwrap(), [], "it came in the future");
    let config = house.config(&Settings { always: true, ..Settings::default() });
    house.restart(&config).await;
    house.quiet().await;
    assert_eq!(house.reviewers(&change).len(), 1);
}

/// A large company tells of changed people all day long.
#[tokio::test]
async fn a_stream_of_news_about_people_costs_a_look_a_minute() {
    for forge in BOTH {
        let house = House::with(Settings::default()).await;
        house.add_hook(Forge::Gitlab, HookTarget::Group("acme".into()));
        house.sandbox.add_team("acme", "other", None, &[]);
        let stop = CancellationToken::new();
        let reconcile = house.service.reconciles().into_iter().find(|one| one.forge() == name(forge));
        let tracker = TaskTracker::new();
        reconcile.unwrap().spawn(Duration::from_secs(3_600), &tracker, &stop);
        let asked = || {
            let requests = house.sandbox.requests();
            let of = |part: &str| requests.iter().filter(|one| one.path.contains(part)).count();
            (of("support/members?"), of("merge_requests?") + of("/acme/repos?") + of("/search/issues"))
        };
        // Background traffic waits for GitHub's paces.
        until("it has begun", async || {
            house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(1));
            asked().1 > 0
        })
        .await;
        house.sandbox.clear_requests();
        let mut told = 0;
        for round in 0..60 {
            // Somebody comes to a group that is none of Usher's, and goes.
            match (forge, round % 2) {
                (Forge::Gitlab, 0) => house.sandbox.add_group_member("acme/other", "olga", Access::WRITE),
                (Forge::Gitlab, _) => house.sandbox.remove_group_member("acme/other", "olga"),
                (Forge::Github, 0) => house.sandbox.join_team("acme", "other", "olga", "lena"),
                (Forge::Github, _) => house.sandbox.leave_team("acme", "other", "olga", "lena"),
            }
            told += house.sandbox.deliver_pending().await.len();
            house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(5));
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        // The last of it is followed, too.
        until("it was followed", async || {
            house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(1));
            asked().0 >= 2
        })
        .await;
        assert!(told >= 60, "{forge:?}: {told} webhooks");
        let (rosters, lists) = asked();
        assert!(
            rosters <= 7 && lists <= 14,
            "{forge:?}: {rosters} rosters and {lists} lists in five minutes"
        );
        stop.cancel();
    }
}
