//! The changes and people of a GitLab, list by list.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::gitlab::{mr, user};
use super::script::{Script, account};
use crate::forge::transport::pages::SWEEP_PAGES_LIMIT;
use crate::forge::{ForgeFault, Since};
use usher_core::model::people::RosterWish;

#[tokio::test]
async fn a_group_is_listed_once_with_its_subgroups_and_filtered() {
    let script = Script::gitlab(&["acme/*", "acme/tools/**", "gone/x"]).await;
    let within = |project: &str, iid: u64| {
        let mut mr = mr(&[3], &[]);
        mr["iid"] = iid.into();
        mr["references"]["full"] = format!("{project}!{iid}").into();
        mr
    };
    let first = json!([within("acme/shop", 7), within("acme/private/deep", 8), within("acme/tools/a/b", 9)]);
    let first = ResponseTemplate::new(200).set_body_json(first).insert_header("x-next-page", "2");
    script.answer("GET", "/groups/acme/merge_requests", first).await;
    let second = json!([within("acme/shop", 7), within("acme/web", 1)]);
    let from_there_on = "/groups/acme/merge_requests?created_after=2026-03-01T08:00:00Z";
    script.on("GET", from_there_on, 200, second).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    let keys: Vec<String> = listing.changes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["f:acme/shop!7", "f:acme/tools/a/b!9", "f:acme/web!1"]);
    assert!(!listing.truncated && listing.changes[0].1.reviewers.as_ref().unwrap().complete);
    let requests = script.requests().await;
    assert_eq!(requests.len(), 3);
    assert!(requests[0].contains("scope=all") && requests[0].contains("state=opened"), "{}", requests[0]);
}

#[tokio::test]
async fn a_watermark_brings_closed_ones_too_and_an_endless_list_is_cut() {
    let script = Script::gitlab(&["sam/*"]).await;
    script.on("GET", "/users/sam/projects", 200, json!([{"path_with_namespace": "sam/tool"}])).await;
    let mut page = mr(&[], &[]);
    page["references"]["full"] = "sam/tool!7".into();
    let endless = move |request: &wiremock::Request| {
        let mut query = request.url.query_pairs();
        let at = query.find(|(key, _)| key == "page").map_or(1, |(_, page)| page.parse::<u64>().unwrap());
        let answer = ResponseTemplate::new(200).set_body_json(json!([page]));
        answer.insert_header("x-next-page", (at + 1).to_string().as_str())
    };
    script.answer("GET", "/projects/sam%2Ftool/merge_requests", endless).await;
    let listing =
        script.client.list(&Since::mark(Some("2026-03-01T00:00:00Z".parse().unwrap()))).await.unwrap();
    assert!(listing.truncated);
    assert_eq!(listing.changes.len(), 1, "each change once");
    let requests = script.requests().await;
    assert_eq!(requests.len(), 2 + SWEEP_PAGES_LIMIT, "no such group, the user's projects, pages");
    assert!(
        requests[2].contains("state=all") && requests[2].contains("updated_after=2026-03-01T00%3A00%3A00Z")
    );
}

#[tokio::test]
async fn a_roster_knows_who_can_act() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let blocked = json!({"id": 11, "username": "u11", "state": "blocked"});
    let ended = json!({"id": 12, "username": "u12", "state": "active", "expires_at": "2026-03-02"});
    let staying = json!({"id": 13, "username": "u13", "state": "active", "expires_at": "2026-03-03"});
    let first = ResponseTemplate::new(200).set_body_json(json!([user(10), blocked, ended]));
    let place = "/groups/acme%2Fsupport/members";
    script.answer("GET", place, first.insert_header("x-next-page", "2")).await;
    script.on("GET", &format!("{place}?page=2"), 200, json!([staying])).await;
    script
        .on("GET", "/users?username=Rita", 200, json!([{"id": 20, "username": "rita", "state": "active"}]))
        .await;
    script.on("GET", "/users?username=nobody", 200, json!([])).await;
    let wish = RosterWish {
        logins: ["u10", "Rita", "nobody"].map(str::to_owned).into(),
        groups: ["acme/support", "acme/none"].map(str::to_owned).into(),
    };
    let roster = script.client.roster(&wish).await.unwrap();
    let ids: Vec<u64> = roster.groups["acme/support"].iter().map(|account| account.id).collect();
    assert_eq!(ids, [10, 13]);
    assert_eq!(roster.me, Some(account(99)));
    let known: Vec<_> = roster.accounts.iter().map(|(login, account)| (login.as_str(), account.id)).collect();
    assert_eq!(known, [("rita", 20), ("u10", 10)]);
    assert_eq!(roster.unknown, ["acme/none", "nobody"]);
    assert_eq!(roster.fetched_at, Some(super::script::start()));
    assert_eq!(script.requests().await.len(), 6, "u10 was seen in the group");
    script.server.reset().await;
    script.on("GET", place, 502, json!({})).await;
    assert!(script.client.roster(&wish).await.is_err(), "a forge that is down is no empty roster");
}

