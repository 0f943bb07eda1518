//! The labels that Usher makes, as the forges show them.

use usher_sandbox::{Fault, Forge};

use super::harness::{BOTH, House, project};

const STAGE: &str = "support-review::reviewing";

fn shown(house: &House, forge: Forge, name: &str) -> (String, Option<String>) {
    house.sandbox.project_label(forge, project(forge), name).expect("the label is there")
}

#[tokio::test]
async fn labels_that_usher_makes_have_a_colour_by_stage_and_a_description() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.opened(forge, "sam").await;
        let look = |color: &str, description: &str| (color.to_owned(), Some(description.to_owned()));
        assert_eq!(shown(&house, forge, STAGE), look("1d76db", "A reviewer has been asked"), "{forge:?}");
        let contribution = shown(&house, forge, "support-contribution");
        assert_eq!(contribution, look("5319e7", "Opened by a support engineer"), "{forge:?}");
    }
}

#[tokio::test]
async fn a_label_that_a_person_made_stays_as_it_is() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.add_project_label(forge, project(forge), STAGE);
        let before = shown(&house, forge, STAGE);
        house.opened(forge, "sam").await;
        assert_eq!(shown(&house, forge, STAGE), before, "{forge:?}");
        assert_eq!(shown(&house, forge, "support-contribution").0, "5319e7", "{forge:?}");
    }
}

#[tokio::test]
async fn a_label_that_may_not_be_coloured_is_put_on_all_the_same() {
    for forge in BOTH {
        let mut house = House::new().await;
        let write =
            if forge == Forge::Gitlab { ("POST", "acme%2Fshop/labels") } else { ("PATCH", "/labels/") };
        house.sandbox.fail_next(forge, write.0, write.1, Fault::status(403, "no"), 100);
        let change = house.opened(forge, "sam").await;
        assert!(house.seen(&change).labels.iter().any(|label| label == STAGE), "{forge:?}");
        assert_ne!(shown(&house, forge, STAGE).0, "1d76db", "{forge:?}");
        assert_eq!(house.service.store.counts().await.unwrap().dead, 0, "{forge:?}");
    }
}
