//! The forges' limits in all their forms, on a virtual clock: nothing goes out before its time, people
//! are answered first, and everything ends as it should.

use jiff::{SignedDuration, Timestamp};
use usher::forge::ForgeFault;
use usher::reconcile::SweepError;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge, RequestRecord};

use super::harness::{BOTH, House, SECRETS, Settings};

const SECONDARY: &str = "You have exceeded a secondary rate limit. Please wait a few minutes.";

async fn assert_in_review(house: &House, change: &ChangeRef) {
    assert_eq!(house.stage(change).await, Stage::Reviewing, "{change}");
    house.reviewer(change);
    house.assert_one_status_comment(change);
    assert!(house.seen(change).labels.contains(&"support-review::reviewing".to_owned()));
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// Every form that a limit comes in, and how long it asks to wait.
fn forms(forge: Forge, now: Timestamp) -> Vec<(Fault, i64)> {
    let date = (now + seconds(137)).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reset = (now + seconds(200)).as_second().to_string();
    let with = |code, message, headers: &[(&str, &str)]| Fault::with_headers(code, message, headers);
    if forge == Forge::Gitlab {
        return vec![
            (with(429, "Retry later", &[("retry-after", "137")]), 137),
            (with(429, "Retry later", &[("retry-after", &date)]), 137),
            (with(429, "Retry later", &[("ratelimit-remaining", "0"), ("ratelimit-reset", &reset)]), 200),
            (with(429, "This endpoint has been requested too many times. Try again later.", &[]), 60),
        ];
    }
    let spent =
        [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &*reset), ("x-ratelimit-resource", "core")];
    let mut forms = vec![(with(403, SECONDARY, &[]), 60)];
    for code in [403, 429] {
        forms.extend([
            (with(code, SECONDARY, &[("retry-after", "137"), ("x-ratelimit-remaining", "4000")]), 137),
            (with(code, SECONDARY, &[("retry-after", &date)]), 137),
            (with(code, "API rate limit exceeded for user ID 1.", &spent), 200),
        ]);
    }
    forms
}

#[tokio::test]
async fn no_form_of_a_limit_is_followed_by_a_request_before_its_time() {
    for forge in BOTH {
        let (labels, comments) = match forge {
            Forge::Gitlab => (("POST", "/api/graphql"), ("POST", "/notes")),
            Forge::Github => (("POST", "/labels"), ("POST", "/comments")),
        };
        let forms = forms(forge, super::harness::monday()).len();
        for (form, (method, path)) in (0..forms).flat_map(|form| [(form, labels), (form, comments)]) {
            let mut house = House::new().await;
            let (fault, wait) = self::forms(forge, house.clock.now()).remove(form);
            house.sandbox.fail_next(forge, method, path, fault.clone(), 1);
            let change = house.open(forge, "sam");
            house.quiet().await;
            let known = house.sandbox.requests().len();
            let limited = house.sandbox.requests().pop().unwrap();
            assert!(
                matches!(limited.status, Some(403 | 429)),
                "{fault:?}: the limit is the last that was heard"
            );
            let other = house.open(forge, "siobhan");
            house.pass(seconds(wait - 1)).await;
            assert_eq!(house.sandbox.requests().len(), known, "{forge:?} {fault:?}: a request too early");
            house.pass(seconds(60)).await;
            let earliest = limited.at + seconds(wait);
            let after: Vec<RequestRecord> = house.sandbox.requests().split_off(known);
            assert!(!after.is_empty() && after.iter().all(|request| request.at >= earliest), "{after:?}");
            house.pass(seconds(120)).await;
            for change in [&change, &other] {
                assert_in_review(&house, change).await;
            }
            assert_eq!(
                house.service.store.counts().await.unwrap().dead,
                0,
                "{fault:?}: waiting is no failure"
            );
        }
    }
}

