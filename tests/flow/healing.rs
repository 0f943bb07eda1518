//! What goes wrong between Usher and a forge, on a virtual clock: lost webhooks, lost answers, rate
//! limits, refusals.

use jiff::{SignedDuration, Timestamp};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge, Sandbox, Verdict};

use super::harness::{BOT, BOTH, House, name};
use super::life::{full_life, portrait};
use super::server::until;

/// The path of a new comment, and of the write that sets labels.
fn comments(forge: Forge) -> &'static str {
    if forge == Forge::Gitlab { "/notes" } else { "/comments" }
}

fn labels(forge: Forge) -> (&'static str, &'static str) {
    if forge == Forge::Gitlab { ("POST", "/api/graphql") } else { ("POST", "/labels") }
}

/// One reviewer of the pool, one status comment, the label of the stage.
async fn assert_in_review(house: &House, change: &ChangeRef) {
    assert_eq!(house.stage(change).await, Stage::Reviewing);
    let reviewer = house.reviewer(change);
    assert!(["rita", "ravi"].contains(&reviewer.as_str()), "{reviewer}");
    house.assert_one_status_comment(change);
    let labels = house.seen(change).labels;
    assert!(labels.contains(&"support-review::reviewing".to_owned()), "{labels:?}");
}

#[tokio::test]
async fn a_lost_webhook_is_made_good_by_the_next_sweep() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.lose_next(forge, 1);
        let change = house.opened(forge, "sam").await;
        assert!(house.reviewers(&change).is_empty(), "nobody told Usher");
        house.sweep().await;
        house.quiet().await;
        assert_in_review(&house, &change).await;
        house.minute().await;

        // An approval is lost as well.
        let who = house.reviewer(&change);
        house.sandbox.lose_next(forge, 9);
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        house.minute().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing);
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");
        house.assert_one_status_comment(&change);
        house.minute().await;

        house.sandbox.lose_next(forge, 9);
        house.sandbox.merge(&change, &who).unwrap();
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Done, "{forge:?}");
        house.sandbox.clear_requests();
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.sandbox.writes(), 0, "a sweep that finds no news writes nothing");
    }
}

/// On the first day most changes are like this one.
#[tokio::test]
async fn what_was_said_before_usher_came_counts() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.lose_next(forge, 99);
        let change = house.opened(forge, "sam").await;
        house.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
        house.minute().await;
        house.sandbox.review(&change, "rita", Verdict::RequestChanges, "Not yet.").unwrap();
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::WithAuthor, "{forge:?}");
        let seen = house.seen(&change);
        assert!(seen.comments_by(BOT).iter().all(|comment| !comment.body.contains("@rita")), "{forge:?}");
    }
}

/// Found by the simulation: whatever else is told of a change hides a verdict of which nobody told.
#[tokio::test]
async fn a_lost_approval_is_heard_although_other_news_came_later() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.minute().await;
        let who = house.reviewer(&change);
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        // Whatever tells of it is lost.
        assert!(!house.sandbox.take_pending().is_empty());
        house.minute().await;
        house.sandbox.comment(&change, "sam", "Thanks for the quick look!").unwrap();
        house.minute().await;
        house.sandbox.add_label(&change, "lena", "bug").unwrap();
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");
    }
}

/// The first sweep of the house found nothing, and no other has been since.
#[tokio::test]
async fn what_ends_unheard_in_a_house_that_was_empty_is_seen_by_the_next_sweep() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.sandbox.lose_next(forge, 9);
        house.sandbox.merge(&change, "lena").unwrap();
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Done, "{forge:?}");
    }
}

/// Found by the simulation: a change that is as old as its newest news was taken for one that nobody has touched.
#[tokio::test]
async fn a_lost_approval_is_heard_that_was_given_seconds_after_the_opening() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.open(forge, "sam");
        house.quiet().await;
        house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(2));
        let who = house.reviewer(&change);
        house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
        assert!(!house.sandbox.take_pending().is_empty());
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");
    }
}

