//! Projects by number and by path: renamed, renamed back, taken over, and told of late.

use super::*;
use sqlx::Row;
use usher_core::model::change::{ChangeState, Snapshot};
use usher_core::model::reason::Reason;

const OLD: &str = "acme/tools/shop";
const NEW: &str = "acme/store";

/// What people carry, counted in whole reviews.
const UNDO_HALVES: [&str; 5] = [
    "DROP INDEX outbox_due",
    "DROP INDEX outbox_leased",
    "ALTER TABLE workload RENAME COLUMN halves TO open",
    "UPDATE workload SET open = open / 2",
    "UPDATE review SET carried = (SELECT json_group_object(key, value / 2) FROM json_each(carried))",
];

/// What the schema of the last version has otherwise.
pub(super) const UNDO: [&str; 8] = [
    UNDO_HALVES[0],
    UNDO_HALVES[1],
    UNDO_HALVES[2],
    UNDO_HALVES[3],
    UNDO_HALVES[4],
    "DROP TABLE project",
    "ALTER TABLE review ADD COLUMN home TEXT",
    "CREATE INDEX review_home ON review (home) WHERE home IS NOT NULL",
];

fn at(project: &str, number: u64) -> ChangeKey {
    ChangeKey::new("gitlab", project, number)
}

fn swept(project_id: u64, minutes: i64) -> Fact {
    let snapshot = Snapshot {
        project_id: Some(project_id),
        title: String::new(),
        url: String::new(),
        author: Account::new(1, "sam"),
        state: ChangeState::Open,
        draft: None,
        labels: None,
        reviewers: None,
        target_branch: None,
        tickets: None,
        head: None,
        size: None,
        created_at: None,
        updated_at: minute(minutes),
    };
    Fact::Swept { snapshot }
}

/// A delivery about the first change of a project, as it was called when it was sent.
pub(super) fn told(project: &str, number: u64, sent: i64, arrived: i64) -> NewDelivery {
    let id = format!("{project} {number} {sent} {arrived}");
    NewDelivery {
        change: at(project, 1),
        facts: vec![swept(number, sent)],
        received_at: minute(arrived),
        ..delivery(1, &id, None)
    }
}

async fn learn(store: &Store, number: u64, path: &str, minutes: i64) -> bool {
    store.learn_project("gitlab", number, path, minute(minutes)).await.unwrap()
}

fn called(project: &str, people: &[&str]) -> Review {
    Review { change: at(project, 1), ..review(1, people) }
}

fn entry(fact: &str) -> LedgerEntry {
    LedgerEntry { at: minute(0), fact: fact.into(), reasons: vec![Reason::Ready], actions: Vec::new() }
}

/// Under what something is kept in the file itself.
async fn kept_as(store: &Store, table: &str) -> Vec<String> {
    let rows = sqlx::AssertSqlSafe(format!("SELECT change FROM {table} ORDER BY 1"));
    sqlx::query_scalar(rows).fetch_all(&store.reader).await.unwrap()
}

async fn named(store: &Store, project: &str) -> Option<(i64, String)> {
    let stored = store.load(&at(project, 1)).await.unwrap();
    stored.map(|stored| (stored.id, stored.review.change.project))
}

