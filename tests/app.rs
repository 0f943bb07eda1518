//! Signing in as a GitHub App: the real client against the sandbox, which checks every JWT.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use jiff::SignedDuration;
use usher::clock::Clock;
use usher::forge::{AppKey, Client, ClientConfig, Credentials, ForgeFault, Hint, Since};
use usher_core::model::access::BotRights;
use usher_core::model::action::{Comment, DesiredState, Write};
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::people::RosterWish;
use usher_core::model::policy::Pattern;
use usher_sandbox::{Access, ChangeRef, Forge, HookTarget, NewChange, NewHook, Sandbox};

pub const APP_ID: u64 = 4_711;

/// One key for all tests: making it takes a moment.
static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub fn private_key() -> String {
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = KEY.as_der().unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

pub fn public_key() -> String {
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = KEY.public_key().as_der().unwrap();
    pem("PUBLIC KEY", der.as_ref())
}

/// Two organisations that have installed the App, and one that has not.
struct Town {
    sandbox: Sandbox,
    clock: Clock,
    client: Client,
}

impl Town {
    async fn new(projects: &[&str]) -> Town {
        let clock = Clock::virtual_at("2026-03-02T09:00:00Z".parse().unwrap());
        let sandbox = crate::wire::tape::sandbox(clock.clone()).await;
        for project in ["acme/shop", "acme/tools", "beta/site", "gamma/secret"] {
            for login in ["sam", "rita"] {
                sandbox.add_member(Forge::Github, project, login, Access::WRITE);
            }
        }
        sandbox.add_team("acme", "support", None, &["sam"]);
        sandbox.add_app(APP_ID, "usher", &public_key());
        sandbox.install_app("acme");
        sandbox.install_app("beta");
        let config = ClientConfig {
            name: "here".into(),
            kind: ForgeKind::GitHub,
            url: sandbox.github_url(),
            credentials: Credentials::App(AppKey {
                id: APP_ID.to_string(),
                private_key: private_key().into(),
            }),
            projects: projects.iter().map(|text| Pattern::new(text).unwrap()).collect(),
            user_agent: "usher/test".into(),
        };
        let client = Client::new(config, clock.clone()).unwrap();
        Town { sandbox, clock, client }
    }

    fn open(&self, project: &str) -> (ChangeRef, ChangeKey) {
        let change =
            self.sandbox.open_change(Forge::Github, project, NewChange::by("sam", "Fix it")).unwrap();
        let key = ChangeKey::new("here", project, change.number);
        (change, key)
    }

    /// How often a request whose path contains `part` came in.
    fn count(&self, part: &str) -> usize {
        self.sandbox.requests().iter().filter(|request| request.path.contains(part)).count()
    }
}

fn label(name: &str) -> Write {
    Write::Desired(DesiredState { labels: [name.to_owned()].into(), ..DesiredState::default() })
}

#[tokio::test]
async fn each_owner_has_a_token_of_its_own_and_one_lasts_its_hour() {
    let town = Town::new(&["acme/*", "beta/*"]).await;
    for project in ["acme/shop", "acme/tools", "beta/site"] {
        let (change, key) = town.open(project);
        town.client.perform(&key, &label("seen"), Hint::default()).await.unwrap();
        let seen = town.sandbox.snapshot(&change).unwrap();
        assert!(seen.labels.iter().any(|label| label == "seen"), "{project}: {seen:?}");
    }
    assert_eq!(town.count("/access_tokens"), 2, "one for acme, one for beta");
    assert_eq!(town.count("/app/installations?"), 1);

    let (_, key) = town.open("acme/shop");
    town.clock.advance_to(town.clock.now() + SignedDuration::from_mins(54));
    town.client.observe(&key).await.unwrap();
    assert_eq!(town.count("/access_tokens"), 2, "still good");
    town.clock.advance_to(town.clock.now() + SignedDuration::from_mins(2));
    town.client.observe(&key).await.unwrap();
    assert_eq!(town.count("/access_tokens"), 3, "renewed before it ends, not after a refusal");
    assert!(town.sandbox.requests().iter().all(|request| request.status != Some(401)));
}

#[tokio::test]
async fn a_token_that_became_worthless_is_replaced_and_the_write_happens_once() {
    let town = Town::new(&["acme/*"]).await;
    let (change, key) = town.open("acme/shop");
    town.client.observe(&key).await.unwrap();
    town.sandbox.revoke_app_tokens();
    let reply =
        Write::Comment(Comment::Reply { key: "k".into(), body: "<!-- usher:ping:k -->\nhello".into() });
    town.client.perform(&key, &reply, Hint::default()).await.unwrap();
    assert_eq!(town.sandbox.snapshot(&change).unwrap().comments.len(), 1);
    let refused = town.sandbox.requests().iter().filter(|request| request.status == Some(401)).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn it_lists_what_it_was_let_into_and_no_more() {
    for projects in [&["acme/*", "beta/*"][..], &["**"][..]] {
        let town = Town::new(projects).await;
        for project in ["acme/shop", "acme/tools", "beta/site", "gamma/secret"] {
            town.open(project);
        }
        let listing = town.client.list(&Since::default()).await.unwrap();
        let projects: Vec<&str> = listing.changes.iter().map(|(key, _)| key.project.as_str()).collect();
        assert_eq!(projects, ["acme/shop", "acme/tools", "beta/site"]);
        assert!(!listing.truncated);
    }
}

#[tokio::test]
async fn every_page_is_asked_for_with_the_token() {
    let town = Town::new(&["acme/*"]).await;
    for _ in 0..230 {
        town.open("acme/shop");
    }
    let listing = town.client.list(&Since::default()).await.unwrap();
    assert_eq!(listing.changes.len(), 230);
    assert!(
        town.sandbox
            .requests()
            .iter()
            .all(|request| request.status == Some(200) || request.status == Some(201))
    );
}

#[tokio::test]
async fn it_reads_the_log_of_its_deliveries_page_by_page_and_has_them_sent_again() {
    let town = Town::new(&["acme/*"]).await;
    // Nobody listens there.
    town.sandbox.add_hook(Forge::Github, HookTarget::Org("acme".into()), NewHook::to("http://127.0.0.1:9/"));
    let begun = town.clock.now();
    for _ in 0..120 {
        town.open("acme/shop");
    }
    town.sandbox.deliver_pending().await;
    let logs = town.client.delivery_logs().await.unwrap();
    let [log] = logs.as_slice() else { panic!("{logs:?}") };
    let failed = town.client.failed_deliveries(log, begun).await.unwrap();
    let mut guids: Vec<&str> = failed.iter().map(|one| one.guid.as_str()).collect();
    guids.sort_unstable();
    guids.dedup();
    assert!(guids.len() == failed.len() && failed.len() >= 120, "{}", failed.len());
    assert_eq!(town.count("/app/hook/deliveries"), failed.len().div_ceil(100));
    assert!(failed.is_sorted_by_key(|one| std::cmp::Reverse(one.id)), "newest first");

    town.client.redeliver(log, failed[0].id).await.unwrap();
    let again = town.sandbox.deliver_pending().await;
    assert_eq!(again[0].delivery_id, failed[0].guid, "under the id it had");
    let later = begun + SignedDuration::from_mins(1);
    assert_eq!(town.client.failed_deliveries(log, later).await, Ok(Vec::new()));
}

#[tokio::test]
async fn it_knows_itself_and_people_and_teams() {
    let town = Town::new(&["acme/*"]).await;
    let wish = RosterWish {
        logins: ["rita".to_owned(), "nobody".to_owned()].into(),
        groups: ["acme/support".to_owned()].into(),
    };
    let roster = town.client.roster(&wish).await.unwrap();
    assert_eq!(roster.me.unwrap().login, "usher[bot]");
    assert_eq!(roster.unknown, ["nobody"]);
    assert_eq!(roster.groups["acme/support"].len(), 1);
}

#[tokio::test]
async fn what_it_may_do_is_what_each_installation_was_granted() {
    let town = Town::new(&["acme/*"]).await;
    let facts = town.client.access().await.unwrap();
    let BotRights::Permissions(granted) = &facts.projects[0].bot else { panic!("{facts:?}") };
    assert_eq!(granted.get("pull_requests").map(String::as_str), Some("write"));
    assert!(facts.projects.iter().all(|project| project.members.is_some()), "{facts:?}");
}

#[tokio::test]
async fn an_owner_who_has_not_installed_it_is_named_and_looked_for_once_a_minute() {
    let town = Town::new(&["gamma/*"]).await;
    let (_, key) = town.open("gamma/secret");
    for _ in 0..3 {
        let fault = town.client.observe(&key).await.unwrap_err();
        let ForgeFault::Refused { answer, .. } = &fault else { panic!("{fault:?}") };
        assert!(answer.contains("not installed at `gamma`"), "{answer}");
    }
    assert_eq!(town.count("/app/installations?"), 1);
    town.sandbox.install_app("gamma");
    town.clock.advance_to(town.clock.now() + SignedDuration::from_secs(61));
    town.client.observe(&key).await.unwrap();
}

#[tokio::test]
async fn a_wrong_key_says_so_and_shows_nothing() {
    let town = Town::new(&["acme/*"]).await;
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    town.sandbox.add_app(APP_ID, "usher", &{
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = other.public_key().as_der().unwrap();
        pem("PUBLIC KEY", der.as_ref())
    });
    let (_, key) = town.open("acme/shop");
    let fault = town.client.observe(&key).await.unwrap_err();
    assert_eq!(fault, ForgeFault::Unauthorized);
    let shown = format!("{fault} {fault:?} {:?} {:?}", town.client, town.client.health());
    assert!(!shown.contains("Bearer") && !shown.contains("eyJ") && !shown.contains("PRIVATE"), "{shown}");
}
