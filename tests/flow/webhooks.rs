//! `usher hooks`: the real binary sets up webhooks on both forges, and touches no others.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use serde_json::Value;
use usher_sandbox::{Access, Fault, Forge, HookTarget, NewHook, SignedRequest, Tier};

use super::harness::{BOT, BOTH, SECRETS, Settings, name, project};
use super::server::{Run, Server};

const SHOP: &str = "acme/shop";

fn here(forge: Forge) -> HookTarget {
    HookTarget::Project(project(forge).into())
}

fn owner(forge: Forge) -> HookTarget {
    match forge {
        Forge::Gitlab => HookTarget::Group("acme".into()),
        Forge::Github => HookTarget::Org("acme".into()),
    }
}

/// The company before anybody thought of webhooks; the bot may set them up in projects.
async fn bare() -> Server {
    let server = Server::planned(Settings::default()).await;
    for forge in BOTH {
        for target in [here(forge), owner(forge)] {
            for hook in server.sandbox.hooks_at(forge, &target) {
                server.sandbox.remove_hook(hook);
            }
        }
        server.sandbox.add_member(forge, project(forge), BOT, Access::ADMIN);
    }
    server.sandbox.clear_requests();
    server
}

/// Lets the bot set up webhooks of the group and of the organisation.
fn promote(server: &Server) {
    server.sandbox.add_group_member("acme", BOT, Access::ADMIN);
    server.sandbox.add_org_owner("acme", BOT);
}

impl Server {
    /// `usher hooks …` with the address at which this Usher listens.
    async fn hooks(&self, arguments: &[&str]) -> Run {
        let url = self.public("");
        let mut all = vec!["hooks"];
        all.extend(arguments);
        all.extend(["--url", &url]);
        let run = self.run(&all).await;
        for (name, secret) in SECRETS {
            let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
            assert!(!run.out.contains(bare) && !run.err.contains(bare), "{name} in {run:?}");
        }
        run
    }

    /// The same as JSON: `(path, state)` of every webhook, and the exit code.
    async fn states(&self, arguments: &[&str]) -> (Vec<(String, String)>, Option<i32>) {
        let (report, code) = self.report(arguments).await;
        let hooks = report["forges"].as_array().unwrap().iter().flat_map(|forge| {
            forge["webhooks"].as_array().unwrap().iter().map(|hook| {
                let text = |key: &str| hook[key].as_str().unwrap().to_owned();
                (text("path"), text("state"))
            })
        });
        (hooks.collect(), code)
    }

    async fn report(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let run = self.hooks(&all).await;
        (serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}")), run.code)
    }

    #[track_caller]
    fn the_hook(&self, forge: Forge, target: &HookTarget) -> (u64, NewHook) {
        let hooks = self.sandbox.hooks_at(forge, target);
        let [id] = hooks[..] else { panic!("{target:?} has the hooks {hooks:?}") };
        (id, self.sandbox.hook(id).unwrap())
    }
}

