//! `usher access`, `usher people`, and their pages: who may do what, and who is what.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use serde_json::json;
use tower::ServiceExt;
use usher::audit::access::{AccessReport, Need, judge};
use usher::service;
use usher::web;
use usher_core::model::access::{AccessFacts, Rank};
use usher_core::model::policy::Pattern;
use usher_sandbox::{Access, Fault, Feature, FeatureAccess, Forge};

use super::harness::{BOT, BOTH, House, Settings, name, project};
use super::server::Server;

/// Everything that the real client reads, judged.
async fn read(house: &House, forge: Forge) -> (AccessFacts, AccessReport) {
    let config = house.config(&Settings { paths: true, ..Settings::default() });
    let wanted = config.forges.iter().find(|one| one.name == name(forge)).unwrap();
    let facts = service::client(wanted, &house.clock).unwrap().access().await.unwrap();
    let known = house.service.shared.snapshot();
    let known = known.forge(name(forge)).unwrap();
    let report = judge(&config.policy, name(forge), &known.directory, &known.roster, &facts);
    (facts, report)
}

async fn lacks(house: &House, forge: Forge, person: &str) -> Vec<Need> {
    let (_, report) = read(house, forge).await;
    let rows = report.rows.into_iter().filter(|row| row.person == person);
    rows.flat_map(|row| row.lacks).collect()
}

async fn company() -> House {
    House::with(Settings { paths: true, ..Settings::default() }).await
}

#[tokio::test]
async fn roles_are_read_with_one_request_for_each_project_and_one_for_the_list() {
    for forge in BOTH {
        let house = company().await;
        for number in 0..3 {
            house.sandbox.add_member(forge, &format!("acme/more-{number}"), BOT, Access::MAINTAIN);
        }
        house.sandbox.add_project(forge, "acme/old");
        house.sandbox.add_member(forge, "acme/old", BOT, Access::MAINTAIN);
        house.sandbox.archive_project(forge, "acme/old", true);
        house.sandbox.clear_requests();
        let (facts, _) = read(&house, forge).await;
        // GitLab's client asks once who it is.
        let own = usize::from(forge == Forge::Gitlab);
        assert_eq!(house.sandbox.reads(), 1 + 4 + own, "{:?}", house.asked());
        let found: Vec<&str> = facts.projects.iter().map(|one| one.project.as_str()).collect();
        assert_eq!(found, ["acme/more-0", "acme/more-1", "acme/more-2", project(forge)], "{forge:?}");
        assert!(!facts.truncated);
    }
}

#[tokio::test]
async fn projects_are_found_by_name_by_namespace_by_user_and_everywhere() {
    for forge in BOTH {
        let house = company().await;
        house.sandbox.add_member(forge, "lena/notes", BOT, Access::MAINTAIN);
        let mut config = house.config(&Settings::default());
        let wanted = config.forges.iter_mut().find(|one| one.name == name(forge)).unwrap();
        let here = project(forge);
        for (pattern, expected, unseen) in [
            (here, vec![here], vec![]),
            ("acme/**", vec![here], vec![]),
            ("lena/*", vec!["lena/notes"], vec![]),
            ("**", vec![here, "lena/notes"], vec![]),
            ("acme/gone", vec![], vec!["acme/gone"]),
            ("nowhere/*", vec![], vec!["nowhere/*"]),
        ] {
            wanted.projects = vec![Pattern::new(pattern).unwrap()];
            let facts = service::client(wanted, &house.clock).unwrap().access().await.unwrap();
            let found: Vec<&str> = facts.projects.iter().map(|one| one.project.as_str()).collect();
            let hidden: Vec<&str> = facts.unseen.iter().map(|one| one.place.as_str()).collect();
            assert_eq!((found, hidden), (expected, unseen), "{pattern} on {forge:?}");
            assert!(!facts.truncated);
        }
    }
}

