//! Projects that are renamed while something is on its way, renamed back, and whose old name goes to others.

use std::time::Duration;

use jiff::SignedDuration;
use usher::store::OutboxState;
use usher_core::model::reason::Reason;
use usher_core::model::review::Stage;
use usher_sandbox::{Access, ChangeRef, CommentSnapshot, Fault, Forge, HookTarget, NewChange, Verdict};

use super::harness::{BOT, BOTH, House, Settings, key, project};
use super::server::until;

const NEW: &str = "acme/store";

fn called(change: &ChangeRef, project: &str) -> ChangeRef {
    ChangeRef { project: project.into(), ..change.clone() }
}

impl House {
    /// Has the status comment of a new change on its way while `meanwhile` happens, and lets it arrive.
    async fn while_it_is_commented(
        &mut self,
        forge: Forge,
        meanwhile: impl AsyncFn(&House, &ChangeRef),
    ) -> ChangeRef {
        let change = self.open(forge, "sam");
        self.sandbox.deliver_pending().await;
        self.service.engine.drain().await.unwrap();
        let path = if forge == Forge::Gitlab { "/notes" } else { "/comments" };
        self.sandbox.fail_next(forge, "POST", path, Fault::Delay(Duration::from_secs(5)), 1);
        let (courier, clock) = (self.service.courier.clone(), self.clock.clone());
        let performing = tokio::spawn(async move { courier.drain().await.unwrap() });
        let store = &self.service.store;
        until("the comment is on its way", async || {
            let rows = store.outbox_list(9).await.unwrap();
            rows.iter().any(|row| row.kind == "status" && matches!(row.state, OutboxState::Leased { .. }))
        })
        .await;
        meanwhile(self, &change).await;
        until("the comment has arrived", async || {
            clock.advance_to(clock.now() + SignedDuration::from_secs(5));
            performing.is_finished()
        })
        .await;
        change
    }

    /// The project of a change is renamed, and Usher takes in what is told of it.
    async fn rename(&self, change: &ChangeRef, from: &str, to: &str) {
        self.sandbox.rename_project(change.forge, from, to);
        self.sandbox.push(&called(change, to), "sam").unwrap();
        self.sandbox.deliver_pending().await;
        self.service.engine.drain().await.unwrap();
        self.service.engine.tick().await.unwrap();
    }

    /// Nobody has the name any more, so somebody takes it for another project.
    fn take_name(&self, forge: Forge, path: &str) {
        self.sandbox.add_project(forge, path);
        self.sandbox.add_member(forge, path, BOT, Access::MAINTAIN);
        for login in ["rita", "ravi", "lena", "sam", "siobhan"] {
            self.sandbox.add_member(forge, path, login, Access::WRITE);
        }
        if forge == Forge::Gitlab {
            self.add_hook(forge, HookTarget::Project(path.into()));
        }
    }

    async fn reviews(&self) -> u64 {
        self.service.store.counts().await.unwrap().reviews.values().sum()
    }

    /// What is said of a rename, in the history.
    async fn said_of_renames(&self, change: &ChangeRef) -> usize {
        let history = self.service.store.ledger(&key(change), 1_000).await.unwrap();
        let reasons = history.iter().flat_map(|row| &row.entry.reasons);
        reasons.filter(|reason| matches!(reason, Reason::Moved { .. })).count()
    }
}