#[tokio::test]
async fn a_rename_is_one_row_and_every_path_leads_to_the_project() {
    let home = Home::new().await;
    let store = &home.store;
    assert!(learn(store, 41, OLD, 0).await);
    let commit = keep(called(OLD, &["rita"]), None, vec![status("x"), ping("k", "rita")]);
    store.commit(Commit { ledger: vec![entry("opened")], ..commit }).await.unwrap();
    let before = kept_as(store, "review").await;
    assert_eq!(before, ["gitlab:#41!1"]);
    assert!(store.due(minute(5), 9).await.unwrap().is_empty());

    assert!(learn(store, 41, NEW, 5).await, "it has another name");
    assert!(!learn(store, 41, NEW, 6).await, "no news");
    assert!(!learn(store, 41, OLD, 4).await, "late news");
    assert_eq!(kept_as(store, "review").await, before);
    let stored = store.load(&at(NEW, 1)).await.unwrap().unwrap();
    assert_eq!((&stored.review.change, &stored.called), (&at(NEW, 1), &at(OLD, 1)));
    let (review, renamed) = stored.clone().as_decided();
    assert_eq!((review.change, renamed), (at(OLD, 1), Some(Fact::Moved { to: at(NEW, 1) })));
    assert_eq!(store.due(minute(5), 9).await.unwrap(), [at(NEW, 1)], "it is looked at");
    let home = home.reopen().await;
    let store = &home.store;
    for path in [OLD, NEW, "Acme/Store"] {
        assert_eq!(named(store, path).await, Some((stored.id, NEW.into())), "{path}");
        assert_eq!(store.ledger(&at(path, 1), 9).await.unwrap().len(), 1);
        assert!(store.is_tracked(&at(path, 1), None).await.unwrap());
    }
    let item = claim(store, minute(6), 1).await.remove(0);
    assert_eq!(item.change, at(NEW, 1));

    assert!(learn(store, 41, OLD, 7).await, "and back");
    assert_eq!(named(store, NEW).await, Some((stored.id, OLD.into())));
    assert_eq!(store.called(&item).unwrap(), at(OLD, 1));
}

#[tokio::test]
async fn what_was_on_its_way_is_kept_with_its_change_whoever_has_the_path() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 0).await;
    store.commit(keep(called(OLD, &[]), None, vec![status("x")])).await.unwrap();
    let item = claim(store, minute(1), 1).await.remove(0);

    // Another project has the path: nobody knows how the first one is called.
    assert!(matches!(store.put(told(OLD, 42, 3, 3)).await.unwrap(), Put::Stored(_)));
    assert_eq!(store.load(&at(OLD, 1)).await.unwrap(), None, "its change is another one");
    assert_eq!(store.called(&item).unwrap(), at("#41", 1));
    let known = store.project_of(&at("#41", 1)).unwrap().unwrap();
    assert_eq!((known.number, known.path, known.seen_at), (41, None, None));
    let nameless = store.load(&at("#41", 1)).await.unwrap().unwrap();
    let (review, renamed) = nameless.as_decided();
    assert_eq!((review.change, renamed), (at(OLD, 1), None), "it goes on under the path that it had");

    let comment = Some((STATUS_MARKER.to_owned(), 7));
    store.settle(&item, Settlement::Done { comment, facts: vec![refused(1)] }, minute(4)).await.unwrap();
    assert_eq!(kept_as(store, "comment").await, ["gitlab:#41!1"]);
    let waiting = store.undecided(minute(4), 9).await.unwrap();
    let changes: Vec<&ChangeKey> = waiting.iter().map(|item| &item.change).collect();
    assert_eq!(changes, [&at(OLD, 1), &at("#41", 1)]);

    // A late delivery from before, and then one under the new path.
    store.put(told(OLD, 41, 2, 5)).await.unwrap();
    assert_eq!(store.load(&at(OLD, 1)).await.unwrap(), None, "the path stays with the other one");
    store.put(told(NEW, 41, 6, 6)).await.unwrap();
    assert_eq!(named(store, NEW).await.map(|(_, path)| path).as_deref(), Some(NEW));
    let home = home.reopen().await;
    let waiting = home.store.undecided(minute(9), 9).await.unwrap();
    let projects: Vec<&str> = waiting.iter().map(|item| item.change.project.as_str()).collect();
    assert_eq!(projects, [OLD, NEW, NEW, NEW]);
    assert_eq!(home.store.comment_of(&item, STATUS_MARKER).await.unwrap(), Some(7));
}

#[tokio::test]
async fn a_decision_on_facts_of_a_project_that_lost_its_path_meanwhile_is_made_again() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 0).await;
    let Put::Stored(id) = store.put(told(OLD, 41, 1, 1)).await.unwrap() else { panic!("stored") };
    let read = store.undecided(minute(1), 1).await.unwrap().remove(0);
    learn(store, 42, OLD, 2).await;
    let commit = Commit { inbox: vec![id], ..keep(called(OLD, &[]), None, Vec::new()) };
    assert!(matches!(store.commit(commit.clone()).await, Err(CommitError::Conflict)));
    assert_eq!(read.change, at(OLD, 1));
    let again = store.undecided(minute(1), 1).await.unwrap().remove(0);
    store.commit(Commit { change: again.change, ..commit }).await.unwrap();
    assert_eq!(kept_as(store, "review").await, ["gitlab:#41!1"]);
}

