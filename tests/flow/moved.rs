//! Projects that are renamed, archived, deleted or hidden while reviews are open in them.

use jiff::SignedDuration;
use usher::store::Commit;
use usher_core::model::change::{ChangeKey, ChangeState};
use usher_core::model::review::{Review, Stage};
use usher_core::model::unreachable::UnreachableWhy;
use usher_sandbox::{Access, ChangeRef, Forge, Verdict};

use super::harness::{BOT, BOTH, House, key, project};

const NEW: &str = "acme/store";

impl House {
    /// Sweeps with a roll call, as after news of a project.
    async fn roll_call(&mut self, forge: Forge) {
        self.minute().await;

        self.sweep_of(forge, true).await.unwrap();
        self.quiet().await;
        self.minute().await;
    }

    async fn stored(&self, change: &ChangeKey) -> Option<Review> {
        self.service.store.load(change).await.unwrap().map(|stored| stored.review)
    }
}

fn renamed(change: &ChangeRef) -> ChangeRef {
    ChangeRef { project: NEW.into(), ..change.clone() }
}

#[tokio::test]
async fn a_renamed_project_takes_its_reviews_along() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        house.sandbox.rename_project(forge, project(forge), NEW);
        house.roll_call(forge).await;
        let moved = renamed(&change);
        let review = house.stored(&key(&moved)).await.expect("a review under the new name");
        assert_eq!(
            house.stored(&key(&change)).await,
            Some(review.clone()),
            "{forge:?}: the old one leads to it"
        );
        assert_eq!(review.change, key(&moved), "{forge:?}");
        assert_eq!((review.done.stage, review.seen.unreachable), (Stage::Reviewing, None), "{forge:?}");

        house.sandbox.review(&moved, &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        assert_eq!(house.stage(&moved).await, Stage::ReadyToMerge, "{forge:?}");
        house.assert_one_status_comment(&moved);
        let history = house.service.store.ledger(&key(&moved), 100).await.unwrap();
        assert!(history.len() >= 3, "its history went with it: {}", history.len());
        assert_eq!(house.service.store.counts().await.unwrap().dead, 0, "{forge:?}");
    }
}

#[tokio::test]
async fn news_under_a_new_name_is_known_at_the_door() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        // Nobody tells of the new name (GitLab never does), and no roll call comes in between.
        house.sandbox.lose_next(forge, u32::from(forge == Forge::Github));
        house.sandbox.rename_project(forge, project(forge), NEW);
        let moved = renamed(&change);
        house.sandbox.review(&moved, &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        assert_eq!(house.stage(&moved).await, Stage::ReadyToMerge, "{forge:?}");
        assert_eq!(house.review(&change).await.change, key(&moved), "{forge:?}");
        house.assert_one_status_comment(&moved);
        assert_eq!(
            house.reviewers(&moved).len(),
            usize::from(forge == Forge::Gitlab),
            "nobody else is asked"
        );
    }
}

#[tokio::test]
async fn an_archived_project_pauses_its_reviews_until_it_is_opened_again() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.sandbox.archive_project(forge, project(forge), true);
        house.roll_call(forge).await;
        let review = house.review(&change).await;
        assert_eq!(review.seen.unreachable.map(|lost| lost.why), Some(UnreachableWhy::Archived), "{forge:?}");
        assert_eq!(
            (review.done.stage, review.seen.state),
            (Stage::Reviewing, ChangeState::Open),
            "{forge:?}"
        );
        house.sandbox.clear_requests();
        house.pass(SignedDuration::from_hours(72)).await;
        assert_eq!(house.asked(), [""; 0], "{forge:?}: nobody is reminded, and nothing is tried in vain");
        house.sandbox.archive_project(forge, project(forge), false);
        house.roll_call(forge).await;
        assert_eq!(house.review(&change).await.seen.unreachable, None, "{forge:?}");
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}");
    }
}

#[tokio::test]
async fn a_hidden_or_deleted_project_closes_its_reviews_after_a_day_and_they_come_back_with_it() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.sandbox.remove_member(forge, project(forge), BOT);
        for _ in 0..3 {
            house.roll_call(forge).await;
            assert_eq!(house.review(&change).await.seen.state, ChangeState::Open, "{forge:?}: not at once");
        }
        house.sandbox.clear_requests();
        house.pass(SignedDuration::from_hours(25)).await;
        assert_eq!(house.asked(), [""; 0], "{forge:?}: nothing is tried in vain");
        house.roll_call(forge).await;
        let review = house.review(&change).await;
        assert_eq!((review.done.stage, review.seen.state), (Stage::Done, ChangeState::Closed), "{forge:?}");
        let open = house.service.store.counts().await.unwrap();
        assert_eq!(open.dead, 0, "{forge:?}");

        house.sandbox.add_member(forge, project(forge), BOT, Access::MAINTAIN);
        house.roll_call(forge).await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}: it is seen again, and goes on");
        house.assert_one_status_comment(&change);

        house.sandbox.delete_project(forge, project(forge));
        house.roll_call(forge).await;
        assert_eq!(
            house.review(&change).await.seen.unreachable.map(|lost| lost.why),
            Some(UnreachableWhy::Hidden),
            "{forge:?}"
        );
    }
}

#[tokio::test]
async fn a_change_that_ended_unheard_is_found_by_the_roll_call() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.sandbox.lose_next(forge, 9);
        house.sandbox.close(&change, "sam").unwrap();
        house.roll_call(forge).await;
        assert_eq!(house.stage(&change).await, Stage::Done, "{forge:?}");
        assert_eq!(house.review(&change).await.seen.unreachable, None, "{forge:?}");
    }
}

#[tokio::test]
async fn a_roll_call_that_has_seen_enough_goes_on_where_it_was() {
    let mut house = House::new().await;
    let gone = |number| ChangeKey::new("gitlab", "acme/gone", number);
    for number in 1..=250 {
        let mut review = Review::new(gone(number));
        review.tracked = true;
        let commit = Commit { review: Some(review), ..Commit::empty(gone(number), house.clock.now()) };
        house.service.store.commit(commit).await.unwrap();
    }
    let mut lost = Vec::new();
    for _ in 0..4 {
        house.roll_call(Forge::Gitlab).await;
        let mut count = 0;
        for number in 1..=250 {
            let review = house.stored(&gone(number)).await.unwrap();
            count += usize::from(review.seen.unreachable.is_some());
        }
        lost.push(count);
    }
    assert_eq!(lost, [100, 200, 250, 250]);
}