#[tokio::test]
async fn each_role_brings_what_the_forge_says_it_does() {
    for forge in BOTH {
        let house = company().await;
        assert!(!read(&house, forge).await.1.has_gaps(), "{forge:?}");
        let give = |login: &str, access| house.sandbox.add_member(forge, project(forge), login, access);
        // In the project alone; the group `acme/support` has no role there.
        give("sam", Access::READ);
        assert_eq!(lacks(&house, forge, "sam").await, [Need::PushDocs], "{forge:?}");
        house.sandbox.set_feature(forge, project(forge), Feature::Forks, FeatureAccess::Disabled);
        assert_eq!(lacks(&house, forge, "sam").await, [Need::OpenChange, Need::PushDocs], "{forge:?}");
        house.sandbox.remove_member(forge, project(forge), "sam");
        let all = [Need::ReadCode, Need::OpenChange, Need::PushDocs];
        assert_eq!(lacks(&house, forge, "sam").await, all, "{forge:?}");
        give("rita", Access::READ);
        assert_eq!(lacks(&house, forge, "rita").await, [Need::Approve], "{forge:?}");
        house.sandbox.set_feature(forge, project(forge), Feature::Changes, FeatureAccess::Disabled);
        assert_eq!(lacks(&house, forge, "ravi").await, [Need::BeAsked, Need::Approve], "{forge:?}");
    }
}

#[tokio::test]
async fn a_role_by_a_group_a_team_or_in_public_counts() {
    let house = company().await;
    house.sandbox.remove_member(Forge::Gitlab, "acme/shop", "sam");
    house.sandbox.share_project("acme/shop", "acme/support", Access::READ);
    assert_eq!(lacks(&house, Forge::Gitlab, "sam").await, [Need::PushDocs]);
    house.sandbox.remove_member(Forge::Github, "acme/sdk", "sam");
    house.sandbox.grant_team("acme", "support", "acme/sdk", Access::WRITE);
    assert_eq!(lacks(&house, Forge::Github, "sam").await, []);
    for forge in BOTH {
        house.sandbox.remove_member(forge, project(forge), "siobhan");
        house.sandbox.remove_member(forge, project(forge), "ravi");
        house.sandbox.make_public(forge, project(forge));
    }
    assert_eq!(lacks(&house, Forge::Gitlab, "ravi").await, [Need::Approve], "whoever reads can be asked");
    assert_eq!(lacks(&house, Forge::Github, "ravi").await, [Need::BeAsked, Need::Approve]);
    // Pull requests from collaborators who may push only.
    house.sandbox.add_member(Forge::Github, "acme/sdk", "olga", Access::READ);
    house.sandbox.set_feature(Forge::Github, "acme/sdk", Feature::Changes, FeatureAccess::Private);
    let (facts, _) = read(&house, Forge::Github).await;
    assert!(facts.projects[0].writers_only);
}

#[tokio::test]
async fn a_membership_that_ended_and_a_blocked_account_have_no_role() {
    let house = company().await;
    let ids = |login: &str| house.sandbox.add_user(Forge::Gitlab, login, login);
    house.sandbox.share_project("acme/shop", "acme/support", Access::ADMIN);
    house.sandbox.end_group_membership("acme/support", "sam", jiff::civil::date(2026, 3, 3));
    let rank = async |login: &str| {
        let (facts, _) = read(&house, Forge::Gitlab).await;
        facts.projects[0].members.as_ref().unwrap().get(&ids(login)).copied()
    };
    house.sandbox.remove_member(Forge::Gitlab, "acme/shop", "sam");
    assert_eq!(rank("sam").await, Some(Rank::Write), "as the group has them");
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(24));
    assert_eq!(rank("sam").await, None);
    house.sandbox.block_user(Forge::Gitlab, "rita", "blocked");
    assert_eq!(rank("rita").await, None);
}

#[tokio::test]
async fn a_project_whose_members_are_hidden_is_a_gap_of_ushers_own() {
    let house = company().await;
    house.sandbox.add_member(Forge::Github, "acme/sdk", BOT, Access::TRIAGE);
    let (facts, report) = read(&house, Forge::Github).await;
    assert_eq!(facts.projects[0].members, None);
    assert!(report.unread[0].why.contains("403"), "{:?}", report.unread);
    assert_eq!(report.bot[0].rank, Some(Rank::Write));
    // One that fails for a while is no answer.
    house.sandbox.fail_next(Forge::Gitlab, "GET", "/members/all", Fault::status(502, "Bad Gateway"), 1);
    let config = house.config(&Settings::default());
    let fault = service::client(&config.forges[0], &house.clock).unwrap().access().await.unwrap_err();
    assert!(fault.to_string().starts_with("`acme/shop`: the forge failed with 502"), "{fault}");
}