/// A change as it is kept while nobody has told the number of its project, with something in every table.
async fn unnumbered(store: &Store) -> OutboxItem {
    let waits = Review { change: at(OLD, 1), ..super::queue::waiting(1) };
    let mut review = called(OLD, &["rita"]);
    review.planned.pools = waits.planned.pools;
    let commit = keep(review, None, vec![status("x"), ping("k", "rita")]);
    let no_access = BTreeSet::from(["rosa".to_owned()]);
    let commit = Commit { ledger: vec![entry("opened")], refused: no_access, ..commit };
    store.commit(commit).await.unwrap();
    let item = store.claim_next("gitlab", minute(1), &Within::ALL).await.unwrap().unwrap();
    let comment = Some((format!("{STATUS_MARKER} 2"), 5));
    store.settle(&item, Settlement::Done { comment, facts: vec![refused(3)] }, minute(1)).await.unwrap();
    item
}

const TABLES: [&str; 7] = ["review", "ledger", "outbox", "comment", "ping", "queue", "inbox"];

#[tokio::test]
async fn the_first_answer_that_tells_the_number_takes_everything_along_at_once() {
    let home = Home::new().await;
    let store = &home.store;
    let item = unnumbered(store).await;
    let other = keep(Review { change: at("acme/tools/shop-two", 1), ..review(1, &[]) }, None, Vec::new());
    store.commit(other).await.unwrap();
    for table in TABLES {
        let kept = kept_as(store, table).await;
        assert!(!kept.is_empty() && kept.iter().all(|kept| !kept.contains('#')), "{table}: {kept:?}");
    }
    let id = store.load(&at(OLD, 1)).await.unwrap().unwrap().id;
    store.put(told(NEW, 41, 2, 2)).await.unwrap();
    assert_eq!(
        kept_as(store, "ledger").await,
        ["gitlab:acme/tools/shop!1"],
        "another path tells nothing of it"
    );
    store.put(told(OLD, 41, 3, 3)).await.unwrap();
    for table in TABLES {
        let kept = kept_as(store, table).await;
        let others = kept.iter().filter(|kept| !kept.contains("#41!1"));
        assert_eq!(others.count(), usize::from(table == "review"), "{table}: {kept:?}");
    }
    let home = home.reopen().await;
    let store = &home.store;
    for path in [OLD, NEW] {
        assert_eq!(store.load(&at(path, 1)).await.unwrap().unwrap().id, id);
        let no_access = store.workloads_for(&at(path, 1), minute(3)).await.unwrap().no_access;
        assert!(no_access.contains("rosa"), "{path}");
    }
    assert_eq!(store.comment_of(&item, &format!("{STATUS_MARKER} 2")).await.unwrap(), Some(5));
    assert_eq!(store.workloads(minute(3)).await.unwrap().of("rita").open.halves() / 2, 1);
}

#[tokio::test]
async fn of_two_reviews_of_one_change_the_one_that_was_told_by_its_number_goes_on() {
    let home = Home::new().await;
    let store = &home.store;
    unnumbered(store).await;
    // It was renamed before anybody told its number, and is known under the new path as well.
    learn(store, 41, NEW, 5).await;
    let again = keep(called(NEW, &["ravi"]), None, vec![status("new")]);
    store.commit(Commit { ledger: vec![entry("again")], ..again }).await.unwrap();
    let goes_on = named(store, NEW).await;
    assert_eq!(kept_as(store, "review").await.len(), 2);
    store.put(told(OLD, 41, 4, 6)).await.unwrap();
    assert_eq!(kept_as(store, "review").await, ["gitlab:#41!1"]);
    assert_eq!((named(store, OLD).await, named(store, NEW).await), (goes_on.clone(), goes_on));
    let ledger = store.ledger(&at(NEW, 1), 9).await.unwrap();
    let facts: Vec<&str> = ledger.iter().map(|row| row.entry.fact.as_str()).collect();
    assert_eq!(facts, ["opened", "again"]);
    let loads = store.workloads(minute(6)).await.unwrap();
    assert_eq!(
        (loads.of("rita").open.halves() / 2, loads.of("ravi").open.halves() / 2),
        (0, 1),
        "nobody carries the other one"
    );
    let actions: Vec<Action> =
        store.outbox_list(9).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(actions, [status("new")]);
    assert!(kept_as(store, "queue").await.is_empty());
}

