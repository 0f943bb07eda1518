//! What Usher asks of a forge, counted where the requests arrive. The lists are exact, so that a
//! request more (or less) shows.

use jiff::SignedDuration;
use usher_core::model::review::Stage;
use usher_sandbox::{Forge, NewChange, Verdict};

use super::harness::{BOTH, House, Settings, project, touching};
use super::life::full_life;

fn tell(what: &str, forge: Forge, asked: &[String]) {
    println!("{}", asked.join("\n"));
    let reads = asked.iter().filter(|line| line.starts_with("GET ") || line.starts_with("QUERY ")).count();
    assert_documented(what, forge, (reads, asked.len() - reads));
}

/// Prints what was counted, reads and writes, and compares it with the table of docs/costs.md.
pub fn assert_documented(what: &str, forge: Forge, counted: (usize, usize)) {
    println!("{what}, {forge:?}: {} reads, {} writes", counted.0, counted.1);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/costs.md");
    let text = std::fs::read_to_string(file).unwrap();
    let start = format!("| {what} | ");
    let row = text.lines().find_map(|line| line.strip_prefix(&start)).expect("a row in docs/costs.md");
    let cell = row.split('|').nth(usize::from(forge == Forge::Github)).unwrap_or_default().trim();
    assert_eq!(cell, format!("{} + {}", counted.0, counted.1), "{what}, {forge:?}: docs/costs.md");
}

/// A project as Usher finds it after its first contributions: labels are made when first needed.
async fn at_home(settings: Settings) -> House {
    let house = House::with(settings).await;
    for forge in BOTH {
        house.sandbox.add_project_label(forge, project(forge), "support-contribution");
        for stage in ["reviewing", "with-author", "ready-to-merge"] {
            house.sandbox.add_project_label(forge, project(forge), &format!("support-review::{stage}"));
        }
    }
    house
}

#[tokio::test]
async fn opening_a_support_contribution_costs_one_read_and_two_or_three_writes() {
    let expected: [&[&str]; 2] = [
        &["QUERY /gl/api/graphql", "POST /gl/api/graphql", "POST /merge_requests/1/notes"],
        &[
            "GET /pulls/1",
            "POST /issues/1/labels",
            "POST /pulls/1/requested_reviewers",
            "POST /issues/1/comments",
        ],
    ];
    for (forge, expected) in BOTH.into_iter().zip(expected) {
        let mut house = at_home(Settings::default()).await;
        let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
        tell("opening", forge, &asked);
        assert_eq!(asked, expected, "{forge:?}");
    }
}

#[tokio::test]
async fn the_first_contribution_of_a_project_costs_one_write_more_for_each_label() {
    let expected: [&[&str]; 2] = [
        &[
            "QUERY /gl/api/graphql",
            "POST /labels",
            "POST /labels",
            "POST /gl/api/graphql",
            "POST /merge_requests/1/notes",
        ],
        &[
            "GET /pulls/1",
            "POST /issues/1/labels",
            "PATCH /labels/support-contribution",
            "PATCH /labels/support-review::reviewing",
            "POST /pulls/1/requested_reviewers",
            "POST /issues/1/comments",
        ],
    ];
    for (forge, expected) in BOTH.into_iter().zip(expected) {
        let mut house = House::new().await;
        let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
        tell("opening the first of a project", forge, &asked);
        assert_eq!(asked, expected, "{forge:?}");
        let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
        tell("opening", forge, &asked);
    }
}

#[tokio::test]
async fn routes_with_paths_cost_one_page_of_changed_files_more() {
    let expected: [&[&str]; 2] = [
        &[
            "GET /merge_requests/1/diffs",
            "QUERY /gl/api/graphql",
            "POST /gl/api/graphql",
            "POST /merge_requests/1/notes",
        ],
        &[
            "GET /pulls/1/files",
            "GET /pulls/1",
            "POST /issues/1/labels",
            "POST /pulls/1/requested_reviewers",
            "POST /issues/1/comments",
        ],
    ];
    for (forge, expected) in BOTH.into_iter().zip(expected) {
        let mut house = at_home(Settings { paths: true, ..Settings::default() }).await;
        let asked = house.cost_of(async |house| {
            house.open_with(forge, touching("sam", &["docs/export.md"]));
        });
        let asked = asked.await;
        tell("opening with paths", forge, &asked);
        assert_eq!(asked, expected, "{forge:?}");
        let change = house.sandbox.changes(forge).remove(0);
        let reviewer = house.reviewer(&change);
        assert!(["dora", "dan"].contains(&reviewer.as_str()), "{reviewer} is none of the docs pool");
    }
}

