//! A forge that is closed for maintenance.

use jiff::SignedDuration;
use usher_core::model::calendar::Window;
use usher_sandbox::Forge;

use super::harness::{House, Settings};

#[tokio::test]
async fn a_forge_is_left_alone_until_its_maintenance_is_over() {
    let mut house = House::new().await;
    let (now, opens) = (house.clock.now(), house.clock.now() + SignedDuration::from_hours(2));
    let mut config = house.config(&Settings::default());
    let gitlab = config.policy.forges.iter_mut().find(|forge| forge.name == "gitlab").unwrap();
    gitlab.maintenance = vec![Window { start: now, end: opens }].into();
    house.service.reload(&config).await.unwrap();
    house.sandbox.clear_requests();
    let closed = house.open(Forge::Gitlab, "sam");
    let open = house.open(Forge::Github, "sam");
    house.quiet().await;
    assert_eq!(house.review(&closed).await.active().count(), 1, "the choice is made all the same");
    assert_eq!(house.reviewers(&closed), Vec::<String>::new());
    house.reviewer(&open);
    assert!(house.asked().iter().all(|line| !line.contains("merge_requests")), "{:?}", house.asked());
    house.clock.advance_to(opens - SignedDuration::from_secs(1));
    house.quiet().await;
    assert_eq!(house.reviewers(&closed), Vec::<String>::new());
    house.clock.advance_to(opens);
    house.quiet().await;
    house.reviewer(&closed);
    house.assert_one_status_comment(&closed);
}