#[tokio::test]
async fn a_group_or_project_that_is_not_shown_does_not_keep_the_others_from_being_listed() {
    let script = Script::gitlab(&["acme/moved", "acme/shop", "closed/*", "sam/*"]).await;
    let moved = ResponseTemplate::new(301).insert_header("location", "https://h/api/v4/projects/4");
    script.answer("GET", "/projects/acme%2Fmoved/merge_requests", moved).await;
    script.on("GET", "/projects/acme%2Fshop/merge_requests", 200, json!([mr(&[], &[])])).await;
    script.on("GET", "/groups/closed/merge_requests", 403, json!({"message": "403 Forbidden"})).await;
    let projects = json!([{"path_with_namespace": "sam/closed"}, {"path_with_namespace": "sam/tool"}]);
    script.on("GET", "/users/sam/projects", 200, projects).await;
    script.on("GET", "/projects/sam%2Fclosed/merge_requests", 403, json!({"message": "no"})).await;
    let mut tool = mr(&[], &[]);
    tool["references"]["full"] = "sam/tool!7".into();
    script.on("GET", "/projects/sam%2Ftool/merge_requests", 200, json!([tool])).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    let keys: Vec<String> = listing.changes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["f:sam/tool!7", "f:acme/shop!7"]);
    assert!(!listing.truncated, "the watermark of the others moves on");
    let refused = ["acme/moved", "closed", "sam/closed"].map(str::to_owned);
    assert_eq!(listing.refused, refused.clone().into());
    let since = Since { resting: refused.into(), ..Since::default() };
    let before = script.requests().await.len();
    assert_eq!(script.client.list(&since).await.unwrap().refused, [].into());
    let asked = script.requests().await.len() - before;
    assert_eq!(asked, 4, "acme/shop, sam as a group and as a user, sam/tool");
    script.server.reset().await;
    script.on("GET", "/groups/closed/merge_requests", 502, json!({})).await;
    let fault = script.client.list(&Since::default()).await.unwrap_err().to_string();
    assert!(fault.starts_with("`closed`: the forge failed with 502"), "{fault}");
}

#[tokio::test]
async fn a_group_may_be_spelled_in_any_case() {
    let script = Script::gitlab(&["Acme/*", "acme/Tools/**"]).await;
    script.on("GET", "/groups/Acme/merge_requests", 200, json!([mr(&[], &[])])).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    let keys: Vec<String> = listing.changes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["f:acme/shop!7"]);
    assert_eq!(script.requests().await.len(), 1);
}

#[tokio::test]
async fn a_group_that_is_not_shown_is_named_with_the_right_that_is_missing() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let no = ResponseTemplate::new(403).set_body_json(json!({"message": "Not for you"}));
    script.answer_times("GET", "/groups/acme%2Fsupport/members", no, 1).await;
    script.on("GET", "/groups/acme%2Fsupport/members", 502, json!({})).await;
    let wish = RosterWish { logins: [].into(), groups: ["acme/support".to_owned()].into() };
    let fault = script.client.roster(&wish).await.unwrap_err();
    let expected = "the members of `acme/support` cannot be read: Not for you; on GitLab the token needs the scope read_api or api, and an account that may see the group's members";
    assert_eq!(fault, ForgeFault::Refused { status: 403, answer: expected.into() });
    let fault = script.client.roster(&wish).await.unwrap_err().to_string();
    assert!(fault.starts_with("the members of `acme/support` cannot be read: the forge failed"), "{fault}");
}

/// A change as GitLab lists it, by number and minute of its creation.
fn made(number: u64, minute: u64) -> Value {
    let mut mr = mr(&[], &[]);
    mr["iid"] = number.into();
    mr["references"]["full"] = format!("acme/shop!{number}").into();
    mr["created_at"] = format!("2026-03-01T08:{minute:02}:00.123Z").into();
    mr
}

/// GitLab finds a page by counting from the beginning of the list.
#[tokio::test]
async fn a_change_that_is_closed_while_the_list_is_read_pushes_no_other_over_a_pages_edge() {
    let script = Script::gitlab(&["acme/shop"]).await;
    let asked = std::sync::atomic::AtomicU64::new(0);
    // Three to a page. After the first page !1 is closed, so that what was the fourth is the third.
    let answer = move |request: &wiremock::Request| {
        let query = |name: &str| {
            request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let nth = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let open = (1..=7).filter(|number| nth == 0 || *number != 1);
        let after: Option<jiff::Timestamp> = query("created_after").map(|after| after.parse().unwrap());
        let all = open.map(|number| made(number, number.min(5)));
        let created = |one: &Value| one["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let all: Vec<Value> = all.filter(|one| after.is_none_or(|after| created(one) >= after)).collect();
        let page: usize = query("page").map_or(1, |page| page.parse().unwrap());
        let shown: Vec<&Value> = all.iter().skip((page - 1) * 3).take(3).collect();
        let next = if all.len() > page * 3 { (page + 1).to_string() } else { String::new() };
        ResponseTemplate::new(200).set_body_json(shown).insert_header("x-next-page", next.as_str())
    };
    script.answer("GET", "/projects/acme%2Fshop/merge_requests", answer).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    let numbers: Vec<u64> = listing.changes.iter().map(|(key, _)| key.number).collect();
    // Three are of one instant: those are told apart by page.
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    assert!(listing.is_complete());
}