#[tokio::test]
async fn what_is_not_committed_is_not_known() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 0).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'none'); END";
    sqlx::query(refuse).execute(&store.writer).await.unwrap();
    store.put(told(NEW, 41, 9, 9)).await.expect_err("nothing is written");
    let path = |store: &Store| store.project_of(&at(OLD, 1)).unwrap().unwrap().path;
    assert_eq!(path(store).as_deref(), Some(OLD));
    assert_eq!(path(&home.reopen().await.store).as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_clock_that_ran_ahead_freezes_no_name() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 900).await;
    store.set_clock_right(minute(1), SignedDuration::from_hours(1)).await.unwrap();
    assert!(learn(store, 41, NEW, 2).await, "it is called by the newer word");
    let home = home.reopen().await;
    assert_eq!(home.store.project_of(&at(OLD, 1)).unwrap().unwrap().path.as_deref(), Some(NEW));
}

#[tokio::test]
async fn a_paused_project_is_left_out_by_whatever_path_it_is_called() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 0).await;
    store.commit(keep(called(OLD, &[]), None, vec![status("x")])).await.unwrap();
    learn(store, 41, NEW, 1).await;
    for path in [OLD, NEW] {
        let not_of = [path.to_owned()];
        let within = Within { not_of: &not_of, ..Within::ALL };
        assert_eq!(store.claim_next("gitlab", minute(2), &within).await.unwrap(), None, "{path}");
        assert_eq!(store.next_outbox_due_of("gitlab", &not_of).await.unwrap(), None, "{path}");
    }
}

