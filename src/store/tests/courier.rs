use super::*;

#[tokio::test]
async fn of_two_actions_of_one_kind_the_newer_goes_out() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("old")], minute(0)).await;
    want(store, 1, vec![status("new")], minute(1)).await;
    let items = claim(store, minute(1), 10).await;
    assert_eq!(items.len(), 1);
    assert_eq!((&items[0].action, items[0].generation), (&status("new"), 2));
    assert_eq!((items[0].attempts, items[0].created_at), (1, minute(1)));
    assert_eq!(items[0].leased_until, minute(6));
    store.settle(&items[0], done(), minute(1)).await.unwrap();
    assert!(store.outbox_list(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_action_replaced_while_it_is_out_goes_out_again_and_not_at_the_same_time() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("old")], minute(0)).await;
    let old = claim(store, minute(0), 10).await.remove(0);
    want(store, 1, vec![status("new")], minute(1)).await;
    assert!(claimed(store, minute(1)).await.is_empty(), "the old one is still out");
    let comment = Some((STATUS_MARKER.to_owned(), u64::MAX - 5));
    store.settle(&old, Settlement::Done { comment, facts: vec![] }, minute(2)).await.unwrap();
    assert_eq!(store.comment_of(&old, STATUS_MARKER).await.unwrap(), Some(u64::MAX - 5));
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(2)));
    let new = claim(store, minute(2), 10).await.remove(0);
    assert_eq!((&new.action, new.attempts, new.outcome_unknown), (&status("new"), 1, false));
}

#[tokio::test]
async fn an_unknown_outcome_stays_unknown_for_the_newer_content() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("old")], minute(0)).await;
    let old = claim(store, minute(0), 10).await.remove(0);
    want(store, 1, vec![status("new")], minute(0)).await;
    store.settle(&old, retry(minute(50), true), minute(1)).await.unwrap();
    let new = claim(store, minute(1), 10).await.remove(0);
    assert_eq!((&new.action, new.outcome_unknown), (&status("new"), true));

    store.settle(&new, retry(minute(5), true), minute(1)).await.unwrap();
    want(store, 1, vec![status("newest")], minute(2)).await;
    let newest = claim(store, minute(2), 10).await.remove(0);
    assert_eq!((newest.attempts, newest.outcome_unknown), (1, true), "not lost by a replacement either");
}

#[tokio::test]
async fn retries_wait_and_are_counted_unless_told_not_to() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("x")], minute(0)).await;
    let item = claim(store, minute(0), 10).await.remove(0);
    store.settle(&item, retry(minute(3), false), minute(0)).await.unwrap();
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(3)));
    assert!(claimed(store, minute(2)).await.is_empty());
    let row = store.outbox_list(10).await.unwrap().remove(0);
    assert_eq!((row.error.as_deref(), row.attempts), (Some("502 from the forge"), 1));
    assert_eq!(row.state, OutboxState::Pending { run_at: minute(3) });

    let item = claim(store, minute(3), 10).await.remove(0);
    assert_eq!((item.attempts, item.outcome_unknown), (2, false));
    let wait = Settlement::Retry {
        at: minute(9),
        error: "429".into(),
        outcome_unknown: false,
        counts: false,
        facts: vec![],
    };
    store.settle(&item, wait, minute(3)).await.unwrap();
    assert_eq!(claim(store, minute(9), 10).await[0].attempts, 2);
}

#[tokio::test]
async fn one_at_a_time_per_change_files_and_shape_first() {
    let home = Home::new().await;
    let store = &home.store;
    want(
        store,
        1,
        vec![status("x"), ping("a", "rita"), shape(), Action::ReadFiles { codeowners: None }],
        minute(0),
    )
    .await;
    want(store, 2, vec![ping("b", "rita")], minute(0)).await;
    assert_eq!(claim(store, minute(0), 0).await, []);
    let mut order = Vec::new();
    for _ in 0..5 {
        let items = claim(store, minute(0), 10).await;
        order.extend(items.iter().map(|item| format!("{}/{}", item.change.number, item.kind)));
        assert!(claimed(store, minute(0)).await.is_empty(), "while one is out, the others wait");
        for item in &items {
            store.settle(item, done(), minute(0)).await.unwrap();
        }
    }
    assert_eq!(order, ["1/files", "2/ping:b", "1/shape", "1/ping:a", "1/status"]);
}

