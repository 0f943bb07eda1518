use super::*;
use usher_core::model::change::{ChangeState, Verdict};
use usher_core::model::reason::Reason;
use usher_core::model::review::{Ended, Stage};

fn waking(number: u64, wake: i64, opened: i64) -> Review {
    let mut own = review(number, &[]);
    own.planned.wake = Some(minute(wake));
    own.seen.opened_at = Some(minute(opened));
    own
}

async fn due(store: &Store, now: i64) -> Vec<u64> {
    store.due(minute(now), 100).await.unwrap().into_iter().map(|change| change.number).collect()
}

#[tokio::test]
async fn a_decision_is_kept_whole_and_read_back() {
    let home = Home::new().await;
    let inbox = put(&home.store, 1, "a").await;
    let mut kept = review(1, &["rita"]);
    kept.done.stage = Stage::Reviewing;
    kept.said.verdicts.entry(account_id("rita")).or_default().apply(Verdict::Commented, minute(3));
    let entry = LedgerEntry {
        at: minute(4),
        fact: "opened".into(),
        reasons: vec![Reason::Ready, Reason::Accepted { person: "rita".into() }],
        actions: vec![status("hello")],
    };
    let commit = Commit {
        inbox: vec![inbox],
        ledger: vec![entry.clone()],
        now: minute(4),
        ..keep(kept.clone(), None, vec![status("hello"), shape()])
    };
    home.store.commit(commit).await.unwrap();

    let home = home.reopen().await;
    let stored = home.store.load(&change(1)).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.review), (1, &kept));
    assert!(stored.unsent, "what is asked for waits in the outbox");
    let shown = Stored { unsent: false, ..stored };
    assert_eq!(home.store.review_by_id(shown.id).await.unwrap(), Some(shown));
    assert!(home.store.is_tracked(&change(1), None).await.unwrap());
    assert!(!home.store.is_tracked(&change(2), None).await.unwrap());
    let ledger = home.store.ledger(&change(1), 10).await.unwrap();
    assert_eq!(ledger.iter().map(|row| row.entry.clone()).collect::<Vec<_>>(), [entry]);
    assert!(undecided(&home.store, minute(9)).await.is_empty());
    assert_eq!(home.store.inbox_row(inbox).await.unwrap().unwrap().decided_at, Some(minute(4)));
    assert_eq!(claimed(&home.store, minute(4)).await, ["1/shape"]);
    // The courier has it now: whoever decided before that decides again.
    assert!(!home.store.load(&change(1)).await.unwrap().unwrap().unsent);
    let late = Commit { unsent: true, ..keep(kept, Some(1), vec![shape()]) };
    assert!(matches!(home.store.commit(late).await, Err(CommitError::Conflict)));
}

#[tokio::test]
async fn another_policy_makes_every_open_review_due_and_a_dry_run_takes_nobodys_turn() {
    let home = Home::new().await;
    let store = &home.store;
    let taken = Commit { first_run_taken: true, ..keep(waking(1, 900, 0), None, Vec::new()) };
    store.commit(taken).await.unwrap();
    assert!(store.judged_by("a", true, minute(1)).await.unwrap(), "the first server");
    assert_eq!(store.due(minute(1), 9).await.unwrap(), [change(1)]);
    assert_eq!(store.workloads(minute(2)).await.unwrap().first_run_taken, 1);

    store.commit(keep(waking(1, 900, 0), Some(1), Vec::new())).await.unwrap();
    let home = home.reopen().await;
    let store = &home.store;
    assert!(!store.judged_by("a", true, minute(2)).await.unwrap(), "the same policy");
    assert!(store.due(minute(2), 9).await.unwrap().is_empty());
    assert!(store.judged_by("a", false, minute(3)).await.unwrap(), "for real now");
    assert_eq!(store.due(minute(3), 9).await.unwrap(), [change(1)]);
    assert_eq!(store.workloads(minute(3)).await.unwrap().first_run_taken, 0);
}

