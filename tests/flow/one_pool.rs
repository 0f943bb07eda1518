//! Changes that compete for one pool are decided one after the other, each with what the one before
//! has added to people's workloads.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use usher_core::model::load::Load;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Forge, Verdict};

use super::harness::{BOTH, House, Settings};

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
        assert_eq!((load.open, load.asked.remembered(house.clock.now())), (Load::WHOLE, 1), "{name}");
    }
}

/// Three changes that their authors have left lying take nobody out of the pool.
#[tokio::test]
async fn abandoned_changes_fill_nobody() {
    for forge in BOTH {
        let settings = Settings { members: r#"["rita"]"#, capacity: 3, ..Settings::default() };
        let mut house = House::with(settings).await;
        for _ in 0..3 {
            let change = house.opened(forge, "sam").await;
            house.sandbox.review(&change, "rita", Verdict::RequestChanges, "Which rate?").unwrap();
            house.quiet().await;
            assert_eq!(house.stage(&change).await, Stage::WithAuthor);
        }
        let load = async |house: &House| house.service.store.workloads(house.clock.now()).await.unwrap();
        assert_eq!(load(&house).await.of("rita").open.to_string(), "1.5", "half of each");
        house.pass(SignedDuration::from_hours(15 * 24)).await;
        assert_eq!(load(&house).await.of("rita").open, Load::NONE);
        for _ in 0..3 {
            let new = house.opened(forge, "siobhan").await;
            assert_eq!(house.reviewers(&new), ["rita"]);
        }
    }
}
