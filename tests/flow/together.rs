//! Changes that are decided in one transaction.

use std::collections::BTreeMap;

use usher_sandbox::Forge;

use super::harness::{House, Settings};

#[tokio::test]
async fn changes_that_come_together_are_shared_out_as_if_they_came_one_by_one() {
    let members = r#"["rita", "ravi", "dora", "dan"]"#;
    let mut house = House::with(Settings { members, always: true, ..Settings::default() }).await;
    let changes: Vec<_> = (0..8).map(|_| house.open(Forge::Gitlab, "sam")).collect();
    house.sandbox.deliver_pending().await;
    assert_eq!(house.service.engine.drain().await.unwrap(), 8, "all of them wait for the same drain");
    house.quiet().await;
    let mut asked = BTreeMap::new();
    for change in &changes {
        *asked.entry(house.reviewer(change)).or_insert(0) += 1;
    }
    assert_eq!(asked.into_values().collect::<Vec<_>>(), [2, 2, 2, 2], "each saw those before it");
}