async fn page(house: &House, path: &str) -> String {
    let router = web::admin(house.service.door.clone());
    let answer = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_shows_the_last_reading_and_one_a_day_is_enough() {
    let house = company().await;
    assert!(page(&house, "/access").await.contains("Not read yet"));
    house.sandbox.remove_member(Forge::Gitlab, "acme/shop", "sam");
    let watch = async || {
        house.sandbox.clear_requests();
        for reconcile in house.reconciles.lock().await.iter_mut() {
            reconcile.read_access().await;
        }
        house.sandbox.reads()
    };
    assert_eq!(watch().await, 4, "{:?}", house.asked());
    let text = page(&house, "/access").await;
    let gap = "sam cannot read the code, open a change or push to the docs in acme/shop";
    assert!(text.contains(gap) && text.contains("give sam Developer on acme/shop"), "{text}");
    assert!(text.contains("Nobody lacks anything they need."), "GitHub: {text}");
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(23));
    assert_eq!(watch().await, 0);
    // A failure keeps the last reading, and is made good with the next sweep.
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(2));
    house.sandbox.fail_next(Forge::Gitlab, "GET", "/members/all", Fault::status(502, "Bad Gateway"), 1);
    watch().await;
    assert!(page(&house, "/access").await.contains(gap));
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(10));
    house.sandbox.add_member(Forge::Gitlab, "acme/shop", "sam", Access::WRITE);
    assert_eq!(watch().await, 1, "only what is missing is asked for: {:?}", house.asked());
    assert!(!page(&house, "/access").await.contains(gap));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_prints_a_table_and_the_smallest_grant_and_ends_with_one_if_there_are_gaps() {
    let server = Server::planned(Settings::default()).await;
    let out = server.run(&["access"]).await.good();
    assert!(out.contains("good    nobody lacks anything they need") && out.contains("sam"), "{out}");
    server.sandbox.remove_member(Forge::Gitlab, "acme/shop", "sam");
    let run = server.run(&["access"]).await;
    assert_eq!(run.code, Some(1));
    let gap = "GAP     sam cannot read the code or open a change in acme/shop\n          give sam Reporter on \
               acme/shop, or give it to the whole group acme/support";
    assert!(run.out.contains(gap), "{}", run.out);
    assert_eq!(server.run(&["access", "--forge", "github"]).await.code, Some(0));
    assert_eq!(server.run(&["access", "--forge", "nowhere"]).await.code, Some(2));
    let run = server.run(&["access", "--json"]).await;
    assert_eq!(run.code, Some(1));
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let gap = &told["forges"][0]["report"]["gaps"][0];
    assert_eq!((&gap["people"], &gap["projects"]), (&json!(["sam"]), &json!(["acme/shop"])));
    assert_eq!(gap["lacks"], json!(["read_code", "open_change"]));
    assert_eq!(gap["remedy"]["grant"]["rank"], "read");
    assert_eq!(server.sandbox.writes(), 0, "it only reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_listed_with_roles_sources_ids_and_what_is_odd() {
    let server = Server::started(Settings::default()).await;
    let out = server.run(&["people"]).await.good();
    for says in
        ["support (github:acme/support, gitlab:acme/support)", "pool backend (configuration)", "leads docs"]
    {
        assert!(out.contains(says), "{says} is missing:\n{out}");
    }
    assert!(out.contains("gitlab: read just now\n") && !out.contains("To look at"), "{out}");
    let id = server.sandbox.add_user(Forge::Gitlab, "rita", "rita");
    server.sandbox.rename_user(Forge::Gitlab, "rita", "rita-moss");
    server.sandbox.block_user(Forge::Gitlab, "siobhan", "blocked");
    server.sandbox.add_group_member("acme/support", "olga", Access::READ);
    assert!(!server.run(&["people"]).await.good().contains("olga"), "nobody was asked");
    let out = server.run(&["people", "--refresh"]).await.good();
    for says in [
        "olga joined acme/support",
        "siobhan left acme/support",
        &format!("gitlab: rita-moss #{id}"),
        "gitlab: rita is called rita-moss by now; correct the configuration",
        "gitlab: siobhan is blocked and left out in acme/support",
    ] {
        assert!(out.contains(says), "{says} is missing:\n{out}");
    }
    let json = server.run(&["people", "--json"]).await.json();
    let people = json["people"].as_array().unwrap();
    let olga = people.iter().find(|person| person["name"] == "olga").expect("she was kept");
    assert_eq!(olga["is"], json!(["support (gitlab:acme/support)"]));
    server.sandbox.fail_next(Forge::Github, "GET", "/members", Fault::status(502, "Bad Gateway"), 9);
    let run = server.run(&["people", "--refresh"]).await;
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("the last try failed: ") && run.out.contains("sam"), "{}", run.out);
}
