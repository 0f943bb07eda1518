//! `usher check --online`: what is well is said, and what is not comes with what to do about it.

use jiff::{SignedDuration, Timestamp};
use usher_sandbox::{Access, Fault, Forge, HookTarget, NewHook};

use super::harness::{BOT, BOTH, SECRETS, Settings, name, project};
use super::server::{Run, Server};
use crate::app::{APP_ID, private_key, public_key};

const GOLDEN: &str = include_str!("check_online.txt");

async fn planned() -> Server {
    Server::planned(Settings::default()).await
}

/// The lines about one forge, remedies included.
fn about(run: &Run, forge: Forge) -> String {
    let mut lines = Vec::new();
    let mut here = false;
    for line in run.out.lines() {
        if let Some((_, rest)) = line.split_at_checked(10).filter(|(word, _)| !word.trim().is_empty()) {
            here = rest.starts_with(&format!("{}: ", name(forge)));
        }
        if here {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// How many findings of this level a forge has.
fn count(run: &Run, forge: Forge, level: &str) -> usize {
    let about = about(run, forge);
    about.lines().filter(|line| line.trim_start().starts_with(level)).count()
}

fn in_days(days: i64) -> Timestamp {
    usher::clock::Clock::system().now() + SignedDuration::from_hours(24 * days + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well_and_said_line_by_line() {
    let server = planned().await;
    server.sandbox.add_org_owner("acme", BOT);
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let (_, online) = run.out.split_once("\n  good ").unwrap();
    assert_eq!(format!("  good {online}"), GOLDEN);
    let json = server.run(&["check", "--online", "--json"]).await.json();
    let findings = json["online"].as_array().unwrap();
    assert_eq!(findings.len(), GOLDEN.lines().count());
    assert!(
        findings.iter().all(|one| one["level"] == "good" && one["good"] == true && one["remedy"].is_null())
    );
    assert_eq!(server.sandbox.writes(), 0, "it only looks");
}

/// Something is wrong on each forge; what `check` must say of it, and with which exit code.
async fn told(wrong: impl Fn(&Server, Forge), code: i32, level: &str, expected: &str) {
    let server = planned().await;
    BOTH.into_iter().for_each(|forge| wrong(&server, forge));
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(code), "{expected}: {run:?}");
    for forge in BOTH {
        let about = about(&run, forge);
        let found = about.lines().any(|line| line.trim_start().starts_with(level) && line.contains(expected));
        assert!(found, "{expected}: {about}");
    }
    let json = server.run(&["check", "--online", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    for one in json["online"].as_array().unwrap() {
        assert_eq!(one["remedy"].is_null(), one["level"] == "good", "each fault has a remedy: {one}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_worthless_or_end_soon() {
    let token = |forge| SECRETS[usize::from(forge == Forge::Github)].1;
    let revoked = |server: &Server, forge| server.sandbox.revoke_token(forge, token(forge));
    told(revoked, 1, "FAULT", "does not accept the token (401)").await;
    let scopes = |forge| if forge == Forge::Gitlab { &["api"][..] } else { &["repo", "read:org"] };
    let ends = move |days| {
        move |server: &Server, forge| {
            server.sandbox.describe_token(forge, token(forge), scopes(forge), Some(in_days(days)));
        }
    };
    told(ends(5), 0, "WARNING", "it ends on").await;
    told(ends(40), 0, "good", "it lasts until").await;
    let reads = |server: &Server, forge| {
        server.sandbox.describe_token(forge, token(forge), &["read_api"], None);
    };
    told(reads, 1, "FAULT", "the token lacks the scope").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forges_that_cannot_be_reached_or_keep_another_time() {
    let server = planned().await;
    for forge in BOTH {
        server.sandbox.stop_listening(forge).await;
    }
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(1));
    for forge in BOTH {
        assert!(about(&run, forge).contains("no answer from the forge"), "{run:?}");
        assert_eq!(count(&run, forge, "FAULT"), 1, "one fault, and nothing asked after it: {run:?}");
    }
    let ahead = |seconds| {
        move |server: &Server, forge| {
            server.sandbox.set_clock_ahead(forge, SignedDuration::from_secs(seconds));
        }
    };
    told(ahead(20), 0, "good", "the clocks are in step").await;
    told(ahead(120), 0, "WARNING", "s behind the forge's").await;
    told(ahead(-400), 1, "FAULT", "signed webhooks count as too old").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_without_enough_rights_or_not_there() {
    let reads = |server: &Server, forge| {
        server.sandbox.add_member(forge, project(forge), BOT, Access::TRIAGE);
    };
    told(reads, 1, "FAULT", "may ask nobody for a review there").await;
    let out = |server: &Server, forge| server.sandbox.remove_member(forge, project(forge), BOT);
    told(out, 1, "FAULT", "no project matches").await;
    let named = |server: &Server, _| {
        let text = server.company.text(&server.settings);
        server.write_config(&text.replace("[\"acme/*\"]", "[\"acme/shop\", \"acme/sdk\", \"acme/gone\"]"));
    };
    told(named, 1, "FAULT", "acme/gone is not there, or hidden").await;
    let beside_a_wildcard = |server: &Server, _| {
        let text = server.company.text(&server.settings);
        server.write_config(
            &text.replace("[\"acme/*\"]", "[\"acme/*\", \"ACME/Shop\", \"Acme/sdk\", \"acme/gone\"]"),
        );
    };
    told(beside_a_wildcard, 1, "FAULT", "acme/gone is not there, or hidden").await;
    let forbidden = |server: &Server, forge| {
        server.sandbox.fail_next(forge, "GET", "/labels", Fault::status(403, "no"), 9);
    };
    told(forbidden, 0, "good", "6 of its 6 labels come when first needed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_groups_that_are_not_known() {
    let server = planned().await;
    let text = server.company.text(&server.settings);
    let text = text.replace("acme/support\"]", "acme/nowhere\"]").replace("\"ravi\"", "\"raavi\"");
    server.write_config(&text);
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(1));
    for forge in BOTH {
        let about = about(&run, forge);
        assert!(about.contains("`acme/nowhere` is not known there"), "{about}");
        assert!(about.contains("`raavi` is not known there"), "{about}");
        assert!(about.contains("0 support engineers have an account there"), "{about}");
        assert_eq!(count(&run, forge, "FAULT"), 3, "{about}");
    }
    let hidden = |server: &Server, forge| {
        server.sandbox.fail_next(forge, "GET", "/members?", Fault::status(403, "no"), 9);
    };
    told(hidden, 1, "FAULT", "cannot be read").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_are_missing_or_do_not_come_through() {
    let server = planned().await;
    for forge in BOTH {
        server.sandbox.add_member(forge, project(forge), BOT, Access::ADMIN);
        server.company.add_hook(forge, HookTarget::Project(project(forge).into()));
    }
    let run = server.run(&["check", "--online"]).await;
    assert_eq!((run.code, run.out.matches("its webhook is in order").count()), (Some(0), 2), "{run:?}");
    // Nobody listens there.
    for forge in BOTH {
        (0..4).for_each(|_| drop(server.open(forge, "sam")));
    }
    server.deliver().await;
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    for (forge, ill) in BOTH.into_iter().zip(["(temporarily disabled until ", "the last answer was 502"]) {
        let about = about(&run, forge);
        assert!(about.contains("deliveries do not come through") && about.contains(ill), "{about}");
    }
    let none = planned().await;
    for forge in BOTH {
        none.sandbox.add_member(forge, project(forge), BOT, Access::ADMIN);
    }
    let hooks: Vec<u64> = (0..10_000).filter(|id| none.sandbox.hook_status(*id).is_some()).collect();
    hooks.into_iter().for_each(|id| none.sandbox.remove_hook(id));
    none.sandbox.add_hook(
        Forge::Github,
        HookTarget::Org("acme".into()),
        NewHook::to("http://127.0.0.1:9/ci"),
    );
    none.sandbox.add_org_owner("acme", BOT);
    let run = none.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(0), "a warning is no failure: {run:?}");
    assert!(about(&run, Forge::Gitlab).contains("no webhook of its own leads to /hooks/gitlab"), "{run:?}");
    assert!(about(&run, Forge::Github).contains("no webhook leads to /hooks/github"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlabs_version_its_own_reviewers_and_a_companys_own_roles() {
    let server = planned().await;
    let said = async |version: &str| {
        server.sandbox.set_gitlab_version(version);
        let run = server.run(&["check", "--online"]).await;
        (run.code, about(&run, Forge::Gitlab))
    };
    let (code, about) = said("15.6.8-ee").await;
    let words = "FAULT   gitlab: GitLab 15.6.8-ee is too old: Usher works with 15.7 and newer";
    assert!(code == Some(1) && about.contains(words), "{about}");
    let (code, about) = said("18.11.2").await;
    assert!(code == Some(1) && about.contains("GitLab 18.11.2 does not sign webhooks"), "{about}");
    let (code, about) = said("twenty").await;
    assert!(
        code == Some(0) && about.contains("WARNING gitlab: its version, twenty, is not understood"),
        "{about}"
    );
    server.sandbox.set_reviewer_assignment("acme/shop", "code_owners");
    let (code, about) = said("20.0.0-pre").await;
    assert!(code == Some(0) && about.contains("GitLab 20.0.0-pre is new enough"), "{about}");
    let words = "WARNING gitlab: acme/shop: GitLab assigns reviewers there by itself (code_owners)";
    assert!(about.contains(words), "{about}");
    server.sandbox.add_member(Forge::Gitlab, "acme/shop", BOT, Access::READ);
    let (code, about) = said("20.0.0-pre").await;
    assert!(code == Some(1) && about.contains("may ask nobody for a review there"), "{about}");
    server.sandbox.widen_role("acme/shop", BOT);
    let (code, about) = said("20.0.0-pre").await;
    assert!(code == Some(0) && !about.contains("FAULT"), "{about}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_github_app_is_held_against_what_usher_needs() {
    let server = planned().await;
    server.sandbox.add_app(APP_ID, "usher", &public_key());
    server.sandbox.install_app("acme");
    server.sandbox.set_app_hook("https://usher.example.com/hooks/github");
    let key = server.folder.path().join("app.pem");
    std::fs::write(&key, private_key()).unwrap();
    let app = format!("app_id = {APP_ID}\napp_private_key = \"file:app.pem\"");
    let text = server.company.text(&server.settings).replace("token = \"env:GITHUB_TOKEN\"", &app);
    server.write_config(&text);
    let run = server.run(&["check", "--online"]).await;
    let said = about(&run, Forge::Github);
    assert_eq!(run.code, Some(0), "{said}");
    for expected in
        ["a GitHub App", "at acme with all rights it needs", "as usher[bot]", "the App delivers for it"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let few = serde_json::json!({ "pull_requests": "read", "metadata": "read", "issues": "write" });
    server.sandbox.set_app_permissions(few);
    server.write_config(&text.replace("projects = [\"acme/*\"]", "projects = [\"acme/*\", \"beta/*\"]"));
    let run = server.run(&["check", "--online"]).await;
    let said = about(&run, Forge::Github);
    assert_eq!(run.code, Some(1), "{said}");
    let lacks = "the App lacks at acme: Pull requests: write, the organisation's Members: read";
    assert!(said.contains(lacks) && said.contains("the App is not installed at beta"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_of_subgroups_that_are_not_watched_are_counted() {
    let planned = async |projects| Server::planned(Settings { projects, ..Settings::default() }).await;
    let server = planned(r#"["acme/*"]"#).await;
    for path in ["acme/tools/cli", "acme/tools/deep/er"] {
        server.sandbox.add_project(Forge::Gitlab, path);
        server.sandbox.add_member(Forge::Gitlab, path, BOT, Access::WRITE);
    }
    let run = server.run(&["check", "--online"]).await;
    let says = "WARNING gitlab: 2 projects of subgroups are not watched, acme/tools/cli for one";
    assert!(run.out.contains(says), "{run:?}");
    assert!(run.out.contains("write `**` in `projects`"), "{run:?}");
    let server = planned(r#"["acme/**"]"#).await;
    server.sandbox.add_project(Forge::Gitlab, "acme/tools/cli");
    server.sandbox.add_member(Forge::Gitlab, "acme/tools/cli", BOT, Access::WRITE);
    let run = server.run(&["check", "--online"]).await;
    assert!(!run.out.contains("not watched"), "{run:?}");
}