fn pair(path: &str, state: &str) -> (String, String) {
    (path.into(), state.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn install_is_dry_at_first_then_works_then_has_nothing_to_do() {
    let mut server = bare().await;
    let missing = vec![pair("acme/shop", "missing"), pair("acme/sdk", "missing")];
    assert_eq!(server.states(&["plan"]).await, (missing.clone(), Some(1)));
    assert_eq!(server.states(&["install"]).await, (missing, Some(1)));
    let run = server.hooks(&["install"]).await;
    assert!(run.out.contains("Nothing was written") && run.out.contains("create it"), "{run:?}");
    assert!(run.out.contains("acme: no webhook for all of it"), "{run:?}");
    assert_eq!(server.sandbox.writes(), 0, "dry by default: {:?}", server.sandbox.requests());

    let run = server.hooks(&["install", "--yes"]).await;
    assert!(run.out.contains("created"), "{run:?}");
    assert_eq!((run.code, server.sandbox.writes()), (Some(0), 2), "{run:?}");
    let (_, hook) = server.the_hook(Forge::Gitlab, &here(Forge::Gitlab));
    assert_eq!(hook.url, server.public("/hooks/gitlab"));
    assert_eq!(hook.events, ["merge_requests_events", "note_events", "confidential_note_events"]);
    assert_eq!(
        (hook.signing_token.as_deref(), &hook.secret, hook.verifies_tls),
        (Some(SECRETS[2].1), &None, true)
    );
    let (_, hook) = server.the_hook(Forge::Github, &here(Forge::Github));
    assert_eq!(hook.url, server.public("/hooks/github"));
    assert_eq!((hook.secret.as_deref(), hook.json, hook.active), (Some(SECRETS[3].1), true, true));
    assert!(!hook.events.contains(&"membership".to_owned()) && hook.events.len() == 6, "{hook:?}");

    server.sandbox.clear_requests();
    let good = vec![pair("acme/shop", "good"), pair("acme/sdk", "good")];
    assert_eq!(server.states(&["install", "--yes"]).await, (good.clone(), Some(0)));
    assert_eq!(server.states(&["plan"]).await, (good, Some(0)));
    assert_eq!(server.sandbox.writes(), 0, "the second time there is nothing to do");

    // The whole path: what the forges now sign is taken by the server.
    server.start().await;
    server.settled_in().await;
    for forge in BOTH {
        let change = server.open(forge, "sam");
        let sent = server.sandbox.take_pending();
        let ours: Vec<&SignedRequest> = sent.iter().filter(|one| one.forge == forge).collect();
        assert!(!ours.is_empty(), "{forge:?} delivers");
        for request in ours {
            let status = server.sandbox.send(request).await;
            let expected = if request.event == "ping" { 200 } else { 202 };
            assert_eq!(status, Some(expected), "{} of {forge:?}", request.event);
        }
        server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
    }
    let run = server.hooks(&["status"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("last answer: 20") && run.out.contains("none failed"), "{run:?}");
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_get_one_hook_and_projects_none_beside_it() {
    let server = bare().await;
    promote(&server);
    let missing = vec![pair("acme", "missing"); 2];
    assert_eq!(server.states(&["plan"]).await, (missing, Some(1)));
    assert_eq!(server.hooks(&["install", "--yes"]).await.code, Some(0));
    let (_, group) = server.the_hook(Forge::Gitlab, &owner(Forge::Gitlab));
    assert_eq!(group.events.last().map(String::as_str), Some("member_events"));
    let (_, org) = server.the_hook(Forge::Github, &owner(Forge::Github));
    assert!(org.events.contains(&"membership".to_owned()) && org.events.len() == 9, "{org:?}");
    for forge in BOTH {
        assert!(server.sandbox.hooks_at(forge, &here(forge)).is_empty());
    }
    assert_eq!(server.states(&["plan"]).await, (vec![pair("acme", "good"); 2], Some(0)));
    assert_eq!(server.hooks(&["install", "--rotate", "--yes"]).await.code, Some(0));
    let run = server.hooks(&["status"]).await;
    assert!(run.code == Some(0) && run.out.contains("0 seen, none failed"), "{run:?}");

    // Asked for by name, a project's hook beside it would deliver twice: it is not set up.
    let covered = vec![pair("acme/shop", "covered"), pair("acme/sdk", "covered")];
    assert_eq!(server.states(&["install", "--level", "project", "--yes"]).await, (covered, Some(0)));
    // Somebody did it by hand.
    for forge in BOTH {
        server.add_hook(forge, here(forge));
    }
    let double = [("acme", "good"), ("acme/shop", "double"), ("acme", "good"), ("acme/sdk", "double")];
    let double: Vec<_> = double.iter().map(|(path, state)| pair(path, state)).collect();
    assert_eq!(server.states(&["plan"]).await, (double, Some(0)));
    assert_eq!(server.hooks(&["remove", "--level", "project", "--yes"]).await.code, Some(0));
    assert_eq!(server.states(&["plan"]).await, (vec![pair("acme", "good"); 2], Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_premium_or_rights_the_projects_have_their_own_and_the_reason_is_told() {
    let server = bare().await;
    promote(&server);
    server.sandbox.set_gitlab_tier(Tier::Free);
    let run = server.hooks(&["install", "--forge", "gitlab", "--yes"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("GitLab Premium") && run.out.contains("project acme/shop"), "{run:?}");
    server.the_hook(Forge::Gitlab, &here(Forge::Gitlab));
    // Who insists on the group is told why not.
    let run = server.hooks(&["install", "--forge", "gitlab", "--level", "group", "--yes"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("cannot be seen") && run.out.contains("Premium"), "{run:?}");

    // A maintainer of a repository is no administrator.
    server.sandbox.remove_member(Forge::Github, "acme/sdk", BOT);
    server.sandbox.add_member(Forge::Github, "acme/sdk", BOT, Access::MAINTAIN);
    let run = server.hooks(&["install", "--forge", "github", "--level", "project", "--yes"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("administrator"), "{run:?}");
    let run = server.hooks(&["plan", "--forge", "gitea"]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("there is gitlab, github"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_named_in_full_have_their_own_hook_unless_a_group_covers_them() {
    let server = bare().await;
    let text = server.text(&server.settings).replace("\"acme/*\"", "\"acme/shop\", \"acme/sdk\"");
    server.write_config(&text);
    for (forge, other) in [(Forge::Gitlab, "acme/sdk"), (Forge::Github, "acme/shop")] {
        server.sandbox.add_member(forge, other, BOT, Access::ADMIN);
    }
    let four = ["acme/sdk", "acme/shop", "acme/sdk", "acme/shop"];
    let all = |state: &str| four.map(|path| pair(path, state)).to_vec();
    assert_eq!(server.states(&["plan"]).await, (all("missing"), Some(1)));
    promote(&server);
    for forge in BOTH {
        server.add_hook(forge, owner(forge));
    }
    assert_eq!(server.states(&["install", "--yes"]).await, (all("covered"), Some(0)));
    // Nobody asked for the owners' hooks to be taken down.
    assert_eq!(server.states(&["remove", "--yes"]).await, (Vec::new(), Some(0)));
    assert_eq!(server.hooks(&["remove", "--level", "group", "--yes"]).await.code, Some(0));
    for forge in BOTH {
        assert!(server.sandbox.hooks_at(forge, &owner(forge)).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_projects_are_anywhere_each_has_its_own_hook() {
    let server = bare().await;
    server.write_config(&server.text(&server.settings).replace("acme/*", "**"));
    let missing = vec![pair("acme/shop", "missing"), pair("acme/sdk", "missing")];
    assert_eq!(server.states(&["plan"]).await, (missing, Some(1)));
    let run = server.hooks(&["plan", "--level", "group"]).await;
    assert!(run.out.contains("`**` names no group"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_is_named_and_corrected() {
    let server = bare().await;
    let url = |forge| server.public(&format!("/hooks/{}/", name(forge)));
    let odd = |forge, events: &[&str]| NewHook {
        verifies_tls: false,
        ..NewHook::to(&url(forge)).with_events(events)
    };
    let off = |hook| NewHook { active: false, json: false, ..hook };
    let hooks = [
        (Forge::Gitlab, odd(Forge::Gitlab, &["push_events", "note_events"])),
        (Forge::Github, off(odd(Forge::Github, &["*"]))),
    ];
    let ids = hooks.map(|(forge, hook)| server.sandbox.add_hook(forge, here(forge), hook));
    let run = server.hooks(&["plan"]).await;
    assert_eq!(run.code, Some(1));
    for words in [
        "does not hear Confidential comments, Merge request events",
        "hears push_events for nothing",
        "does not verify the certificate",
        "its address is spelt differently",
        "has no signing token",
        "hears everything",
        "is switched off",
        "sends forms instead of JSON",
        "has no secret",
    ] {
        let whole = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains(words), "`{words}` is missing in {whole}");
    }
    server.sandbox.clear_requests();
    let run = server.hooks(&["install", "--yes"]).await;
    assert_eq!((run.code, server.sandbox.writes()), (Some(0), 2), "{run:?}");
    for (forge, id) in BOTH.into_iter().zip(ids) {
        let (same, hook) = server.the_hook(forge, &here(forge));
        assert_eq!(same, id, "edited, not replaced");
        assert!(hook.active && hook.json && hook.verifies_tls, "{hook:?}");
    }
    let good = vec![pair("acme/shop", "good"), pair("acme/sdk", "good")];
    assert_eq!(server.states(&["plan"]).await, (good, Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_is_kept_in_one_file_and_shown_nowhere() {
    let mut server = bare().await;
    assert_eq!(server.hooks(&["install", "--yes"]).await.code, Some(0));
    // The configuration names a file that is not there yet.
    let text = server.text(&server.settings).replace("env:WEBHOOK_SECRET", "file:github-secret");
    let text = text.replace("env:SIGNING_TOKEN", "file:gitlab-token");
    server.write_config(&text);
    let mut shown = String::new();
    let mut made = BTreeMap::new();
    for (forge, file) in [(Forge::Gitlab, "gitlab-token"), (Forge::Github, "github-secret")] {
        let path = server.folder.path().join(file);
        let path = path.to_str().unwrap();
        let other = if forge == Forge::Gitlab { "github-secret" } else { "gitlab-token" };
        let other = server.folder.path().join(other);
        if !other.exists() {
            std::fs::write(&other, "c3RhbmRzIGluIGZvciB0aGUgb3RoZXIgb25lIGhlcmU=\n").unwrap();
        }
        let arguments = ["install", "--forge", name(forge), "--generate-secret", path];
        server.sandbox.clear_requests();
        let dry = server.hooks(&arguments).await;
        assert_eq!((dry.code, server.sandbox.writes()), (Some(1), 0), "{dry:?}");
        assert!(!std::path::Path::new(path).exists(), "a plan keeps nothing");
        let wet = server.hooks(&[&arguments[..], &["--yes"]].concat()).await;
        assert_eq!((wet.code, server.sandbox.writes()), (Some(0), 1), "{wet:?}");
        assert!(wet.out.contains("The configuration names it already"), "{wet:?}");
        let again = server.hooks(&[&arguments[..], &["--yes"]].concat()).await;
        assert_eq!(again.code, Some(2), "{again:?}");
        assert!(again.err.contains("no secret is overwritten"), "{again:?}");
        let kept = std::fs::read_to_string(path).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        made.insert(forge, kept.trim_end().to_owned());
        for run in [dry, wet, again] {
            shown += &(run.out + &run.err);
        }
        if forge == Forge::Gitlab {
            std::fs::remove_file(&other).unwrap();
        }
    }
    let (_, hook) = server.the_hook(Forge::Gitlab, &here(Forge::Gitlab));
    assert_eq!(hook.signing_token.as_ref(), Some(&made[&Forge::Gitlab]));
    assert!(made[&Forge::Gitlab].starts_with("whsec_") && made[&Forge::Gitlab].len() == 50);
    let (_, hook) = server.the_hook(Forge::Github, &here(Forge::Github));
    assert_eq!(hook.secret.as_ref(), Some(&made[&Forge::Github]));
    assert_eq!(made[&Forge::Github].len(), 44);
    // The server believes what is signed with them.
    server.sandbox.take_pending();
    server.start().await;
    server.settled_in().await;
    for forge in BOTH {
        server.open(forge, "sam");
        let request = server.the_webhook();
        assert_eq!(server.sandbox.send(&request).await, Some(202), "{forge:?}");
    }
    let log = server.log();
    for secret in made.values() {
        let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
        assert!(!shown.contains(bare), "{shown}");
        assert!(!log.contains(bare), "{log}");
    }
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_the_configuration_does_not_know_comes_with_the_line_to_add() {
    let server = bare().await;
    let path = server.folder.path().join("new-secret");
    let path = path.to_str().unwrap();
    let wide = server.hooks(&["install", "--generate-secret", path, "--yes"]).await;
    assert_eq!((wide.code, server.sandbox.writes()), (Some(2), 0), "one forge at a time: {wide:?}");
    let run = server.hooks(&["install", "--forge", "github", "--generate-secret", path, "--yes"]).await;
    let line = format!("webhook_secrets = [\"file:{path}\"]");
    assert!(run.code == Some(0) && run.out.contains(&line), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_of_hooks_in_order_is_set_again_only_when_asked_for() {
    let server = bare().await;
    let token = format!("whsec_{}=", "A".repeat(43));
    for forge in BOTH {
        let hook = NewHook::to(&server.public(&format!("/hooks/{}", name(forge))));
        let events: &[&str] = match forge {
            Forge::Gitlab => &["merge_requests_events", "note_events", "confidential_note_events"],
            Forge::Github => &[
                "pull_request",
                "pull_request_review",
                "pull_request_review_comment",
                "pull_request_review_thread",
                "issue_comment",
                "repository",
            ],
        };
        let hook =
            NewHook { signing_token: Some(token.clone()), ..hook.with_secret("old").with_events(events) };
        server.sandbox.add_hook(forge, here(forge), hook);
    }
    assert_eq!(server.hooks(&["install", "--yes"]).await.code, Some(0));
    assert_eq!(server.sandbox.writes(), 0, "no forge shows which secret a hook has");
    assert_eq!(server.hooks(&["plan", "--rotate"]).await.code, Some(1));
    assert_eq!(server.hooks(&["install", "--rotate", "--yes"]).await.code, Some(0));
    assert_eq!(server.sandbox.writes(), 2);
    let (_, hook) = server.the_hook(Forge::Gitlab, &here(Forge::Gitlab));
    assert_eq!(hook.signing_token.as_deref(), Some(SECRETS[2].1));
    let (_, hook) = server.the_hook(Forge::Github, &here(Forge::Github));
    assert_eq!(hook.secret.as_deref(), Some(SECRETS[3].1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_without_the_secret_and_ends_in_exit_code_1() {
    let server = bare().await;
    for (forge, (_, secret)) in BOTH.into_iter().zip([SECRETS[2], SECRETS[3]]) {
        let refusal = Fault::status(422, &format!("the secret {secret} is too short"));
        server.sandbox.fail_next(forge, "POST", "/hooks", refusal, 1);
    }
    let run = server.hooks(&["install", "--yes"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let whole = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        whole.matches("FAILED: refused with 422: the secret [secret] is too short").count(),
        2,
        "{whole}"
    );
    // Nothing is left half done: the next run does it.
    assert_eq!(server.hooks(&["install", "--yes"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_tells_of_hooks_that_are_not_well() {
    let server = bare().await;
    assert_eq!(server.hooks(&["install", "--yes"]).await.code, Some(0));
    // Nobody listens.
    for forge in BOTH {
        for _ in 0..4 {
            server.open(forge, "sam");
        }
    }
    server.deliver().await;
    let run = server.run(&["hooks", "status"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let whole = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "temporarily disabled until",
        "last answer: misconfigured failed to connect to host",
        "5 seen, 5 failed",
        "internal error",
        "nobody answers at its address; is it right, and can the forge reach it?",
    ] {
        assert!(whole.contains(words), "`{words}` is missing in {whole}");
    }
    let (report, code) = server.report(&["status"]).await;
    assert_eq!(code, Some(1));
    assert_eq!(report["forges"][1]["webhooks"][0]["deliveries"]["failed"], 5, "{report:#}");
    assert_eq!(report["forges"][0]["webhooks"][0]["well"], false, "{report:#}");
}

/// Hooks of others, by their address; some come close to ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_not_the_configured_one_is_named_with_its_remedy() {
    let mut server = bare().await;
    for forge in BOTH {
        let hook = NewHook::to(&server.public(&format!("/hooks/{}", name(forge)))).with_secret("another");
        server.sandbox.add_hook(forge, here(forge), hook);
    }
    server.start().await;
    BOTH.into_iter().for_each(|forge| drop(server.open(forge, "sam")));
    server.deliver().await;
    let run = server.run(&["hooks", "status"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    for words in [
        "the secret there is not one of `signing_tokens`",
        "the secret there is not one of `webhook_secrets`",
    ] {
        assert!(run.out.contains(words), "`{words}` is missing in {run:?}");
    }
    let (report, _) = server.report(&["status"]).await;
    for forge in [0, 1] {
        let hook = &report["forges"][forge]["webhooks"][0];
        assert_eq!(hook["well"], false, "{report:#}");
        assert!(hook["deliveries"]["failing"].as_u64() > Some(0), "{report:#}");
    }
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let whole = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(whole.matches("its deliveries do not come through since").count(), 2, "{run:?}");
    assert_eq!(whole.matches("--rotate --yes` gives it the first of them").count(), 2, "{run:?}");
}

fn foreign() -> impl Strategy<Value = Vec<(usize, Vec<&'static str>, bool)>> {
    let events = prop::sample::subsequence(vec!["push_events", "note_events", "push", "pull_request"], 0..4);
    prop::collection::vec((0..9_usize, events, any::<bool>()), 0..8)
}

fn address(server: &Server, forge: Forge, kind: usize) -> String {
    let (host, name) = (server.public(""), name(forge));
    match kind {
        0 => "https://ci.example.com/build".into(),
        1 => format!("https://usher.example.com/hooks/{name}"),
        2 => format!("{host}/hooks/{name}2"),
        3 => format!("{host}/webhooks/{name}"),
        4 => format!("{host}/a/hooks/{name}"),
        5 => format!("{host}/?to=/hooks/{name}"),
        6 => format!("{}/hooks/{name}", host.replace("http://", "https://")),
        7 => format!("https://hook{kind}.example.com/secret-path-{kind}"),
        _ => format!("{host}/hooks/{}", if forge == Forge::Gitlab { "github" } else { "gitlab" }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever others have: install, rotate and remove leave it as it is, and never show it.
    #[test]
    fn foreign_hooks_are_never_touched_or_shown(theirs in foreign()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = bare().await;
            let mut before = BTreeMap::new();
            for forge in BOTH {
                for (kind, events, active) in &theirs {
                    let hook = NewHook::to(&address(&server, forge, *kind)).with_events(events).with_secret("theirs");
                    let id = server.sandbox.add_hook(forge, here(forge), NewHook { active: *active, ..hook });
                    before.insert(id, format!("{:?}", server.sandbox.hook(id).unwrap()));
                }
            }
            server.sandbox.clear_requests();
            for arguments in [&["install", "--yes"][..], &["install", "--rotate", "--yes"], &["status"], &["remove", "--yes"]] {
                let run = server.hooks(arguments).await;
                assert_eq!(run.code, Some(0), "{run:?}");
                assert!(!run.out.contains("example.com") && !run.out.contains("theirs"), "{run:?}");
                if !theirs.is_empty() && arguments[0] != "remove" {
                    let left = match theirs.len() {
                        1 => "1 webhook of others is left alone".to_owned(),
                        many => format!("{many} webhooks of others are left alone"),
                    };
                    assert!(run.out.contains(&left), "{run:?}");
                }
            }
            assert_eq!(server.sandbox.writes(), 6, "ours: created, given the secret, removed");
            let after: BTreeMap<u64, String> = BOTH
                .into_iter()
                .flat_map(|forge| server.sandbox.hooks_at(forge, &here(forge)))
                .map(|id| (id, format!("{:?}", server.sandbox.hook(id).unwrap())))
                .collect();
            assert_eq!(after, before);
            assert_eq!(server.sandbox.hooks_at(Forge::Gitlab, &HookTarget::Project(SHOP.into())).len(), theirs.len());
        });
    }
}