/// Found by the simulation: whoever may approve on GitLab need not be a reviewer.
#[tokio::test]
async fn a_lost_approval_of_somebody_who_was_not_asked_is_heard_and_that_it_was_taken_back() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.minute().await;
        let asked = house.reviewer(&change);
        let other = ["rita", "ravi"].into_iter().find(|one| *one != asked).unwrap();
        house.sandbox.review(&change, other, Verdict::Approve, "").unwrap();
        assert!(!house.sandbox.take_pending().is_empty());
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::ReadyToMerge, "{forge:?}");

        house.minute().await;
        match forge {
            Forge::Gitlab => house.sandbox.unapprove(&change, other).unwrap(),
            Forge::Github => house.sandbox.dismiss_review(&change, "lena", other).unwrap(),
        }
        assert!(!house.sandbox.take_pending().is_empty());
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&change).await, Stage::Reviewing, "{forge:?}");
    }
}

/// Found by the simulation: what was still to be done when a change was closed is done.
#[tokio::test]
async fn who_declined_just_before_a_change_was_closed_comes_off() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.minute().await;
        let who = house.reviewer(&change);
        house.sandbox.comment(&change, &who, "@usher decline").unwrap();
        house.sandbox.close(&change, "sam").unwrap();
        house.quiet().await;
        assert!(!house.reviewers(&change).contains(&who), "{forge:?}");
    }
}

/// Found by the simulation: whom Usher had chosen and not yet asked, it does not take off.
#[tokio::test]
async fn whom_usher_had_not_asked_yet_stays_on_as_a_person_wants() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.open(forge, "sam");
        let hear = async || {
            house.sandbox.deliver_pending().await;
            house.service.engine.drain().await.unwrap();
        };
        hear().await;
        let who = house.review(&change).await.active().next().unwrap().person.clone();
        house.sandbox.comment(&change, &who, "@usher decline no time").unwrap();
        hear().await;
        house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(5));
        // Nothing has gone out so far. Of this nobody tells.
        house.sandbox.request_reviewer(&change, "sam", &who).unwrap();
        assert!(!house.sandbox.take_pending().is_empty());
        house.minute().await;
        assert!(house.reviewers(&change).contains(&who), "{forge:?}");
        house.sweep().await;
        house.quiet().await;
        assert!(house.reviewers(&change).contains(&who), "{forge:?}");
        assert!(house.review(&change).await.active().any(|own| own.person == who), "{forge:?}: asked again");
    }
}

/// Found by the simulation: nobody told that a reviewer was asked, nor that somebody took them off, and what a
/// third person did showed the list without them. Whoever waits for them would wait for ever.
#[tokio::test]
async fn who_was_asked_and_is_shown_by_no_list_is_looked_for_by_a_sweep() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.review(&change).await.active().next().unwrap().person.clone();
        house.sandbox.comment(&change, &who, "@usher decline no time").unwrap();
        house.sandbox.deliver_pending().await;
        house.service.engine.drain().await.unwrap();
        house.service.courier.drain().await.unwrap();
        let next = house.review(&change).await.active().next().unwrap().person.clone();
        assert_ne!(next, who, "{forge:?}");
        assert!(house.reviewers(&change).contains(&next), "{forge:?}");
        assert!(!house.sandbox.take_pending().is_empty(), "of this nobody tells");
        house.sandbox.remove_reviewer(&change, "sam", &next).unwrap();
        assert!(!house.sandbox.take_pending().is_empty(), "nor of this");
        house.minute().await;
        house.sandbox.request_reviewer(&change, "sam", "siobhan").unwrap();
        house.quiet().await;
        house.sweep().await;
        house.quiet().await;
        let asked = house.review(&change).await.active().any(|own| own.person == next);
        assert_eq!(house.reviewers(&change).contains(&next), asked, "{forge:?}");
    }
}

/// What a sweep read before our own write and tells after it, whether or not our write was told of meanwhile,
/// is no person's wish to have the one back who declined.
#[tokio::test]
async fn a_list_from_before_our_write_that_is_decided_after_it_brings_nobody_back() {
    for (forge, told) in BOTH.into_iter().flat_map(|forge| [(forge, true), (forge, false)]) {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        house.minute().await;
        house.sandbox.comment(&change, &who, "@usher decline no time").unwrap();
        house.sandbox.deliver_pending().await;
        house.service.engine.drain().await.unwrap();
        let key = ChangeKey::new(name(forge), &change.project, change.number);
        let client = house.service.clients.iter().find(|client| client.name() == name(forge)).unwrap();
        let before = Fact::Swept { snapshot: client.observe(&key).await.unwrap() };
        house.clock.advance_to(house.clock.now() + SignedDuration::from_secs(5));
        house.service.courier.drain().await.unwrap();
        assert!(!house.reviewers(&change).contains(&who), "{forge:?}");
        if told {
            house.sandbox.deliver_pending().await;
            house.service.engine.drain().await.unwrap();
        } else {
            assert!(!house.sandbox.take_pending().is_empty());
        }
        house.service.store.put_facts(&key, &[before], house.clock.now()).await.unwrap();
        house.service.engine.drain().await.unwrap();
        house.minute().await;
        house.sweep().await;
        house.quiet().await;
        assert!(!house.review(&change).await.active().any(|own| own.person == who), "{forge:?}, told {told}");
        assert!(!house.reviewers(&change).contains(&who), "{forge:?}, told {told}");
    }
}

