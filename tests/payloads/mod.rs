//! What forges really post: signed, verified and read through the front door.

mod commanded;
mod examples;
mod hostile;
mod meaning;
mod signatures;
mod told;

use std::sync::LazyLock;

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use sha2::Sha256;
use usher::forge::{Inbound, Reading, Secrets, Unreadable};
use usher_core::model::change::ForgeKind;

const SECRET: &str = "It's a Secret to Everybody";

/// The instant of GitLab's golden vector; every test delivery is sent then.
const NOW_SECONDS: i64 = 1_744_578_123;

fn now() -> Timestamp {
    Timestamp::from_second(NOW_SECONDS).unwrap()
}

fn github() -> Inbound {
    let secrets = Secrets { webhook_secrets: vec![SECRET.into()], ..Secrets::default() };
    Inbound::new("github", ForgeKind::GitHub, &secrets, Vec::new()).unwrap()
}

fn gitlab() -> Inbound {
    let secrets = Secrets { secret_tokens: vec![SECRET.into()], ..Secrets::default() };
    Inbound::new("gitlab", ForgeKind::GitLab, &secrets, Vec::new()).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn hmac(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().into()
}

fn github_signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac(secret.as_bytes(), body)))
}

/// Standard Webhooks: `key` is the decoded key of the signing token.
fn gitlab_signature(key: &[u8], id: &str, stamp: &str, body: &[u8]) -> String {
    let content = [id.as_bytes(), b".", stamp.as_bytes(), b".", body].concat();
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(hmac(key, &content)))
}

/// Signs, verifies and reads a GitHub delivery.
fn read_github(event: &str, delivery: &str, body: &[u8]) -> Result<Reading, Unreadable> {
    let signature = github_signature(SECRET, body);
    let headers = headers(&[
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", &signature),
    ]);
    let inbound = github();
    inbound.verify(&headers, body, now()).unwrap();
    inbound.read(&headers, body)
}

/// Verifies and reads a GitLab delivery.
fn read_gitlab(event: &str, delivery: &str, body: &[u8]) -> Result<Reading, Unreadable> {
    let headers =
        headers(&[("X-Gitlab-Event", event), ("X-Gitlab-Token", SECRET), ("Idempotency-Key", delivery)]);
    let inbound = gitlab();
    inbound.verify(&headers, body, now()).unwrap();
    inbound.read(&headers, body)
}

/// The stored payloads of one forge, by file name without `.json`, in order.
fn stored(forge: &str) -> &'static [(String, String)] {
    static STORED: LazyLock<[Vec<(String, String)>; 2]> = LazyLock::new(|| ["github", "gitlab"].map(load));
    &STORED[usize::from(forge == "gitlab")]
}

fn load(forge: &str) -> Vec<(String, String)> {
    let folder = format!("{}/tests/payloads/{forge}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let mut payloads: Vec<(String, String)> = files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    payloads.sort();
    assert!(payloads.len() > 10, "{folder} has lost its payloads");
    payloads
}

fn payload(forge: &str, name: &str) -> String {
    let found = stored(forge).iter().find(|(file, _)| file == name);
    found.unwrap_or_else(|| panic!("no payload {forge}/{name}.json")).1.clone()
}

/// Reads a stored payload of either forge under the given delivery id. The file name of a GitHub
/// payload begins with its event.
fn read_stored(forge: &str, name: &str, delivery: &str, body: &str) -> Result<Reading, Unreadable> {
    static DOORS: LazyLock<[Inbound; 2]> = LazyLock::new(|| [github(), gitlab()]);
    let event = name.split('.').next().unwrap();
    let headers = headers(&[
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", delivery),
        ("X-Gitlab-Event", "Merge Request Hook"),
        ("webhook-id", delivery),
    ]);
    DOORS[usize::from(forge == "gitlab")].read(&headers, body.as_bytes())
}
