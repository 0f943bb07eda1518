//! Whoever is no support engineer is left alone: nothing is asked of the forge, nothing is kept.

use usher_sandbox::Verdict;

use super::harness::{BOTH, House, rows};

#[tokio::test]
async fn a_change_by_somebody_else_costs_no_request_and_no_row() {
    for forge in BOTH {
        let mut house = House::new().await;
        let before = rows(&house.store_path()).await;
        assert!(before.contains_key("inbox") && before.contains_key("body"), "{before:?}");

        let asked = house.cost_of(async |house| {
            let change = house.opened(forge, "dora").await;
            house.sandbox.comment(&change, "rita", "Nice, @usher help").unwrap();
            house.sandbox.request_reviewer(&change, "dora", "rita").unwrap();
            house.minute().await;
            house.sandbox.push(&change, "dora").unwrap();
            house.sandbox.add_label(&change, "sam", "bug").unwrap();
            house.sandbox.review(&change, "rita", Verdict::Approve, "").unwrap();
            house.minute().await;
            house.sandbox.merge(&change, "rita").unwrap();
        });
        assert_eq!(asked.await, [""; 0], "{forge:?}");
        assert!(
            house.delivered.iter().filter(|one| one.forge == forge).count() >= 6,
            "{:?}",
            house.delivered
        );
        assert!(house.delivered.iter().all(|one| one.status == Some(200)), "{:?}", house.delivered);
        assert_eq!(rows(&house.store_path()).await, before, "{forge:?}");
        house.sweep().await;
        house.quiet().await;
        let mut swept = rows(&house.store_path()).await;
        let mut before = before;
        // How far the list was read, and what a watched project is called, tells of nobody.
        for own in ["watermark", "project"] {
            swept.remove(own);
            before.remove(own);
        }
        assert_eq!(swept, before, "a sweep keeps nothing either, {forge:?}");
    }
}
