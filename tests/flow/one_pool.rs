//! Changes that compete for one pool are decided one after the other, each with what the one before
//! has added to people's workloads.

use std::collections::BTreeSet;

use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Forge};

use super::harness::{House, Settings};

#[tokio::test]
async fn changes_of_one_batch_see_each_others_picks() {
    let mut house = House::with(Settings { capacity: 1, ..Settings::default() }).await;
    // Three changes for a pool of two with room for one review each: all in the inbox at once.
    let changes: Vec<ChangeRef> = (0..3).map(|_| house.open(Forge::Gitlab, "sam")).collect();
    house.quiet().await;
    let (mut asked, mut waiting) = (Vec::new(), 0);
    for change in &changes {
        let review = house.review(change).await;
        asked.extend(review.active().map(|assignment| assignment.person.clone()));
        waiting += usize::from(review.done.stage == Stage::Waiting);
    }
    let people: BTreeSet<&String> = asked.iter().collect();
    assert_eq!((asked.len(), people.len(), waiting), (2, 2, 1), "one each, and one too many: {asked:?}");
    let loads = house.service.store.workloads(house.clock.now()).await.unwrap();
    for name in people {
        let load = loads.of(name);
        assert_eq!((load.open, load.asked.remembered(house.clock.now())), (1, 1), "{name}");
    }
}