#[tokio::test]
async fn a_status_comment_that_was_on_its_way_during_a_rename_is_the_only_one() {
    for forge in BOTH {
        let mut house = House::new().await;
        let rename =
            async |house: &House, change: &ChangeRef| house.rename(change, project(forge), NEW).await;
        let change = house.while_it_is_commented(forge, rename).await;
        let moved = called(&change, NEW);
        house.quiet().await;
        let who = house.reviewers(&moved).remove(0);
        house.sandbox.review(&moved, &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        assert_eq!(house.stage(&moved).await, Stage::ReadyToMerge, "{forge:?}");
        house.assert_one_status_comment(&moved);
        assert_eq!((house.reviews().await, house.said_of_renames(&moved).await), (1, 1), "{forge:?}");
        let counts = house.service.store.counts().await.unwrap();
        assert_eq!((counts.dead, counts.pending, counts.undecided), (0, 0, 0), "{forge:?}");
    }
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_found_by_its_marker_after_a_rename() {
    for forge in BOTH {
        let mut house = House::new().await;
        let path = if forge == Forge::Gitlab { "/notes" } else { "/comments" };
        house.sandbox.fail_next(forge, "POST", path, Fault::DropConnectionAfterApplying, 1);
        let change = house.open(forge, "sam");
        house.quiet().await;
        house.rename(&change, project(forge), NEW).await;
        house.minute().await;
        house.assert_one_status_comment(&called(&change, NEW));
        assert_eq!(house.reviews().await, 1, "{forge:?}");
    }
}

#[tokio::test]
async fn a_project_that_is_renamed_and_renamed_back_under_a_comment_is_as_it_was() {
    for forge in BOTH {
        let mut house = House::new().await;
        let rename =
            async |house: &House, change: &ChangeRef| house.rename(change, project(forge), NEW).await;
        let change = house.while_it_is_commented(forge, rename).await;
        house.quiet().await;
        // The comment says something else under the new name, before the old one is back.
        let who = house.reviewers(&called(&change, NEW)).remove(0);
        house.sandbox.review(&called(&change, NEW), &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        house.rename(&change, NEW, project(forge)).await;
        house.minute().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");
        house.assert_one_status_comment(&change);
        assert_eq!((house.reviews().await, house.said_of_renames(&change).await), (1, 2), "{forge:?}");
        let counts = house.service.store.counts().await.unwrap();
        assert_eq!((counts.dead, counts.pending, counts.undecided), (0, 0, 0), "{forge:?}");
    }
}

#[tokio::test]
async fn the_change_of_another_project_with_the_old_name_is_another_change() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        // Nobody tells of the new name (GitLab never does).
        house.sandbox.lose_next(forge, u32::from(forge == Forge::Github));
        house.sandbox.rename_project(forge, project(forge), NEW);
        let moved = called(&change, NEW);
        house.take_name(forge, project(forge));
        house.minute().await;
        let other = house.open_with(forge, NewChange::by("siobhan", "Quite another thing"));
        assert_eq!(other.number, change.number, "{forge:?}");
        house.quiet().await;
        house.minute().await;
        assert_eq!(house.reviews().await, 2, "{forge:?}");
        house.assert_one_status_comment(&other);
        house.assert_one_status_comment(&moved);
        assert_eq!(house.review(&other).await.author.login, "siobhan", "{forge:?}");

        // Of the first one nobody has told since: its reminder finds the way by the project's number.
        house.sandbox.review(&other, &house.reviewer(&other), Verdict::Approve, "").unwrap();
        house.pass(SignedDuration::from_hours(24)).await;
        assert!(house.seen(&moved).comments.len() > 1, "{forge:?}: {who} is reminded where the change is");
        let of_others = |one: &&CommentSnapshot| one.body.contains("ping:reviewing");
        assert_eq!(house.seen(&other).comments_by(BOT).into_iter().filter(of_others).count(), 0, "{forge:?}");
        let review = house.review(&moved).await;
        assert_eq!((review.author.login.as_str(), review.done.stage), ("sam", Stage::Reviewing), "{forge:?}");
        assert_eq!(house.said_of_renames(&moved).await, 1, "{forge:?}");
        house.sandbox.review(&moved, &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        assert_eq!(house.stage(&moved).await, Stage::ReadyToMerge, "{forge:?}");
        assert_eq!(house.reviews().await, 2, "{forge:?}");
    }
}

#[tokio::test]
async fn late_deliveries_under_the_old_name_are_about_the_same_change() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        house.sandbox.comment(&change, &who, "One thing first.").unwrap();
        let late = house.sandbox.take_pending();
        assert!(!late.is_empty());
        house.minute().await;
        house.rename(&change, project(forge), NEW).await;
        house.quiet().await;
        for request in &late {
            assert!(matches!(house.sandbox.send(request).await, Some(200 | 202)), "{forge:?}");
        }
        house.minute().await;
        let moved = called(&change, NEW);
        assert_eq!(
            house.review(&change).await.change,
            key(&moved),
            "{forge:?}: it is called by its new name"
        );
        assert_eq!((house.reviews().await, house.said_of_renames(&moved).await), (1, 1), "{forge:?}");
        house.assert_one_status_comment(&moved);
    }
}

#[tokio::test]
async fn what_is_written_by_a_path_of_which_nobody_told_for_an_hour_is_asked_for_first() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.open(forge, "sam");
        house.sandbox.deliver_pending().await;
        house.service.engine.drain().await.unwrap();
        // Nothing could be written for two hours, and the project is another one by then.
        house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(2));
        house.sandbox.rename_project(forge, project(forge), NEW);
        house.take_name(forge, project(forge));
        let stranger = house.open_with(forge, NewChange::by("rita", "Nothing for support"));
        house.sandbox.take_pending();
        assert_eq!(stranger.number, change.number);
        house.quiet().await;
        assert!(house.comments(&stranger).is_empty() && house.reviewers(&stranger).is_empty(), "{forge:?}");
        assert!(house.seen(&stranger).labels.is_empty(), "{forge:?}");
        house.assert_one_status_comment(&called(&change, NEW));
        house.minute().await;
        house.sandbox.clear_requests();
        house.pass(SignedDuration::from_mins(50)).await;
        assert_eq!(house.asked(), [""; 0], "{forge:?}: once");
    }
}

#[tokio::test]
async fn a_search_that_shows_a_new_path_is_followed_by_one_read() {
    let forge = Forge::Github;
    let mut house = House::with(Settings::default()).await;
    let change = house.opened(forge, "sam").await;
    house.sandbox.lose_next(forge, 9);
    house.sandbox.rename_project(forge, project(forge), NEW);
    let moved = called(&change, NEW);
    house.sandbox.push(&moved, "sam").unwrap();
    house.minute().await;
    house.sweep_of(forge, false).await.unwrap();
    house.quiet().await;
    house.minute().await;
    assert_eq!((house.reviews().await, house.review(&change).await.change), (1, key(&moved)));
    house.assert_one_status_comment(&moved);
    house.sandbox.clear_requests();
    house.sweep_of(forge, false).await.unwrap();
    let reads = house.asked().into_iter().filter(|line| line.contains("/pulls/")).count();
    assert_eq!(reads, 0, "it is remembered");
}