#[tokio::test]
async fn bad_gateways_and_lost_connections_lead_to_one_comment_and_one_reviewer() {
    let faults = [
        Fault::status(502, "Bad Gateway"),
        Fault::DropConnectionBeforeApplying,
        Fault::DropConnectionAfterApplying,
    ];
    for forge in BOTH {
        for fault in &faults {
            for (method, path) in
                [labels(forge), ("POST", comments(forge)), ("POST", "/requested_reviewers"), ("GET", "")]
            {
                let mut house = House::new().await;
                house.sandbox.fail_next(forge, method, path, fault.clone(), 2);
                let change = house.opened(forge, "sam").await;
                house.pass(SignedDuration::from_mins(5)).await;
                assert_in_review(&house, &change).await;
                let dead = house.service.store.counts().await.unwrap().dead;
                assert_eq!(dead, 0, "{forge:?} {fault:?} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_life_in_which_every_answer_to_a_write_is_lost_once_ends_the_same() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = full_life(&mut house, forge).await;
        let expected = portrait(&house, &change).await;

        let mut house = House::new().await;
        house.disturb = Box::new(move |sandbox: &Sandbox| {
            sandbox.clear_faults();
            for method in ["PUT", "PATCH", "POST", "DELETE"] {
                sandbox.fail_next(forge, method, "", Fault::DropConnectionAfterApplying, 1);
            }
        });
        let change = house.open(forge, "sam");
        house.pass(SignedDuration::from_mins(3)).await;
        let who = house.reviewer(&change);
        for act in 0..4 {
            match act {
                0 => house.sandbox.review(&change, &who, Verdict::RequestChanges, "A test, please.").unwrap(),
                1 => house.sandbox.push(&change, "sam").unwrap(),
                2 => house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap(),
                _ => house.sandbox.merge(&change, &who).unwrap(),
            }
            house.pass(SignedDuration::from_mins(5)).await;
        }
        let mut ended = portrait(&house, &change).await;
        // It took longer, and the comment says how long.
        ended.status_comment.clone_from(&expected.status_comment);
        assert_eq!(ended, expected, "{forge:?}");
    }
}

/// When the writes so far reached the forge.
fn writes(house: &House) -> Vec<(Timestamp, Option<u16>)> {
    let requests = house.sandbox.requests().into_iter().filter(|request| !request.is_read());
    requests.map(|request| (request.at, request.status)).collect()
}

#[tokio::test]
async fn after_429_nothing_is_sent_before_retry_after_has_passed() {
    for (forge, status) in [(Forge::Gitlab, 429), (Forge::Github, 429), (Forge::Github, 403)] {
        for (method, path) in [labels(forge), ("POST", comments(forge))] {
            let mut house = House::new().await;
            house.sandbox.fail_next(forge, method, path, Fault::retry_after(status, 137), 1);
            let change = house.open(forge, "sam");
            house.quiet().await;
            let limited = house.sandbox.requests().last().unwrap().clone();
            assert_eq!(limited.status, Some(status), "the limit is the last that was heard");
            let known = house.sandbox.requests().len();
            // Another change asks for attention meanwhile: the whole forge is left alone.
            let other = house.open(forge, "siobhan");
            house.pass(SignedDuration::from_secs(136)).await;
            assert_eq!(house.sandbox.requests().len(), known, "{forge:?} {status}: not a request before");
            house.pass(SignedDuration::from_secs(30)).await;
            let after = &house.sandbox.requests()[known..];
            assert!(!after.is_empty());
            let earliest = limited.at + SignedDuration::from_secs(137);
            assert!(after.iter().all(|request| request.at >= earliest), "{after:?}");
            house.minute().await;
            for change in [&change, &other] {
                assert_in_review(&house, change).await;
            }
            let dead = house.service.store.counts().await.unwrap().dead;
            assert_eq!(dead, 0, "waiting is no failure");
        }
    }
}

#[tokio::test]
async fn github_writes_are_paced_whatever_the_load() {
    let mut house = House::with(super::harness::Settings { capacity: 500, ..Default::default() }).await;
    for _ in 0..40 {
        house.open(Forge::Github, "sam");
    }
    house.pass(SignedDuration::from_mins(5)).await;
    let times: Vec<Timestamp> = writes(&house).into_iter().map(|(at, _)| at).collect();
    // Three for each, and two labels that are made.
    assert_eq!(times.len(), 122);
    for (at, later) in times.iter().zip(times.iter().skip(80)) {
        assert!(later.duration_since(*at) >= SignedDuration::from_secs(60), "more than 80 within a minute");
    }
    for change in house.sandbox.changes(Forge::Github) {
        assert_in_review(&house, &change).await;
    }
}

#[tokio::test]
async fn reviewers_whom_a_person_adds_after_the_decision_are_kept() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.open(forge, "sam");
        house.sandbox.deliver_pending().await;
        house.service.engine.drain().await.unwrap();
        // Decided, not yet done; and now a person is quicker, and nobody has told Usher.
        house.sandbox.request_reviewer(&change, "sam", "dora").unwrap();
        house.sandbox.add_label(&change, "dora", "bug").unwrap();
        house.service.courier.drain().await.unwrap();
        let asked = house.reviewers(&change);
        assert!(asked.contains(&"dora".to_owned()) && asked.len() == 2, "{forge:?}: {asked:?}");
        house.minute().await;
        assert_eq!(house.reviewers(&change), asked, "{forge:?}");
        assert!(house.seen(&change).labels.contains(&"bug".to_owned()), "{forge:?}");
        house.assert_one_status_comment(&change);
    }
}

/// Somebody adds Dora between our read and our write.
async fn added_between_read_and_write(forge: Forge) -> Vec<String> {
    let mut house = House::new().await;
    let change = house.open(forge, "sam");
    house.sandbox.deliver_pending().await;
    house.service.engine.drain().await.unwrap();
    let (method, path) = labels(forge);
    house.sandbox.fail_next(forge, method, path, Fault::Delay(std::time::Duration::from_secs(1)), 1);
    let (courier, clock) = (house.service.courier.clone(), house.clock.clone());
    let performing = tokio::spawn(async move { courier.drain().await.unwrap() });
    until("the read is done", async || house.sandbox.reads() == 1).await;
    house.sandbox.request_reviewer(&change, "sam", "dora").unwrap();
    until("the write is done", async || {
        clock.advance_to(clock.now() + SignedDuration::from_secs(1));
        performing.is_finished()
    })
    .await;
    house.minute().await;
    house.reviewers(&change)
}

#[tokio::test]
async fn a_reviewer_whom_a_person_adds_between_our_read_and_our_write_is_not_lost_on_github() {
    let asked = added_between_read_and_write(Forge::Github).await;
    assert!(asked.contains(&"dora".to_owned()) && asked.len() == 2, "{asked:?}");
}

#[tokio::test]
async fn a_reviewer_whom_a_person_adds_between_our_read_and_our_write_is_not_lost_on_gitlab() {
    let asked = added_between_read_and_write(Forge::Gitlab).await;
    assert!(asked.contains(&"dora".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_change_that_is_not_shown_does_not_keep_the_others_from_being_healed() {
    for forge in BOTH {
        let mut house = House::new().await;
        let hidden = house.opened(forge, "sam").await;
        let other = house.opened(forge, "sam").await;
        house.sandbox.lose_next(forge, 9);
        for change in [&hidden, &other] {
            let who = house.reviewer(change);
            house.sandbox.review(change, &who, Verdict::Approve, "").unwrap();
        }
        house.minute().await;
        let folder = if forge == Forge::Gitlab { "merge_requests" } else { "pulls" };
        let path = format!("/{folder}/{}", hidden.number);
        house.sandbox.fail_next(forge, "GET", &path, Fault::status(403, "no"), 9);
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.stage(&hidden).await, Stage::Reviewing, "{forge:?}");
        assert_eq!(house.stage(&other).await, Stage::ReadyToMerge, "{forge:?}");
    }
}
