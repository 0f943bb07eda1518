//! The three places where people write, the conversation, the text of a review and a line, are heard alike on
//! both forges.

use usher_core::model::stage::Stage;
use usher_sandbox::{ChangeRef, Verdict};

use super::harness::{BOT, BOTH, House};

/// One of the three places.
#[derive(Clone, Copy, Debug)]
enum Place {
    Conversation,
    Review,
    Line,
}

const PLACES: [Place; 3] = [Place::Conversation, Place::Review, Place::Line];

async fn write(house: &mut House, change: &ChangeRef, who: &str, place: Place, text: &str) {
    match place {
        Place::Conversation => drop(house.sandbox.comment(change, who, text).unwrap()),
        Place::Review => house.sandbox.review(change, who, Verdict::Comment, text).unwrap(),
        Place::Line => drop(house.sandbox.remark(change, who, text).unwrap()),
    }
    house.quiet().await;
}

async fn has_accepted(house: &House, change: &ChangeRef) -> bool {
    house.review(change).await.active().all(|own| own.accepted)
}

#[tokio::test]
async fn a_command_is_heard_in_each_place_and_gives_the_ball_to_nobody() {
    for (forge, place) in BOTH.into_iter().flat_map(|forge| PLACES.map(|place| (forge, place))) {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        write(&mut house, &change, &who, place, "@usher accept").await;
        assert!(has_accepted(&house, &change).await, "{forge:?}, {place:?}");
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}, {place:?}");
        // What a sweep lists of it says nothing more.
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}, {place:?}: swept");
        assert!(has_accepted(&house, &change).await, "{forge:?}, {place:?}: swept");
        let log = house.sandbox.log_since(0).into_iter();
        let thanked = log.filter(|one| one.actor == BOT && one.what.starts_with("reacted")).count();
        assert_eq!(thanked, 1, "{forge:?}, {place:?}: a reaction");
        write(&mut house, &change, &who, place, "@usher frobnicate").await;
        let replies = house.seen(&change).comments.into_iter();
        let replies = replies.filter(|one| one.body.contains("usher:ping:reply-")).count();
        assert_eq!(replies, 1, "{forge:?}, {place:?}: one reply");
    }
}

#[tokio::test]
async fn a_remark_of_the_reviewer_is_an_answer_in_each_place() {
    for (forge, place) in BOTH.into_iter().flat_map(|forge| PLACES.map(|place| (forge, place))) {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        write(&mut house, &change, &who, place, "Why is it rounded twice?").await;
        assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}, {place:?}");
        house.minute().await;
        write(&mut house, &change, "sam", place, "It was, and is not any more.").await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}, {place:?}");
    }
}
