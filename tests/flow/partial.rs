//! A change that is first heard of by a comment, because the webhook of its opening was lost.

use usher_sandbox::Forge;

use super::harness::{BOTH, House};

/// The opening and a person's request are lost; a comment arrives.
async fn heard_of_by_a_comment(forge: Forge) -> (House, usher_sandbox::ChangeRef) {
    let mut house = House::new().await;
    let change = house.open(forge, "sam");
    house.sandbox.request_reviewer(&change, "sam", "ravi").unwrap();
    house.sandbox.take_pending();
    house.sandbox.comment(&change, "sam", "Could somebody look at this?").unwrap();
    house.quiet().await;
    (house, change)
}

#[tokio::test]
async fn whom_a_person_asked_is_adopted_although_the_comment_did_not_tell() {
    for forge in BOTH {
        let (mut house, change) = heard_of_by_a_comment(forge).await;
        assert_eq!(house.reviewers(&change), ["ravi"], "nobody is asked before the change is known");
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.reviewers(&change), ["ravi"]);
        let review = house.review(&change).await;
        assert_eq!(review.active().map(|a| a.person.as_str()).collect::<Vec<_>>(), ["ravi"]);
        house.assert_one_status_comment(&change);
    }
}

#[tokio::test]
async fn without_a_sweep_it_is_staffed_all_the_same() {
    let (mut house, change) = heard_of_by_a_comment(Forge::Github).await;
    house.pass(jiff::SignedDuration::from_mins(25)).await;
    assert!(house.review(&change).await.active().next().is_some());
}
