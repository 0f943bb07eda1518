//! A change that is first heard of by a comment, because the webhook of its opening was lost.

use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, House};

/// The opening and a person's request are lost; a comment arrives.
async fn heard_of_by_a_comment(house: &mut House, forge: Forge) -> ChangeRef {
    let change = house.open(forge, "sam");
    house.sandbox.request_reviewer(&change, "sam", "ravi").unwrap();
    house.sandbox.take_pending();
    house.sandbox.comment(&change, "sam", "Could somebody look at this?").unwrap();
    house.quiet().await;
    change
}

#[tokio::test]
async fn whom_a_person_asked_is_adopted_at_once_although_the_comment_did_not_tell() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = heard_of_by_a_comment(&mut house, forge).await;
        assert_eq!(house.reviewers(&change), ["ravi"]);
        let review = house.review(&change).await;
        assert_eq!(review.active().map(|a| a.person.as_str()).collect::<Vec<_>>(), ["ravi"]);
        house.assert_one_status_comment(&change);
    }
}

/// Nobody is asked before the change is known.
#[tokio::test]
async fn a_look_that_fails_is_tried_again() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.fail_next(forge, "*", "", Fault::status(502, "Bad Gateway"), 1);
        let change = heard_of_by_a_comment(&mut house, forge).await;
        assert_eq!(house.reviewers(&change), ["ravi"], "nobody is asked before the change is known");
        assert_eq!(house.review(&change).await.active().count(), 0);
        house.minute().await;
        let review = house.review(&change).await;
        assert_eq!(review.active().map(|a| a.person.as_str()).collect::<Vec<_>>(), ["ravi"]);
    }
}

#[tokio::test]
async fn without_a_look_it_is_staffed_all_the_same() {
    for (forge, method, path) in
        [(Forge::Gitlab, "GET", "/merge_requests/1"), (Forge::Github, "GET", "/pulls/1")]
    {
        let mut house = House::new().await;
        house.sandbox.fail_next(forge, method, path, Fault::status(502, "Bad Gateway"), u32::MAX);
        let change = heard_of_by_a_comment(&mut house, forge).await;
        house.pass(jiff::SignedDuration::from_mins(25)).await;
        assert!(house.review(&change).await.active().next().is_some(), "{forge:?}");
    }
}
