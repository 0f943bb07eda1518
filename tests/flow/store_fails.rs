//! A disk that is full, rows that cannot be written, a store that is busy: who waits, who goes on, what
//! people see, and that all of it is over without a restart.

use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use usher::clock::Clock;
use usher::store::OutboxState;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, House, Settings, key};
use super::server::{Server, until};

fn size(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_for_a_while_is_told_by_name_and_heals_without_a_restart() {
    let mut server = Server::planned(Settings { capacity: 500, ..Settings::default() }).await;
    server.start_with_limits().await;
    server.settled_in().await;
    let log = size(&server.store_path().with_extension("db-wal"));
    assert!(log > 50_000, "more than all other files that grow: {log}");
    server.limit_files(&(log + 20_000).to_string());
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    while refused.is_empty() {
        changes.push(server.open(Forge::Gitlab, "sam"));
        assert!(changes.len() < 200, "it never fills up");
        for request in server.sandbox.take_pending() {
            let status = if refused.is_empty() { server.sandbox.send(&request).await } else { Some(503) };
            if status == Some(503) {
                refused.push(request);
            }
        }
    }
    let ready = server.ready().await;
    assert_eq!((&ready["ready"], &ready["failing"]), (&false.into(), &"store".into()), "{ready}");
    assert_eq!(ready["why"], "the disk fails", "{ready}");
    let alive = server.http.get(server.public("/healthz")).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    let page = server.http.get(server.admin("/")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("The store cannot be written: the disk fails"), "{page}");
    assert_eq!(server.log().matches("the store fails: the disk fails").count(), 1, "said once");

    server.limit_files("unlimited");
    until("it is ready again", async || server.ready().await["ready"] == true).await;
    for request in &refused {
        let status = server.sandbox.send(request).await;
        assert!(matches!(status, Some(200 | 202)), "{status:?}");
    }
    server.at_rest().await;
    for change in &changes {
        server.assert_one_status_comment(change);
    }
    assert!(server.log().contains("the store can be written again"));
}

/// From now on nothing that `when` says of a row of `review` can be written.
async fn poison(house: &House, event: &str, change: &ChangeRef) {
    let store = format!("sqlite:{}", house.store_path().display());
    let mut other = SqliteConnection::connect(&store).await.unwrap();
    let trigger = format!(
        "CREATE TRIGGER poison BEFORE {event} ON review WHEN NEW.change LIKE '{}:#%!{}'
         BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
        key(change).forge,
        change.number
    );
    sqlx::query(AssertSqlSafe(trigger)).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
}

async fn cure(house: &House) {
    let store = format!("sqlite:{}", house.store_path().display());
    let mut other = SqliteConnection::connect(&store).await.unwrap();
    sqlx::query("DROP TRIGGER poison").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn facts_that_cannot_be_committed_are_put_off_alone_for_longer_each_time() {
    let mut house = House::new().await;
    let poisoned = house.open(Forge::Gitlab, "sam");
    poison(&house, "INSERT", &poisoned).await;
    house.sandbox.comment(&poisoned, "sam", "And one more thing.").unwrap();
    let others = BOTH.map(|forge| house.open(forge, "siobhan"));
    house.quiet().await;
    for change in &others {
        house.reviewer(change);
        house.assert_one_status_comment(change);
    }
    let store = &house.service.store;
    let counts = store.counts().await.unwrap();
    assert!((1..=2).contains(&counts.undecided) && counts.put_off == 1, "{counts:?}");
    let row = store.inbox_list(1).await.unwrap().remove(0);
    assert_eq!(row.change, key(&poisoned), "what is put off is listed first");
    assert!(row.why.as_deref().unwrap_or_default().contains("poisoned"), "{row:?}");
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let due = house.service.next_due().await.unwrap().expect("it is tried again");
        pauses.push(due.duration_since(house.clock.now()).as_secs());
        house.clock.advance_to(due);
        house.service.engine.drain().await.unwrap();
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    cure(&house).await;
    house.minute().await;
    house.reviewer(&poisoned);
    house.assert_one_status_comment(&poisoned);
    assert_eq!(house.service.store.counts().await.unwrap().undecided, 0, "in the order in which they came");
}

#[tokio::test]
async fn a_tick_that_cannot_be_committed_stops_no_other() {
    let mut house = House::new().await;
    let changes = [house.opened(Forge::Gitlab, "sam").await, house.opened(Forge::Github, "sam").await];
    poison(&house, "UPDATE OF document", &changes[0]).await;
    house.pass(SignedDuration::from_hours(30)).await;
    let pings = |change: &ChangeRef| house.comments(change).len();
    assert_eq!(pings(&changes[0]), 1, "the status comment");
    assert!(pings(&changes[1]) > 1, "the other one is reminded of");
    cure(&house).await;
    house.pass(SignedDuration::from_hours(2)).await;
    assert!(house.comments(&changes[0]).len() > 1, "and this one, late");
}

/// What the courier has under way, by kind.
async fn under_way(server: &Server) -> Vec<String> {
    let store = server.store().await;
    let rows = store.outbox_list(100).await.unwrap();
    let leased = rows.into_iter().filter(|row| matches!(row.state, OutboxState::Leased { .. }));
    leased.map(|row| row.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_busy_for_long_stalls_no_action_and_nothing_is_leased_ahead() {
    // The sandbox's time stands still, so that a delay ends when the test says so.
    let clock = Clock::virtual_at(Clock::system().now());
    let mut server = Server::planned_at(Settings::default(), clock.clone()).await;
    server.start().await;
    server.settled_in().await;
    let delay = Fault::Delay(std::time::Duration::from_secs(5));
    server.sandbox.fail_next(Forge::Gitlab, "POST", "/notes", delay, 1);
    let changes: Vec<ChangeRef> = (0..3).map(|_| server.open(Forge::Gitlab, "sam")).collect();
    let taken = server.deliver().await;
    assert!(taken.len() >= 3 && taken.iter().all(|one| *one == Some(202)), "{taken:?}");
    until("a comment is under way", async || under_way(&server).await == ["status"]).await;
    let store = format!("sqlite:{}", server.store_path().display());
    let mut lock = SqliteConnection::connect(&store).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let before = server.sandbox.writes();
    let write_arrives = async || {
        clock.advance_to(clock.now() + SignedDuration::from_secs(1));
        server.sandbox.writes() > before
    };
    until("the forge has taken the comment", write_arrives).await;
    let waits = async || server.log().contains("how an action went cannot be kept yet; trying again");
    until("the courier waits for the store", waits).await;
    lock.close().await.unwrap();
    // Within half a minute, where a lease lasts five.
    let all = async || {
        server.deliver().await;
        changes.iter().all(|change| server.comments(change).len() == 1)
    };
    until("all are taken on", all).await;
    for change in &changes {
        server.assert_one_status_comment(change);
    }
}

#[tokio::test]
async fn a_forge_whose_people_are_not_known_costs_the_other_nothing() {
    let mut house = House::unswept(Settings::default()).await;
    let waiting: Vec<ChangeRef> = (0..100).map(|_| house.open(Forge::Gitlab, "sam")).collect();
    house.sandbox.deliver_pending().await;
    house.sandbox.fail_next(Forge::Gitlab, "*", "", Fault::status(503, "Maintenance"), u32::MAX);
    house.patiently(house.sweep_of(Forge::Github, false)).await.unwrap();
    let change = house.open(Forge::Github, "sam");
    house.quiet().await;
    house.reviewer(&change);
    assert_eq!(house.service.engine.drain().await.unwrap(), 0, "the others are not even looked at");
    let rows = house.service.store.inbox_list(500).await.unwrap();
    let untouched = rows.iter().filter(|row| row.decided_at.is_none() && row.why.is_none());
    assert_eq!(untouched.count(), waiting.len(), "nor written");

    // Once it is known who is who they are decided at once: no clock moves.
    house.sandbox.clear_faults();
    let now = house.clock.now();
    house.patiently(house.sweep_of(Forge::Gitlab, false)).await.unwrap();
    let moved = house.clock.now();
    house.service.engine.drain().await.unwrap();
    assert_eq!(house.clock.now(), moved, "{now}");
    for change in &waiting {
        assert_ne!(house.stage(change).await, Stage::Done);
        assert!(house.review(change).await.tracked);
    }
}