#[tokio::test]
async fn nothing_overtakes_a_shape_that_waits_for_its_retry() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![shape(), status("x"), ping("a", "rita")], minute(0)).await;
    let item = claim(store, minute(0), 10).await.remove(0);
    store.settle(&item, retry(minute(10), false), minute(0)).await.unwrap();
    assert!(claimed(store, minute(5)).await.is_empty());
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(10)));
    let item = claim(store, minute(10), 10).await.remove(0);
    store.settle(&item, Settlement::Dead { error: "403".into(), facts: vec![] }, minute(10)).await.unwrap();
    let item = claim(store, minute(10), 10).await.remove(0);
    assert_eq!(item.kind, "ping:a", "a dead letter blocks nobody");
    store.settle(&item, retry(minute(30), false), minute(10)).await.unwrap();
    assert_eq!(claimed(store, minute(11)).await, ["1/status"], "comments do not wait for each other");
}

#[tokio::test]
async fn what_the_world_said_is_decided_before_the_next_action_goes_out() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![shape(), status("x")], minute(0)).await;
    let item = claim(store, minute(0), 10).await.remove(0);
    let answer = Settlement::Done { comment: None, facts: vec![refused(9)] };
    store.settle(&item, answer, minute(1)).await.unwrap();
    assert!(claimed(store, minute(1)).await.is_empty());
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), None);
    let inbox = store.undecided(minute(1), 10).await.unwrap();
    assert_eq!((inbox.len(), &inbox[0].facts[..]), (1, &[refused(9)][..]));
    let commit = Commit { inbox: vec![inbox[0].id], ..keep(review(1, &[]), None, Vec::new()) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(0)));
    assert_eq!(claimed(store, minute(1)).await, ["1/status"]);
}

#[tokio::test]
async fn leases_come_back_with_unknown_outcome() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("x")], minute(0)).await;
    let lost = claim(store, minute(0), 10).await.remove(0);
    assert!(claimed(store, minute(4)).await.is_empty());
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(5)));
    let again = claim(store, minute(5), 10).await.remove(0);
    assert_eq!((again.attempts, again.outcome_unknown), (2, true));

    store.settle(&lost, retry(minute(99), false), minute(6)).await.unwrap();
    let row = store.outbox_list(10).await.unwrap().remove(0);
    assert_eq!(row.state, OutboxState::Leased { until: minute(10) }, "who lost the lease moves nothing");

    let home = home.reopen().await;
    assert_eq!(home.store.release_leases().await.unwrap(), 1);
    let last = claim(&home.store, minute(6), 10).await.remove(0);
    assert_eq!((last.attempts, last.outcome_unknown), (3, true));
}

#[tokio::test]
async fn a_lost_lease_behind_a_newer_shape_is_not_forgotten() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("x")], minute(0)).await;
    assert_eq!(claimed(store, minute(0)).await, ["1/status"]);
    want(store, 1, vec![shape()], minute(1)).await;
    assert_eq!(
        store.next_outbox_due_of("gitlab", &[]).await.unwrap(),
        Some(minute(5)),
        "when the status is given back"
    );
    let shape = claim(store, minute(5), 10).await.remove(0);
    assert_eq!(shape.kind, "shape");
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(10)));
    store.settle(&shape, done(), minute(6)).await.unwrap();
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(5)));
    assert!(claim(store, minute(6), 10).await[0].outcome_unknown);
}

#[tokio::test]
async fn dead_letters_are_kept_retried_and_replaced() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("x")], minute(0)).await;
    let item = claim(store, minute(0), 10).await.remove(0);
    store
        .settle(&item, Settlement::Dead { error: "403 Forbidden".into(), facts: vec![] }, minute(1))
        .await
        .unwrap();
    assert!(claimed(store, minute(99)).await.is_empty());
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.pending, counts.dead), (0, 1));
    let row = store.outbox_list(10).await.unwrap().remove(0);
    assert_eq!(row.state, OutboxState::Dead { since: minute(1) });
    assert_eq!(row.error.as_deref(), Some("403 Forbidden"));

    assert!(store.retry_dead(row.id).await.unwrap());
    assert!(!store.retry_dead(row.id).await.unwrap(), "it is not dead any more");
    let item = claim(store, minute(1), 10).await.remove(0);
    assert_eq!(item.attempts, 1);
    store
        .settle(&item, Settlement::Dead { error: "403 Forbidden".into(), facts: vec![] }, minute(2))
        .await
        .unwrap();
    want(store, 1, vec![status("y")], minute(3)).await;
    let item = claim(store, minute(3), 10).await.remove(0);
    assert_eq!((&item.action, item.attempts), (&status("y"), 1));
    assert_eq!(store.counts().await.unwrap().dead, 0);
}

