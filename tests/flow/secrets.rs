//! Nothing that Usher shows, logs or keeps holds a secret.

use std::path::Path;

use usher_sandbox::{Fault, Verdict};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::harness::{BOTH, SECRETS, Settings, key};
use super::server::{Server, until};
use crate::app::{APP_ID, private_key, public_key};
use crate::network::{PASSWORD, proxy};

/// Which secrets are found in `bytes`, also in parts: what the `whsec_` of a signing token hides is
/// the secret, too.
fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    let parts = SECRETS.iter().flat_map(|(name, secret)| {
        let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
        [(*name, *secret), (*name, bare)]
    });
    let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    parts.filter(|(_, secret)| holds(secret)).map(|(name, _)| name).collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_found_in_anything_that_is_logged_shown_or_kept() {
    assert_eq!(
        found_in(b"x ghp-flow-github-token-2 y"),
        ["GITHUB_TOKEN", "GITHUB_TOKEN"],
        "the search works"
    );
    let mut server = Server::started(Settings::default()).await;
    let mut shown: Vec<(String, String)> = Vec::new();
    for forge in BOTH {
        // A forge that repeats the token in its refusal, each time: a comment that is taken later takes
        // the place of the one that was refused.
        let (_, token) = SECRETS[usize::from(forge == BOTH[1])];
        let refusal = Fault::status(422, &format!("the token {token} may not do that"));
        server.sandbox.fail_next(
            forge,
            "POST",
            if forge == BOTH[0] { "/notes" } else { "/comments" },
            refusal,
            u32::MAX,
        );
        let change = server.open(forge, "sam");
        let mut forged = server.the_webhook();
        assert_eq!(server.sandbox.send(&forged).await, Some(202));
        forged.body = format!("{{\"token\":\"{token}\"}}").into();
        assert_eq!(server.sandbox.send(&forged).await, Some(401));
        server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
        let who = server.reviewer(&change);
        server.sandbox.review(&change, &who, Verdict::RequestChanges, "Why?").unwrap();
        server.at_rest().await;
        for command in [
            &["explain", &key(&change).to_string()][..],
            &["deliveries"],
            &["deliveries", "--json"],
            &["check"],
            &["check", "--online"],
        ] {
            let run = server.run(command).await;
            shown.push((format!("{command:?}"), run.out + &run.err));
        }
    }
    let letters = shown.iter().filter(|(_, text)| text.contains("may not do that")).count();
    assert!(letters >= 2, "the refusals are shown: {shown:?}");
    // The forges turn the token down.
    for (forge, (_, token)) in BOTH.into_iter().zip(SECRETS) {
        server.sandbox.revoke_token(forge, token);
    }
    server.signal("HUP");
    let faulted = async || {
        let ready = server.ready().await;
        ready["forges"].as_array().unwrap().iter().all(|forge| forge["fault"].is_string())
    };
    until("both forges refuse the token", faulted).await;
    let run = server.run(&["check", "--online"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    shown.push(("check".into(), run.out + &run.err));
    for page in ["/", "/metrics", "/api/v1/reviews", "/api/v1/reviews/1", "/api/v1/people", "/nowhere"] {
        let answer = server.http.get(server.admin(page)).send().await.unwrap();
        shown.push((page.to_owned(), format!("{:?}", answer.headers()) + &answer.text().await.unwrap()));
    }
    for page in ["/readyz", "/healthz", "/hooks/gitlab", "/nowhere"] {
        let answer = server.http.get(server.public(page)).send().await.unwrap();
        shown.push((page.to_owned(), format!("{:?}", answer.headers()) + &answer.text().await.unwrap()));
    }
    // While it runs, the store's log holds what is not yet folded in.
    let mut kept = files(server.folder.path());
    assert_eq!(server.stop().await, Some(0));
    kept.extend(files(server.folder.path()));
    assert!(kept.iter().any(|(name, bytes)| name.ends_with("usher.db") && bytes.len() > 10_000));
    assert!(kept.iter().any(|(name, bytes)| name.ends_with("usher.log") && bytes.len() > 1_000));
    for (name, text) in &shown {
        assert_eq!(found_in(text.as_bytes()), [""; 0], "in {name}:\n{text}");
    }
    for (name, bytes) in &kept {
        assert_eq!(found_in(bytes), [""; 0], "in {name}");
    }
    println!("{} texts and {} files were searched", shown.len(), kept.len());
}

/// Everything that can be seen of a running server from outside, by where it was seen.
async fn shown_by(server: &Server) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    let admin = [
        "/",
        "/people",
        "/held",
        "/metrics",
        "/api/v1/reviews",
        "/api/v1/people",
        "/api/v1/held",
        "/nowhere",
    ];
    let public = ["/readyz", "/healthz", "/hooks/gitlab", "/nowhere"];
    let pages =
        admin.map(|page| server.admin(page)).into_iter().chain(public.map(|page| server.public(page)));
    for page in pages {
        let answer = server.http.get(&page).send().await.unwrap();
        shown.push((page, format!("{:?}", answer.headers()) + &answer.text().await.unwrap()));
    }
    for command in [
        &["check"][..],
        &["check", "--online"],
        &["check", "--online", "--json"],
        &["deliveries"],
        &["deliveries", "--json"],
    ] {
        let run = server.run(command).await;
        shown.push((format!("{command:?}"), run.out + &run.err));
    }
    shown
}

/// With the log of all crates at `debug`, a GitHub App, and a proxy that asks for a password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_an_app_nor_a_proxy_leaves_a_secret_behind() {
    let mut server = Server::planned(Settings::default()).await;
    server.sandbox.add_app(APP_ID, "usher", &public_key());
    server.sandbox.install_app("acme");
    let (proxy, asked) = proxy().await;
    let safe = tempfile::tempdir().unwrap();
    let place = |name: &str| safe.path().join(name).display().to_string();
    std::fs::write(place("app.pem"), private_key()).unwrap();
    std::fs::write(place("proxy"), format!("http://usher:{PASSWORD}@{proxy}\n")).unwrap();
    let by_proxy = format!("proxy = \"file:{}\"\n", place("proxy"));
    let app = format!("app_id = {APP_ID}\napp_private_key = \"file:{}\"\n{by_proxy}", place("app.pem"));
    let text = server.company.text(&server.settings).replace("token = \"env:GITHUB_TOKEN\"\n", &app);
    let text =
        text.replace("token = \"env:GITLAB_TOKEN\"\n", &format!("token = \"env:GITLAB_TOKEN\"\n{by_proxy}"));
    server.write_config(&text);
    server.start_logging("debug").await;
    server.settled_in().await;
    let mut shown = Vec::new();
    for forge in BOTH {
        let change = server.open(forge, "sam");
        server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
        server.at_rest().await;
        let run = server.run(&["explain", &key(&change).to_string()]).await;
        shown.push(("explain".to_owned(), run.out + &run.err));
    }
    assert!(asked.lock().unwrap().len() >= 2, "requests went by the proxy");
    shown.extend(shown_by(&server).await);
    let tokens = server.sandbox.app_tokens();
    assert!(!tokens.is_empty(), "the App was granted tokens");
    let mut kept = files(server.folder.path());
    assert_eq!(server.stop().await, Some(0));
    kept.extend(files(server.folder.path()));
    kept.extend(shown.into_iter().map(|(name, text)| (name, text.into_bytes())));
    let key_lines: Vec<String> =
        private_key().lines().filter(|line| line.len() > 40).map(str::to_owned).collect();
    assert!(key_lines.len() > 10);
    // Every JWT begins so: `{"typ"` or `{"alg"` in base64.
    let others = [
        PASSWORD.to_owned(),
        STANDARD.encode(format!("usher:{PASSWORD}")),
        "eyJ0eXAi".into(),
        "eyJhbGci".into(),
    ];
    for (name, bytes) in &kept {
        assert_eq!(found_in(bytes), [""; 0], "in {name}");
        let text = String::from_utf8_lossy(bytes);
        for secret in tokens.iter().chain(&key_lines).chain(&others) {
            let at = text.find(secret.as_str());
            assert_eq!(at, None, "in {name}: {}", &secret[..8]);
        }
    }
}
