//! What people say of their own absence: kept with the decision, the newest word first.

use super::*;
use usher_core::model::absence::{Absence, AbsenceWish};
use usher_core::model::calendar::Away;
use usher_core::model::change::ChangeState;
use usher_core::model::review::Stage;

fn said(person: &str, last: Option<&str>, at: Timestamp) -> AbsenceWish {
    let away = |last: &str| Away { first: "2026-11-23".parse().unwrap(), last: last.parse().unwrap() };
    AbsenceWish { person: person.into(), absence: Absence { days: last.map(away), said_at: at } }
}

/// A commit that keeps nothing but what was said.
fn saying(wishes: Vec<AbsenceWish>) -> Commit {
    Commit { review: None, absences: wishes, now: minute(5), ..keep(review(9, &[]), None, Vec::new()) }
}

#[tokio::test]
async fn the_newest_word_is_kept_and_survives_a_restart() {
    let home = Home::new().await;
    let (gone, back) = (said("rita", Some("2026-12-01"), minute(1)), said("rita", None, minute(2)));
    let ravi = said("ravi", Some("2026-12-24"), minute(1));
    for wishes in [vec![gone.clone()], vec![back.clone()], vec![gone.clone(), ravi.clone()]] {
        home.store.commit(saying(wishes)).await.unwrap();
    }
    home.store.close().await;
    let store = Store::open(&home.url()).await.unwrap();
    let known = store.absences().await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!((known["rita"], known["ravi"]), (back.absence, ravi.absence), "an older word came late");
    // Two words of one second: the later in order.
    let again = said("rita", Some("2026-12-05"), minute(2));
    store.commit(saying(vec![again.clone()])).await.unwrap();
    assert_eq!(store.absences().await.unwrap()["rita"], again.absence);
}

#[tokio::test]
async fn a_decision_that_is_not_committed_says_nothing() {
    let home = Home::new().await;
    home.store.commit(keep(review(1, &[]), None, Vec::new())).await.unwrap();
    let wishes = vec![said("rita", Some("2026-12-01"), minute(1))];
    let stale = Commit { absences: wishes, ..keep(review(1, &[]), Some(7), Vec::new()) };
    assert!(matches!(home.store.commit(stale).await, Err(CommitError::Conflict)));
    assert!(home.store.absences().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_reviews_that_it_may_concern_become_due() {
    let home = Home::new().await;
    let asleep = |number, people: &[&str], stage, author: &str| {
        let mut own = review(number, people);
        own.done.stage = stage;
        own.planned.wake = Some(minute(60));
        own.author_name = Some(author.into());
        own
    };
    let reviews = [
        asleep(1, &["rita"], Stage::Reviewing, "sam"),
        asleep(2, &["ravi"], Stage::Reviewing, "sam"),
        asleep(3, &[], Stage::Waiting, "sam"),
        asleep(4, &["ravi"], Stage::WithAuthor, "rita"),
        asleep(5, &["marita"], Stage::Reviewing, "sam"),
        {
            let mut own = asleep(6, &["rita"], Stage::Done, "sam");
            own.seen.state = ChangeState::Merged;
            own.planned.wake = None;
            own
        },
    ];
    for review in reviews {
        home.store.commit(keep(review, None, Vec::new())).await.unwrap();
    }
    home.store.commit(saying(vec![said("rita", Some("2026-12-01"), minute(1))])).await.unwrap();
    let due = home.store.due(minute(5), 100).await.unwrap();
    let mut due: Vec<u64> = due.into_iter().map(|change| change.number).collect();
    due.sort_unstable();
    assert_eq!(due, [1, 3, 4]);
}

#[tokio::test]
async fn a_name_stands_for_itself() {
    let home = Home::new().await;
    for (number, person) in [(1, "r%"), (2, "rita"), (3, "r_ta \"x\"!")] {
        let review = {
            let mut own = review(number, &[person]);
            own.done.stage = Stage::Reviewing;
            own.planned.wake = Some(minute(60));
            own
        };
        home.store.commit(keep(review, None, Vec::new())).await.unwrap();
    }
    for (person, number) in [("r%", 1), ("r_ta \"x\"!", 3)] {
        home.store.commit(saying(vec![said(person, None, minute(1))])).await.unwrap();
        let due = home.store.due(minute(5), 100).await.unwrap();
        assert_eq!(due.iter().map(|change| change.number).collect::<Vec<_>>(), [number], "{person}");
        home.store.put_off(&change(number), minute(90)).await.unwrap();
    }
}