fn reply(key: &str) -> Action {
    Action::Comment(Comment::Reply { key: key.into(), body: String::new() })
}

fn removing() -> Action {
    let not_reviewers = [Account::new(9, "rita")].into();
    Action::Desired(DesiredState { not_reviewers, ..DesiredState::default() })
}

#[tokio::test]
async fn answers_go_first_then_pings_and_removals_then_openings_then_edits() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![status("x")], minute(0)).await;
    let first = claim(store, minute(0), 1).await.remove(0);
    let comment = Some((STATUS_MARKER.to_owned(), 1));
    store.settle(&first, Settlement::Done { comment, facts: vec![] }, minute(0)).await.unwrap();
    for (number, action) in [
        (1, status("edited")),
        (2, status("first")),
        (3, removing()),
        (4, ping("a", "rita")),
        (5, reply("r")),
    ] {
        want(store, number, vec![action], minute(i64::try_from(number).unwrap())).await;
    }
    want(store, 6, vec![shape(), status("behind its shape"), reply("r")], minute(9)).await;
    let mut order = Vec::new();
    while let Some(item) = store.claim_next("gitlab", minute(9), &Within::ALL).await.unwrap() {
        order.push(format!("{}/{}", item.change.number, item.kind.split(':').next().unwrap()));
        store.settle(&item, done(), minute(9)).await.unwrap();
    }
    let lifted = ["5/reply", "6/shape", "6/reply"];
    assert_eq!(order[..3], lifted, "what an answer waits for is as urgent");
    assert_eq!(order[3..], ["3/shape", "4/ping", "2/status", "6/status", "1/status"]);
}

#[tokio::test]
async fn only_what_is_urgent_enough_and_of_no_project_that_rests_is_handed_out() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![shape()], minute(0)).await;
    want(store, 2, vec![ping("a", "rita")], minute(1)).await;
    let resting = ["acme/tools/shop".to_owned()];
    let none = Within { least: OutboxUrgency::Edit, not_of: &resting };
    assert_eq!(store.claim_next("gitlab", minute(9), &none).await.unwrap(), None);
    assert_eq!(store.next_outbox_due_of("gitlab", &resting).await.unwrap(), None);
    assert_eq!(store.claim_next("github", minute(9), &Within::ALL).await.unwrap(), None);
    let longer = ["acme/tools/shop/inner".to_owned(), "acme/tools".to_owned()];
    let urgent = Within { least: OutboxUrgency::Ping, not_of: &longer };
    let item = store.claim_next("gitlab", minute(9), &urgent).await.unwrap().unwrap();
    assert_eq!(item.kind, "ping:a", "though the other waits longer");
    assert_eq!(store.claim_next("gitlab", minute(9), &urgent).await.unwrap(), None);
}

#[tokio::test]
async fn what_fails_for_long_holds_up_the_rest_no_more_and_is_told_of() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![shape(), status("x")], minute(0)).await;
    for attempt in 1..=6 {
        let item = store.claim_next("gitlab", minute(attempt), &Within::ALL).await.unwrap().unwrap();
        assert_eq!((item.kind.as_str(), item.attempts), ("shape", u32::try_from(attempt).unwrap()));
        assert_eq!(claimed(store, minute(attempt)).await, [""; 0]);
        let facts = if attempt == 6 { vec![refused(7)] } else { vec![] };
        let at = minute(attempt + 1);
        let retry =
            Settlement::Retry { at, error: "404".into(), outcome_unknown: false, counts: true, facts };
        store.settle(&item, retry, minute(attempt)).await.unwrap();
    }
    assert_eq!(claimed(store, minute(6)).await, [""; 0], "first what failed is decided on");
    let inbox = store.undecided(minute(6), 9).await.unwrap();
    assert_eq!(inbox[0].facts, [refused(7)]);
    let commit = Commit { inbox: vec![inbox[0].id], ..keep(review(1, &[]), None, Vec::new()) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.next_outbox_due_of("gitlab", &[]).await.unwrap(), Some(minute(0)));
    assert_eq!(claimed(store, minute(6)).await, ["1/status"]);
}
