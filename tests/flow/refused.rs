//! Whom a forge refuses as reviewer, or leaves out without a word, is replaced by the next of the pool,
//! and the reason is on record.

use usher_sandbox::{ChangeRef, Tier};

use super::harness::{BOTH, House, Settings, key, project};

/// Whether the change's ledger tells of a refusal.
async fn tells_of_a_refusal(house: &House, change: &ChangeRef) -> bool {
    let ledger = format!("{:?}", house.service.store.ledger(&key(change), 100).await.unwrap());
    ledger.contains("NotAllowed") || ledger.contains("Dropped")
}

#[tokio::test]
async fn the_next_of_the_pool_is_asked_and_it_is_said_why() {
    for forge in BOTH {
        let mut refusals = 0;
        for (out, other) in [("rita", "ravi"), ("ravi", "rita")] {
            let mut house = House::with(Settings::default()).await;
            house.sandbox.remove_member(forge, project(forge), out);
            let change = house.opened(forge, "sam").await;
            assert_eq!(house.reviewer(&change), other, "{forge:?} without {out}");
            refusals += usize::from(tells_of_a_refusal(&house, &change).await);
            house.assert_one_status_comment(&change);
        }
        assert_eq!(refusals, 1, "{forge:?}: whoever was the first choice was refused, and is on record");
    }
}

#[tokio::test]
async fn on_gitlab_free_a_reviewer_of_a_persons_choice_stays_the_one() {
    let mut house = House::with(Settings::default()).await;
    house.sandbox.set_gitlab_tier(Tier::Free);
    let change = house.open(BOTH[0], "sam");
    house.sandbox.request_reviewer(&change, "sam", "dan").unwrap();
    house.quiet().await;
    house.minute().await;
    assert_eq!(house.reviewer(&change), "dan", "nobody takes the one place from them");
}
