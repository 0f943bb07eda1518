//! The author has answered a request for changes: the reviewer learns of it, and the verdict stands.

use jiff::SignedDuration;
use usher_core::model::stage::Stage;
use usher_sandbox::{ChangeRef, Forge, Verdict};

use super::harness::{BOT, BOTH, House};

/// Requests for a review of somebody that Usher sent.
fn requests(house: &House) -> usize {
    let all = house.sandbox.requests();
    all.iter().filter(|one| one.method == "POST" && one.path.ends_with("/requested_reviewers")).count()
}

fn words_of_hand_back(house: &House, change: &ChangeRef) -> usize {
    let seen = house.seen(change);
    seen.comments_by(BOT).iter().filter(|one| one.body.contains("usher:ping:back-")).count()
}

async fn asked_for_changes(house: &mut House, forge: Forge) -> (ChangeRef, String) {
    let change = house.opened(forge, "sam").await;
    let who = house.reviewer(&change);
    house.minute().await;
    house.sandbox.review(&change, &who, Verdict::RequestChanges, "Which rate?").unwrap();
    house.quiet().await;
    assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}");
    house.minute().await;
    house.sandbox.clear_requests();
    (change, who)
}

#[tokio::test]
async fn the_reviewer_is_asked_again_once_a_round_and_the_verdict_stands() {
    for forge in BOTH {
        let mut house = House::new().await;
        let (change, who) = asked_for_changes(&mut house, forge).await;
        for push in 0..2 {
            house.sandbox.push(&change, "sam").unwrap();
            house.quiet().await;
            house.minute().await;
            house.sweep().await;
            house.quiet().await;
            assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}, push {push}");
        }
        let told = (requests(&house), words_of_hand_back(&house, &change));
        assert_eq!(told, if forge == Forge::Github { (1, 0) } else { (0, 1) }, "{forge:?}");
        let review = house.review(&change).await;
        let own = review.active().next().unwrap();
        assert_eq!(own.person, who, "{forge:?}");
        assert!(review.requests_changes(own), "{forge:?}: it stands until they say something else");
        house.sandbox.review(&change, &who, Verdict::RequestChanges, "And the rounding?").unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}: another round");
        house.minute().await;
        house.sandbox.push(&change, "sam").unwrap();
        house.quiet().await;
        let told = requests(&house) + words_of_hand_back(&house, &change);
        assert_eq!(told, 2, "{forge:?}: once more");
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");
    }
}

/// GitHub's list of requests is read with the reviews: who has answered meanwhile is not asked again.
#[tokio::test]
async fn who_answers_before_the_request_goes_out_is_not_asked_again() {
    let mut house = House::new().await;
    let (change, who) = asked_for_changes(&mut house, Forge::Github).await;
    house.sandbox.push(&change, "sam").unwrap();
    house.sandbox.deliver_pending().await;
    house.service.engine.drain().await.unwrap();
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(1));
    house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
    house.quiet().await;
    assert_eq!((requests(&house), house.stage(&change).await), (0, Stage::ReadyToMerge));
}

#[tokio::test]
async fn an_author_who_asks_again_themselves_has_told_them() {
    for forge in BOTH {
        let mut house = House::new().await;
        let (change, who) = asked_for_changes(&mut house, forge).await;
        house.sandbox.re_request_review(&change, "sam", &who).unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}");
        assert_eq!(requests(&house) + words_of_hand_back(&house, &change), 0, "{forge:?}");
    }
}

/// Dismissals keep the time of the review, and who is asked again stands on the list beside it: with a push
/// or without one the next sweep sees both.
#[tokio::test]
async fn a_missed_dismissal_and_a_missed_request_are_seen_by_the_next_sweep() {
    for (dismissed, pushed) in [(true, false), (true, true), (false, false), (false, true)] {
        let told = format!("dismissed: {dismissed}, pushed: {pushed}");
        let mut house = House::new().await;
        let change = house.opened(Forge::Github, "sam").await;
        let who = house.reviewer(&change);
        house.minute().await;
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{told}");
        house.minute().await;
        house.sandbox.lose_next(Forge::Github, 1 + u32::from(pushed));
        if dismissed {
            house.sandbox.dismiss_review(&change, "lena", &who).unwrap();
        } else {
            house.sandbox.re_request_review(&change, "sam", &who).unwrap();
        }
        if pushed {
            house.sandbox.push(&change, "sam").unwrap();
        }
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{told}: nobody told");
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{told}");
        house.minute().await;
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        house.quiet().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{told}: and is heard again");
    }
}
