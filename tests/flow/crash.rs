//! kill -9 at the worst moments, with the real process: what was acknowledged is not lost, and
//! nothing is done twice.

use jiff::SignedDuration;
use sqlx::{Connection, SqliteConnection};
use usher::clock::Clock;
use usher::store::OutboxState;
use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, Settings, key};
use super::server::{Server, until};

/// One reviewer, one status comment, and nothing else that Usher wrote.
async fn assert_taken_on_once(server: &Server, change: &ChangeRef) {
    server.at_rest().await;
    let reviewer = server.reviewer(change);
    assert!(["rita", "ravi"].contains(&reviewer.as_str()), "{reviewer}");
    server.assert_one_status_comment(change);
    let store = server.store().await;
    let picks = store.ledger(&key(change), 1_000).await.unwrap();
    let picks = picks.iter().flat_map(|row| &row.entry.reasons);
    let picked =
        picks.filter(|reason| matches!(reason, usher_core::model::reason::Reason::Picked { .. })).count();
    assert_eq!(picked, 1, "{change} was decided once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_acknowledged_just_before_kill_9_takes_effect_exactly_once() {
    let mut server = Server::started(Settings::default()).await;
    for round in 0..3 {
        for forge in BOTH {
            let change = server.open(forge, "sam");
            let request = server.the_webhook();
            assert_eq!(server.sandbox.send(&request).await, Some(202), "round {round}");
            server.kill();
            server.start().await;
            assert_taken_on_once(&server, &change).await;
            assert_eq!(server.sandbox.send(&request).await, Some(200), "it is known after the restart");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_as_soon_as_a_request_reaches_the_forge_repeats_nothing() {
    let mut server = Server::started(Settings::default()).await;
    for forge in BOTH {
        // The first request, the second, and so on until the last one of an opening.
        for requests in 1..=4 {
            server.sandbox.clear_requests();
            let change = server.open(forge, "sam");
            assert_eq!(server.deliver().await, [Some(202)]);
            let enough = if forge == Forge::Gitlab { requests.min(3) } else { requests };
            while server.sandbox.requests().len() < enough {
                tokio::task::yield_now().await;
            }
            server.kill();
            server.start().await;
            assert_taken_on_once(&server, &change).await;
        }
    }
}

/// What the courier has under way, by kind.
async fn under_way(server: &Server) -> Vec<String> {
    let store = server.store().await;
    let rows = store.outbox_list(100).await.unwrap();
    let leased = rows.into_iter().filter(|row| matches!(row.state, OutboxState::Leased { .. }));
    leased.map(|row| row.kind).collect()
}

/// The forge takes `action`'s write while the process cannot write it down, and then it is killed.
async fn killed_between_write_and_settle(forge: Forge, action: &str, method: &str, path: &str) {
    // The sandbox's time stands still, so that a delay ends when the test says so.
    let clock = Clock::virtual_at(usher::clock::Clock::system().now());
    let mut server = Server::planned_at(Settings::default(), clock.clone()).await;
    server.start().await;
    server.settled_in().await;
    let change = server.open(forge, "sam");
    server.sandbox.fail_next(forge, method, path, Fault::Delay(std::time::Duration::from_secs(5)), 1);
    assert_eq!(server.deliver().await, [Some(202)]);
    until("the action is under way", async || under_way(&server).await == [action]).await;

    let mut lock =
        SqliteConnection::connect(&format!("sqlite:{}", server.store_path().display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let before = server.sandbox.writes();
    let write_arrives = async || {
        clock.advance_to(clock.now() + SignedDuration::from_secs(1));
        server.sandbox.writes() > before
    };
    until("the forge has taken the write", write_arrives).await;
    server.kill();
    lock.close().await.unwrap();
    assert_eq!(under_way(&server).await, [action], "it was never settled");

    server.start().await;
    assert_taken_on_once(&server, &change).await;
    assert!(server.log().contains("actions under way when the last run ended are taken up again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_between_a_comment_and_its_settlement_posts_no_second_one_on_gitlab() {
    killed_between_write_and_settle(Forge::Gitlab, "status", "POST", "/notes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_between_a_comment_and_its_settlement_posts_no_second_one_on_github() {
    killed_between_write_and_settle(Forge::Github, "status", "POST", "/comments").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_between_a_request_for_review_and_its_settlement_asks_nobody_else() {
    killed_between_write_and_settle(Forge::Gitlab, "shape", "POST", "/graphql").await;
    killed_between_write_and_settle(Forge::Github, "shape", "POST", "/requested_reviewers").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_delivery_is_in_the_store_after_kill_9() {
    const DELIVERIES: usize = 60;
    let mut acknowledged = 0;
    for kill_after in [5, 25, 45] {
        let mut server = Server::started(Settings { capacity: 500, ..Settings::default() }).await;
        for _ in 0..DELIVERIES {
            server.open(Forge::Gitlab, "sam");
        }
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let requests = server.sandbox.take_pending();
        assert_eq!(requests.len(), DELIVERIES);
        let mut sending = tokio::task::JoinSet::new();
        for request in requests {
            let (sandbox, tell) = (server.sandbox.clone(), tell.clone());
            sending.spawn(async move {
                let status = sandbox.send(&request).await;
                let _ = tell.send(());
                (request.delivery_id, status)
            });
        }
        for _ in 0..kill_after {
            told.recv().await.unwrap();
        }
        server.kill();
        let answers = sending.join_all().await;
        let kept = answers.iter().filter(|(_, status)| *status == Some(202));
        let kept: Vec<&String> = kept.map(|(id, _)| id).collect();
        assert!(kept.len() >= kill_after, "{answers:?}");
        acknowledged += kept.len();

        server.start().await;
        let store = server.store().await;
        let inbox = store.inbox_list(10_000).await.unwrap();
        for id in kept {
            let stored = inbox.iter().any(|row| row.delivery_id.as_ref() == Some(id));
            assert!(stored, "{id} was acknowledged and is lost");
        }
        // What was not acknowledged is found by the sweep: nothing at all is lost in the end.
        server.settled_in().await;
        server.at_rest().await;
        for change in server.sandbox.changes(Forge::Gitlab) {
            server.assert_one_status_comment(&change);
            assert_eq!(server.reviewers(&change).len(), 1, "{change}");
        }
    }
    println!("{acknowledged} of {} deliveries were acknowledged, all of them were kept", 3 * DELIVERIES);
}
