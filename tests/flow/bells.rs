//! Whoever leaves work for another part wakes it.

use std::sync::Arc;

use usher::engine::{Bells, Engine};
use usher::metrics::Metrics;
use usher::sandbox::Forge;

use super::harness::House;

async fn rang(bells: &Bells) -> bool {
    tokio::select! {
        biased;
        () = bells.outbox.notified() => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn the_courier_is_woken_when_a_fact_that_its_actions_waited_for_has_no_actions_itself() {
    let house = House::new().await;
    let bells = Arc::new(Bells::default());
    let service = &house.service;
    let (store, knowledge, clock) = (service.store.clone(), service.knowledge.clone(), house.clock.clone());
    let engine = Engine::new(store.clone(), knowledge, clock.clone(), bells.clone(), Metrics::new(), false);
    let change = house.open(Forge::Gitlab, "sam");
    house.sandbox.deliver_pending().await;
    assert_eq!(engine.drain().await.unwrap(), 1);
    assert!(rang(&bells).await, "there are actions");

    clock.advance_to(clock.now() + jiff::SignedDuration::from_mins(1));
    house.sandbox.add_label(&change, "rita", "bug").unwrap();
    house.sandbox.deliver_pending().await;
    assert_eq!(store.claim(clock.now(), 10).await.unwrap(), [], "first listen, then speak");
    assert!(!rang(&bells).await);
    assert_eq!(engine.drain().await.unwrap(), 1);
    assert!(rang(&bells).await, "the actions may go now");
    assert_eq!(store.claim(clock.now(), 10).await.unwrap().len(), 1);
    engine.drain().await.unwrap();
    assert!(!rang(&bells).await, "nothing was decided, so nobody is woken");
}
