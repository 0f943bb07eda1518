//! Whoever leaves work for another part wakes it.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use usher::engine::{Engine, Parts};
use usher::metrics::Metrics;
use usher::wakeups::{Listener, Wakeups};
use usher_sandbox::{Fault, Forge};

use super::harness::{BOTH, House, Settings, name};
use super::server::until;

async fn rang(wakeup: &mut Listener) -> bool {
    tokio::select! {
        biased;
        () = wakeup.woken() => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn the_courier_is_woken_when_a_fact_that_its_actions_waited_for_has_no_actions_itself() {
    let house = House::new().await;
    let wakeups = Arc::new(Wakeups::default());
    let mut wakeup = wakeups.outbox.listen();
    let service = &house.service;
    let (store, shared, clock) = (service.store.clone(), service.shared.clone(), house.clock.clone());
    let (metrics, dry_run) = (Metrics::new(), false);
    let parts = Parts {
        store: store.clone(),
        shared,
        clock: clock.clone(),
        metrics,
        wakeups,
        tasks: usher::tasks::Tasks::default(),
        dry_run,
    };
    let engine = Engine::new(parts);
    let change = house.open(Forge::Gitlab, "sam");
    house.sandbox.deliver_pending().await;
    assert_eq!(engine.drain().await.unwrap(), 1);
    assert!(rang(&mut wakeup).await, "there are actions");

    clock.advance_to(clock.now() + jiff::SignedDuration::from_mins(1));
    house.sandbox.add_label(&change, "rita", "bug").unwrap();
    house.sandbox.deliver_pending().await;
    let within = usher::store::Within::ALL;
    let claimed = store.claim_next("gitlab", clock.now(), &within).await.unwrap();
    assert_eq!(claimed, None, "first listen, then speak");
    assert!(!rang(&mut wakeup).await);
    assert_eq!(engine.drain().await.unwrap(), 1);
    assert!(rang(&mut wakeup).await, "the actions may go now");
    assert!(store.claim_next("gitlab", clock.now(), &within).await.unwrap().is_some());
    engine.drain().await.unwrap();
    assert!(!rang(&mut wakeup).await, "nothing was decided, so nobody is woken");
}

/// Usher's own sweeping of one forge, as `serve` runs it.
struct Sweeping {
    house: House,
    forge: Forge,
    _stop: tokio_util::sync::DropGuard,
}

impl Sweeping {
    fn begin(house: House, forge: Forge) -> Sweeping {
        let stop = CancellationToken::new();
        let reconcile = house.service.reconciles().into_iter().find(|one| one.forge() == name(forge));
        reconcile.unwrap().spawn(Duration::from_secs(600), &TaskTracker::new(), &stop);
        Sweeping { house, forge, _stop: stop.drop_guard() }
    }

    /// How often GitHub or GitLab was asked who is in the support team.
    fn rosters_read(&self) -> usize {
        let requests = self.house.sandbox.requests();
        // Not `/members/all`: that is who may do what in a project.
        let members =
            requests.iter().filter(|one| one.path.contains("/members") && !one.path.contains("/members/"));
        members.filter(|one| one.forge == self.forge).count()
    }

    /// A group or team has changed.
    async fn ring(&self) {
        self.house.service.reload(&self.house.config(&Settings::default())).await.unwrap();
    }

    fn pass(&self, seconds: i64) {
        self.house.clock.advance_to(self.house.clock.now() + SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_roster_bell_that_rings_during_a_sweep_is_heard_after_it() {
    for forge in BOTH {
        let house = House::unswept(Settings::default()).await;
        house.sandbox.fail_next(forge, "GET", "/members", Fault::Delay(Duration::from_secs(60)), 1);
        let sweeping = Sweeping::begin(house, forge);
        until("the sweep is under way", async || sweeping.house.sandbox.reads() > 0).await;
        sweeping.ring().await;
        until("the first roster is read", async || {
            sweeping.pass(60);
            sweeping.rosters_read() == 1
        })
        .await;
        until("it is read again", async || {
            sweeping.pass(1);
            sweeping.rosters_read() == 2
        })
        .await;
    }
}

#[tokio::test]
async fn a_forge_that_is_down_is_not_asked_for_every_bell_and_comes_back_soon() {
    let house = House::unswept(Settings::default()).await;
    house.sandbox.fail_next(Forge::Github, "GET", "", Fault::status(500, "down"), 2);
    let sweeping = Sweeping::begin(house, Forge::Github);
    let asked = |times: usize| {
        let sandbox = sweeping.house.sandbox.clone();
        async move || sandbox.reads() >= times
    };
    until("the first sweep has failed", asked(1)).await;
    let faulted = async || {
        let known = sweeping.house.service.shared.snapshot();
        known.forge("github").is_some_and(|forge| forge.fault().is_some())
    };
    until("the fault is known", faulted).await;
    for _ in 0..20 {
        sweeping.ring().await;
        tokio::task::yield_now().await;
    }
    sweeping.pass(5);
    until("it is asked again", asked(2)).await;
    assert_eq!(sweeping.house.sandbox.reads(), 2, "once, whatever rang");
    // Twenty wakeups have not made the pauses longer: the next one lasts ten seconds.
    until("it is well", async || {
        sweeping.pass(1);
        sweeping.rosters_read() == 1
    })
    .await;
    let waited = sweeping.house.clock.now().duration_since(super::harness::monday());
    assert!(waited < SignedDuration::from_secs(120), "it took {waited:#}");
}

#[tokio::test]
async fn a_roster_that_cannot_be_read_keeps_no_sweep_from_running() {
    for fault in [Fault::Delay(Duration::from_secs(1_000_000)), Fault::status(502, "Bad Gateway")] {
        for forge in BOTH {
            let mut house = House::new().await;
            house.pass(SignedDuration::from_mins(61)).await;
            house.sandbox.fail_next(forge, "GET", "/members", fault.clone(), 99);
            house.sandbox.clear_requests();
            house.open(forge, "sam");
            assert_eq!(house.sandbox.take_pending().len(), 1, "its webhook is lost");
            let sweeping = Sweeping::begin(house, forge);
            let store = sweeping.house.service.store.clone();
            until("the change is found all the same", async || {
                sweeping.pass(1);
                store.counts().await.unwrap().undecided == 1
            })
            .await;
            let requests = sweeping.house.sandbox.requests();
            let asked = requests.iter().find(|one| one.path.contains("/members"));
            // One that is never answered is not written down.
            assert!(asked.is_none_or(|one| one.status != Some(200)), "{forge:?} {fault:?}: {asked:?}");
        }
    }
}