#[tokio::test]
async fn a_conflict_leaves_nothing_behind() {
    let home = Home::new().await;
    let store = &home.store;
    store.commit(keep(review(1, &[]), None, Vec::new())).await.unwrap();
    let inbox = put(store, 1, "a").await;
    let late = |version| Commit {
        inbox: vec![inbox],
        ledger: vec![LedgerEntry { at: minute(0), fact: "x".into(), reasons: vec![], actions: vec![] }],
        ..keep(review(1, &["rita"]), version, vec![ping("k", "rita"), status("x")])
    };
    for version in [None, Some(0), Some(2)] {
        let refused = store.commit(late(version)).await;
        assert!(matches!(refused, Err(CommitError::Conflict)), "{version:?}: {refused:?}");
    }
    assert_eq!(store.load(&change(1)).await.unwrap().unwrap().version, 1);
    assert_eq!(undecided(store, minute(0)).await, [inbox]);
    assert!(store.ledger(&change(1), 10).await.unwrap().is_empty());
    assert!(store.outbox_list(10).await.unwrap().is_empty());
    assert!(store.workloads(minute(0)).await.unwrap().people.is_empty());

    store.commit(late(Some(1))).await.unwrap();
    let again = store.commit(Commit { inbox: vec![inbox], ..keep(review(1, &[]), Some(2), vec![]) }).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "a fact is decided once: {again:?}");
    assert_eq!(store.load(&change(1)).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn not_our_business_only_clears_the_inbox() {
    let home = Home::new().await;
    let inbox = put(&home.store, 1, "a").await;
    let commit = Commit { review: None, inbox: vec![inbox], ..keep(review(1, &[]), None, Vec::new()) };
    home.store.commit(commit).await.unwrap();
    assert!(undecided(&home.store, minute(0)).await.is_empty());
    assert!(!home.store.is_tracked(&change(1), None).await.unwrap());
}

#[tokio::test]
async fn deadlines_come_in_order_and_after_the_facts() {
    let home = Home::new().await;
    let store = &home.store;
    assert_eq!(store.next_wake().await.unwrap(), None);
    for review in [waking(1, 30, 5), waking(2, 20, 9), waking(3, 20, 1), review(4, &[])] {
        store.commit(keep(review, None, Vec::new())).await.unwrap();
    }
    assert_eq!(due(store, 19).await, [0; 0]);
    assert_eq!(due(store, 20).await, [3, 2], "of one deadline the one opened first");
    assert_eq!(due(store, 30).await, [3, 2, 1]);
    assert_eq!(store.due(minute(30), 1).await.unwrap(), [change(3)]);
    assert_eq!(store.next_wake().await.unwrap(), Some(minute(20)));

    let inbox = put(store, 3, "a").await;
    assert_eq!(due(store, 30).await, [2, 1], "the facts of 3 come first");
    store.commit(keep(waking(2, 40, 9), Some(1), Vec::new())).await.unwrap();
    assert_eq!(
        store.next_wake().await.unwrap(),
        Some(minute(30)),
        "3 is not due before its facts are decided"
    );
    let commit = Commit { inbox: vec![inbox], ..keep(waking(3, 25, 1), Some(1), Vec::new()) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.next_wake().await.unwrap(), Some(minute(25)));
}

#[tokio::test]
async fn a_deadline_between_two_milliseconds_is_never_early() {
    let home = Home::new().await;
    let wake = minute(1) + SignedDuration::from_nanos(1);
    let review = {
        let mut own = review(1, &[]);
        own.planned.wake = Some(wake);
        own
    };
    home.store.commit(keep(review, None, Vec::new())).await.unwrap();
    assert_eq!(due(&home.store, 1).await, [0; 0]);
    assert!(home.store.next_wake().await.unwrap().unwrap() >= wake);
}

#[tokio::test]
async fn workloads_are_counted_across_reviews() {
    let home = Home::new().await;
    let store = &home.store;
    let mut second = review(2, &["rita", "ravi"]);
    second.planned.assignments[0].since = minute(7);
    store.commit(keep(review(1, &["rita"]), None, Vec::new())).await.unwrap();
    store.commit(keep(second.clone(), None, Vec::new())).await.unwrap();
    let loads = store.workloads(minute(10)).await.unwrap();
    assert_eq!((loads.of("rita").open.halves() / 2, loads.of("rita").last_asked), (2, Some(minute(7))));
    assert_eq!((loads.of("ravi").open.halves() / 2, loads.of("ravi").last_asked), (1, Some(minute(0))));

    second.said.verdicts.entry(account_id("rita")).or_default().apply(Verdict::Approved, minute(8));
    second.planned.assignments[1].ended = Some((minute(8), Ended::Declined));
    second.planned.assignments.push(Assignment { since: minute(8), ..assignment("rosa") });
    store.commit(keep(second.clone(), Some(1), Vec::new())).await.unwrap();
    let loads = store.workloads(minute(10)).await.unwrap();
    assert_eq!(
        (
            loads.of("rita").open.halves() / 2,
            loads.of("ravi").open.halves() / 2,
            loads.of("rosa").open.halves() / 2
        ),
        (1, 0, 1)
    );

    second.seen.state = ChangeState::Merged;
    second.done.stage = Stage::Done;
    store.commit(keep(second, Some(2), Vec::new())).await.unwrap();
    let home = home.reopen().await;
    let loads = home.store.workloads(minute(10)).await.unwrap();
    assert_eq!(
        (
            loads.of("rita").open.halves() / 2,
            loads.of("ravi").open.halves() / 2,
            loads.of("rosa").open.halves() / 2
        ),
        (1, 0, 0)
    );
    let asked = ["rita", "ravi", "rosa"].map(|name| loads.of(name).last_asked);
    assert_eq!(asked, [Some(minute(7)), Some(minute(0)), Some(minute(8))], "remembered when all is over");
}

#[tokio::test]
async fn who_was_asked_is_counted_by_day_and_once() {
    let home = Home::new().await;
    let day = |days: i64| minute(days * 24 * 60);
    let asked_at = |number, now, since| {
        let mut review = review(number, &["rita"]);
        review.planned.assignments[0].since = since;
        Commit { now, ..keep(review, None, Vec::new()) }
    };
    home.store.commit(asked_at(1, day(0), day(0))).await.unwrap();
    home.store.commit(asked_at(2, day(3), day(3))).await.unwrap();
    let first = asked_at(1, day(3), day(0)).review.unwrap();
    let again = |review: Review, version| Commit { now: day(3), ..keep(review, Some(version), Vec::new()) };
    // Approved, and the approval taken back: busy again, but not asked again.
    let mut approved = first.clone();
    approved.said.verdicts.entry(account_id("rita")).or_default().apply(Verdict::Approved, day(3));
    home.store.commit(again(approved, 1)).await.unwrap();
    assert_eq!(home.store.workloads(day(3)).await.unwrap().of("rita").open.halves() / 2, 1);
    home.store.commit(again(first, 2)).await.unwrap();
    let home = home.reopen().await;
    let rita = home.store.workloads(day(3)).await.unwrap().of("rita");
    assert_eq!((rita.open.halves() / 2, rita.asked.since(day(0)), rita.asked.since(day(1))), (2, 2, 1));
}

#[tokio::test]
async fn pings_and_the_first_run_count_for_a_day() {
    let home = Home::new().await;
    let store = &home.store;
    let hour = |hours: i64| minute(hours * 60);
    let at = |now, number, key: &str| Commit {
        first_run_taken: true,
        now,
        ..keep(review(number, &[]), None, vec![ping(key, "rita")])
    };
    store.commit(at(hour(0), 1, "reviewing:1")).await.unwrap();
    store.commit(at(hour(2), 2, "reviewing:1")).await.unwrap();
    want(store, 2, vec![ping("reviewing:1", "rita")], hour(3)).await;
    let counted = async |now| {
        let loads = store.workloads(now).await.unwrap();
        (loads.of("rita").pings_today, loads.first_run_taken)
    };
    assert_eq!(counted(hour(3)).await, (2, 2), "a ping of the same key replaces its forerunner");
    assert_eq!(counted(hour(24)).await, (1, 1));
    assert_eq!(counted(hour(27)).await, (0, 0));
    store.commit(keep(review(1, &[]), Some(1), Vec::new())).await.unwrap();
    assert_eq!(counted(hour(3)).await.1, 2, "a later commit does not forget it");
}