/// The same account is used by another tool.
async fn burn(house: &House, requests: usize) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..requests {
        let user = http.get(format!("{}/user", house.sandbox.github_url())).bearer_auth(SECRETS[1].1);
        assert_eq!(user.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_last_fifth_of_a_budget_is_kept_for_people() {
    let mut house = House::new().await;
    let first = house.opened(Forge::Github, "dora").await;
    house.sweep().await;
    assert!(house.reviewers(&first).is_empty(), "no support contribution, but its project is listed");
    house.sandbox.limit_requests(Forge::Github, 100);
    burn(&house, 80).await;
    house.sandbox.clear_requests();
    let reset: Timestamp = "2026-03-02T11:00:00Z".parse().unwrap();
    // The roster is read again, which a search could not stand in for.
    house.sweep_of(Forge::Gitlab, true).await.unwrap();
    let refused = house.sweep_of(Forge::Github, true).await.expect_err("the sweep of GitHub stops");
    let SweepError::Forge(ForgeFault::Later { at, why }) = &refused else { panic!("{refused}") };
    assert_eq!((*at, why.contains("kept for people")), (reset, true), "{why}");
    let asked = house.asked().len();
    assert!(house.sandbox.requests().iter().all(|request| request.is_read()));

    let change = house.opened(Forge::Github, "sam").await;
    assert_in_review(&house, &change).await;
    assert!(house.asked().len() > asked, "people are answered meanwhile");
    house.clock.advance_to(reset);
    house.sweep().await;
}

#[tokio::test]
async fn a_spent_budget_for_graphql_stops_nothing_else() {
    let mut house = House::new().await;
    let reset = house.clock.now() + seconds(1_800);
    house.sandbox.fail_next(Forge::Github, "QUERY", "/graphql", Fault::graphql_limit(reset.as_second()), 1);
    let queries = |house: &House| house.asked().iter().filter(|line| line.contains("/api/graphql")).count();
    let refresh = async |house: &House| {
        for forge in BOTH {
            house.sweep_of(forge, true).await.unwrap();
        }
    };
    house.sandbox.clear_requests();
    refresh(&house).await;
    refresh(&house).await;
    let github = |house: &House| {
        let requests = house.sandbox.requests().into_iter();
        requests.filter(|one| one.forge == Forge::Github && one.path.ends_with("/graphql")).count()
    };
    assert_eq!(github(&house), 1, "not asked again before the reset: {}", queries(&house));
    let fault = house.service.shared.snapshot().forge("github").unwrap().roster.busy_fault.clone();
    assert!(fault.is_some_and(|fault| fault.contains("graphql")), "it is told");
    let change = house.opened(Forge::Github, "sam").await;
    assert_in_review(&house, &change).await;
    house.clock.advance_to(reset);
    refresh(&house).await;
    assert_eq!(github(&house), 2);
    assert_eq!(house.service.shared.snapshot().forge("github").unwrap().roster.busy_fault, None);
}

#[tokio::test]
async fn github_with_its_limit_on_content_is_never_made_to_refuse() {
    let mut house = House::with(Settings { capacity: 500, ..Settings::default() }).await;
    house.sandbox.limit_content();
    for _ in 0..35 {
        house.open(Forge::Github, "sam");
    }
    house.pass(seconds(240)).await;
    assert!(house.sandbox.requests().iter().all(|request| request.status != Some(403)));
    for change in house.sandbox.changes(Forge::Github) {
        assert_in_review(&house, &change).await;
    }
}

#[tokio::test]
async fn where_another_tool_has_used_the_limit_on_content_up_usher_waits_and_ends_well() {
    let mut house = House::new().await;
    house.sandbox.limit_content();
    let first = house.opened(Forge::Github, "sam").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/repos/acme/sdk/issues/{}/labels", house.sandbox.github_url(), first.number);
    for _ in 0..80 {
        let label = http.post(&url).bearer_auth(SECRETS[1].1).json(&serde_json::json!({ "labels": ["bug"] }));
        label.send().await.unwrap();
    }
    house.sandbox.clear_requests();
    let change = house.open(Forge::Github, "siobhan");
    house.quiet().await;
    let limited = house.sandbox.requests().pop().unwrap();
    assert_eq!(limited.status, Some(403));
    house.pass(seconds(180)).await;
    let writes: Vec<RequestRecord> = house
        .sandbox
        .requests()
        .into_iter()
        .filter(|one| !one.is_read() && one.status != Some(403))
        .collect();
    assert!(writes.iter().all(|write| write.at >= limited.at + seconds(60)), "{writes:?}");
    assert_in_review(&house, &change).await;
}

#[tokio::test]
async fn a_quiet_sweep_costs_nothing_of_githubs_budget() {
    let mut house = House::new().await;
    house.opened(Forge::Github, "sam").await;
    house.sweep().await;
    house.quiet().await;
    house.sweep().await;
    house.sandbox.clear_requests();
    let left = |house: &House| {
        let github = house.service.clients.iter().find(|client| client.name() == "github").unwrap();
        let budgets = github.health().budgets.into_iter();
        budgets.filter(|budget| budget.resource == "core").map(|budget| budget.remaining).collect::<Vec<_>>()
    };
    let before = left(&house);
    house.sweep().await;
    let github: Vec<RequestRecord> =
        house.sandbox.requests().into_iter().filter(|one| one.forge == Forge::Github).collect();
    assert!(!github.is_empty() && github.iter().all(|one| one.status == Some(304)), "{github:?}");
    assert_eq!((left(&house), before.len()), (before, 1));
}
