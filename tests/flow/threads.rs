//! Threads: who asked for changes in some is asked again when others have resolved them all.

use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Forge, Verdict};

use super::harness::{BOTH, House};

/// Somebody asks for changes in two threads.
async fn asked(house: &mut House, forge: Forge) -> (ChangeRef, [u64; 2], String) {
    let change = house.opened(forge, "sam").await;
    let who = house.reviewer(&change);
    let remark = |text| house.sandbox.remark(&change, &who, text).unwrap();
    let threads = [remark("why so?"), remark("and this?")];
    house.sandbox.gitlab_announces_reviews(true);
    house.sandbox.review(&change, &who, Verdict::RequestChanges, "see the lines").unwrap();
    house.quiet().await;
    assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}");
    (change, threads, who)
}

fn status(house: &House, change: &ChangeRef) -> String {
    let comments = house.seen(change).comments;
    let status = comments.into_iter().find(|comment| comment.body.contains("usher:status"));
    status.map(|comment| comment.body).unwrap_or_default()
}

#[tokio::test]
async fn resolved_threads_give_the_ball_back() {
    for forge in BOTH {
        let mut house = House::new().await;
        let (change, [first, second], who) = asked(&mut house, forge).await;
        assert!(
            status(&house, &change).contains("resolve the 2 open threads"),
            "{}",
            status(&house, &change)
        );
        house.sandbox.resolve_thread(&change, "sam", first).unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}: one is open");
        house.sandbox.resolve_thread(&change, "sam", second).unwrap();
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}");
        assert!(house.reviewers(&change).contains(&who), "{forge:?}: asked to look again");
    }
}

/// The webhooks are lost: a sweep reads the threads of a change that has news.
#[tokio::test]
async fn resolved_threads_are_seen_by_a_sweep() {
    for forge in BOTH {
        let mut house = House::new().await;
        let (change, threads, _) = asked(&mut house, forge).await;
        house.minute().await;
        for thread in threads {
            house.sandbox.resolve_thread(&change, "sam", thread).unwrap();
        }
        house.sandbox.take_pending();
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}");
    }
}

#[tokio::test]
async fn who_resolves_their_own_threads_waits_for_the_author_still() {
    for forge in BOTH {
        let mut house = House::new().await;
        let (change, threads, who) = asked(&mut house, forge).await;
        for thread in threads {
            house.sandbox.resolve_thread(&change, &who, thread).unwrap();
        }
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}");
    }
}