#[tokio::test]
async fn names_of_open_reviews_are_read_page_by_page() {
    let home = Home::new().await;
    let store = &home.store;
    learn(store, 41, OLD, 0).await;
    for number in 1..=7 {
        let forge = if number == 4 { "github" } else { "gitlab" };
        let change = ChangeKey::new(forge, OLD, number);
        let own = Review { change, ..review(number, &[]) };
        store.commit(keep(own, None, Vec::new())).await.unwrap();
    }
    let (mut after, mut pages) = (0, Vec::new());
    loop {
        let page = store.open_keys("gitlab", after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id;
        pages.push(page.into_iter().map(|open| open.change.number).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![1, 2, 3, 5], vec![6, 7]]);
}

#[tokio::test]
async fn what_was_counted_in_whole_reviews_is_counted_in_halves_and_looked_at_anew() {
    let home = Home::new().await;
    let (own, change) = (review(1, &["rita"]), review(1, &[]).change);
    home.store.commit(keep(own, None, Vec::new())).await.unwrap();
    for step in UNDO_HALVES.into_iter().chain(["DELETE FROM _sqlx_migrations WHERE version >= 11"]) {
        sqlx::query(step).execute(&home.store.writer).await.unwrap();
    }
    let home = home.reopen().await;
    let load = async || home.store.workloads(minute(1)).await.unwrap().of("rita").open;
    assert_eq!(load().await, Load::WHOLE);
    assert_eq!(home.store.due(minute(1), 9).await.unwrap(), [change], "it may weigh less by now");
    let snoozed = keep(review(1, &["rita"]), Some(1), Vec::new());
    home.store.commit(Commit { loads: [("rita".into(), Load::NONE)].into(), ..snoozed }).await.unwrap();
    assert_eq!(load().await, Load::NONE);
}

/// A store as the last version left it: keyed by paths.
async fn schema_9() -> Home {
    let home = Home::new().await;
    let store = &home.store;
    for (path, number, people, facts) in [
        ("acme/old", 1, &["rita"][..], "of the old path"),
        ("acme/new", 1, &["ravi"], "of the new path"),
        ("acme/new", 2, &[], "told"),
        ("acme/old", 3, &[], "of a known path"),
        ("acme/unknown", 4, &["rita"], "of an unknown path"),
    ] {
        let own = Review { change: at(path, number), ..review(number, people) };
        let commit = keep(own, None, vec![status(facts), ping("k", "rita")]);
        store.commit(Commit { ledger: vec![entry(facts)], ..commit }).await.unwrap();
        store.put_facts(&at(path, number), &[refused(1)], minute(1)).await.unwrap();
    }
    for step in UNDO.into_iter().chain([
        "DELETE FROM _sqlx_migrations WHERE version >= 10",
        "UPDATE review SET home = 'gitlab:41!1' WHERE change IN ('gitlab:acme/old!1', 'gitlab:acme/new!1')",
        "UPDATE review SET home = 'gitlab:41!2' WHERE change = 'gitlab:acme/new!2'",
        "UPDATE review SET document = json_set(document, '$.lost', json('{\"why\":\"followed\",
            \"since\":\"2026-09-21T00:00:00Z\"}')), home = 'gitlab:41!1', opened_at = 5
            WHERE change = 'gitlab:acme/old!1'",
        "UPDATE review SET updated_at = updated_at + 60000 WHERE change = 'gitlab:acme/old!1'",
        "INSERT INTO comment VALUES ('gitlab:acme/old!1', 'm', 1), ('gitlab:acme/new!1', 'm', 2),
            ('gitlab:acme/old!3', 'm', 3), ('gitlab:acme/unknown!4', 'm', 4)",
    ]) {
        sqlx::query(step).execute(&store.writer).await.unwrap();
    }
    home
}

#[tokio::test]
async fn a_store_of_the_last_version_is_brought_under_numbers() {
    let home = schema_9().await.reopen().await;
    let store = &home.store;
    let numbers = ["gitlab:#41!1", "gitlab:#41!2", "gitlab:#41!3", "gitlab:acme/unknown!4"];
    assert_eq!(kept_as(store, "review").await, numbers);
    assert_eq!(kept_as(store, "comment").await, [numbers[0], numbers[2], numbers[3]]);
    let comments = sqlx::query("SELECT comment_id FROM comment ORDER BY change");
    let comments = comments.fetch_all(&store.reader).await.unwrap();
    let comments: Vec<i64> = comments.iter().map(|row| row.get(0)).collect();
    assert_eq!(comments, [2, 3, 4], "the one of the review that goes on");
    let loads = store.workloads(minute(1)).await.unwrap();
    assert_eq!((loads.of("rita").open.halves() / 2, loads.of("ravi").open.halves() / 2), (1, 1));
    let stored = store.load(&at("acme/old", 1)).await.unwrap().unwrap();
    assert_eq!(stored.review.change, at("acme/new", 1));
    let facts = |rows: Vec<LedgerRow>| rows.into_iter().map(|row| row.entry.fact).collect::<Vec<_>>();
    let history = facts(store.ledger(&at("acme/new", 1), 9).await.unwrap());
    assert_eq!(history, ["of the old path", "of the new path"]);
    assert_eq!(store.undecided(minute(1), 9).await.unwrap().len(), 5, "nothing that waited is lost");
    assert_eq!(store.outbox_list(99).await.unwrap().len(), 8);

    // What has no number gets it with the first answer.
    store.put_facts(&at("acme/unknown", 4), &[refused(1)], minute(1)).await.unwrap();
    assert_eq!(kept_as(store, "review").await, numbers);
    learn(store, 43, "acme/unknown", 2).await;
    assert_eq!(
        kept_as(store, "review").await,
        ["gitlab:#41!1", "gitlab:#41!2", "gitlab:#41!3", "gitlab:#43!4"]
    );
    let home = home.reopen().await;
    let unknown = home.store.load(&at("acme/unknown", 4)).await.unwrap().unwrap();
    assert_eq!(unknown.review.change, at("acme/unknown", 4));
    assert!(kept_as(&home.store, "inbox").await.iter().all(|kept| kept.contains('#')));
}