#[tokio::test]
async fn a_draft_is_left_in_peace_until_it_is_ready() {
    for forge in BOTH {
        let mut house = at_home(Settings::default()).await;
        let draft = NewChange { draft: true, ..NewChange::by("sam", "Not yet") };
        let asked = house.cost_of(async |house| drop(house.open_with(forge, draft))).await;
        assert_eq!(asked, [""; 0], "{forge:?}");
        let change = house.sandbox.changes(forge).remove(0);
        assert_eq!(house.stage(&change).await, Stage::Draft, "it is tracked all the same");
        house.minute().await;
        let asked = house.cost_of(async |house| house.sandbox.mark_ready(&change, "sam").unwrap()).await;
        assert!((3..=4).contains(&asked.len()), "{asked:?}");
        house.assert_one_status_comment(&change);
    }
}

#[tokio::test]
async fn nothing_changes_so_nothing_is_asked() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let own = house.delivered.len();
        assert!(own > 3, "Usher's own acts come back as webhooks: {own}");

        let tick = house.cost_of(async |house| {
            house.pass(SignedDuration::from_mins(30)).await;
            house.service.engine.tick().await.unwrap();
        });
        assert_eq!(tick.await, [""; 0], "a tick, {forge:?}");
        let label = house.cost_of(async |house| {
            house.sandbox.add_label(&change, "rita", "bug").unwrap();
        });
        assert_eq!(label.await, [""; 0], "a label of somebody's, {forge:?}");
        let title = house.cost_of(async |house| {
            house.minute().await;
            house.sandbox.retitle(&change, "sam", "Round VAT").unwrap();
        });
        assert_eq!(title.await, [""; 0], "a better title, {forge:?}");
        let twice = house.cost_of(async |house| {
            for delivery in house.delivered.clone() {
                assert!(house.sandbox.redeliver(&delivery.delivery_id));
            }
        });
        assert_eq!(twice.await, [""; 0], "everything again, {forge:?}");
    }
}

/// A push while nobody has answered costs nothing; one that answers a request for changes hands the review
/// back.
#[tokio::test]
async fn a_push_and_a_hand_back_cost_what_they_cost() {
    for forge in BOTH {
        let mut house = at_home(Settings::default()).await;
        let change = house.opened(forge, "sam").await;
        house.minute().await;
        let push = async |house: &mut House| house.sandbox.push(&change, "sam").unwrap();
        let asked = house.cost_of(push).await;
        tell("a push", forge, &asked);
        let who = house.reviewer(&change);
        house.minute().await;
        let request = async |house: &mut House| {
            house.sandbox.review(&change, &who, Verdict::RequestChanges, "Which rate?").unwrap();
        };
        let asked = house.cost_of(request).await;
        tell("a request for changes", forge, &asked);
        house.minute().await;
        let asked = house.cost_of(push).await;
        tell("a push that answers a request for changes", forge, &asked);
    }
}

#[tokio::test]
async fn the_full_life_of_a_review_costs_what_it_costs() {
    for (forge, reads, writes) in [(Forge::Gitlab, 5, 12), (Forge::Github, 6, 15)] {
        let mut house = at_home(Settings::default()).await;
        let change = full_life(&mut house, forge).await;
        house.assert_one_status_comment(&change);
        let asked = house.asked();
        tell("a full life", forge, &asked);
        assert_eq!((house.sandbox.reads(), house.sandbox.writes()), (reads, writes), "{forge:?}");
    }
}
