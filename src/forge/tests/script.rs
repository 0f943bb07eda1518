//! A scripted forge on loopback for the clients' tests.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use jiff::Timestamp;
use serde_json::Value;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use crate::clock::Clock;
use crate::forge::{AppKey, Client, ClientConfig, Credentials};
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::policy::Pattern;

pub(super) const TOKEN: &str = "glpat-hush-hush";

/// A server that answers what it was told to, and a client that talks to it.
pub(super) struct Script {
    pub server: MockServer,
    pub client: Client,
    pub clock: Clock,
    prefix: &'static str,
}

/// The instant at which scripts begin.
pub(super) fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("a valid instant")
}

pub(super) fn change() -> ChangeKey {
    ChangeKey::new("f", "acme/shop", 7)
}

pub(super) fn account(id: u64) -> Account {
    Account::new(id, format!("u{id}"))
}

pub(super) fn config(kind: ForgeKind, url: String, projects: &[&str]) -> ClientConfig {
    ClientConfig {
        name: "f".into(),
        kind,
        url,
        credentials: Credentials::Token(TOKEN.into()),
        projects: projects
            .iter()
            .map(|text| Pattern::new_ignoring_case(text).expect("a valid pattern"))
            .collect(),
        user_agent: "usher/test".into(),
    }
}

fn private_key() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().expect("its DER");
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

impl Script {
    /// A client of the same server that signs in as a GitHub App.
    pub(super) fn as_app(&self, projects: &[&str]) -> Client {
        let credentials = Credentials::App(AppKey { id: "4711".into(), private_key: private_key().into() });
        let config = config(ForgeKind::GitHub, format!("{}{}", self.server.uri(), self.prefix), projects);
        Client::new(ClientConfig { credentials, ..config }, self.clock.clone())
            .expect("a usable configuration")
    }

    /// A GitLab below the path `/gl`.
    pub(super) async fn gitlab(projects: &[&str]) -> Script {
        Script::new(ForgeKind::GitLab, "/gl", "/gl/api/v4", projects).await
    }

    /// A GitHub Enterprise Server.
    pub(super) async fn github(projects: &[&str]) -> Script {
        Script::new(ForgeKind::GitHub, "/api/v3", "/api/v3", projects).await
    }

    async fn new(kind: ForgeKind, root: &str, prefix: &'static str, projects: &[&str]) -> Script {
        let server = MockServer::start().await;
        let clock = Clock::virtual_at(start());
        let config = config(kind, format!("{}{root}", server.uri()), projects);
        let client = Client::new(config, clock.clone()).expect("a usable configuration");
        Script { server, client, clock, prefix }
    }

    /// Answers `verb` on `place` (below the API's root, `?page=2` allowed) with JSON.
    pub(super) async fn on(&self, verb: &str, place: &str, status: u16, body: Value) {
        self.answer(verb, place, ResponseTemplate::new(status).set_body_json(body)).await;
    }

    pub(super) async fn answer(&self, verb: &str, place: &str, answer: impl Respond + 'static) {
        self.answer_times(verb, place, answer, u64::MAX).await;
    }

    /// As [`Script::answer`], for the next `times` requests.
    pub(super) async fn answer_times(
        &self,
        verb: &str,
        place: &str,
        answer: impl Respond + 'static,
        times: u64,
    ) {
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let mut mock = Mock::given(method(verb)).and(path(format!("{}{place}", self.prefix)));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            mock = mock.and(query_param(key, value));
        }
        // Narrower scripts win over broader ones.
        let priority = if query.is_empty() { 5 } else { 4 };
        mock.respond_with(answer).up_to_n_times(times).with_priority(priority).mount(&self.server).await;
    }

    /// Every request so far: verb, place below the API's root with its query, and body.
    pub(super) async fn requests(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.expect("requests are recorded");
        let line = |request: &wiremock::Request| {
            let place = request.url.path().trim_start_matches(self.prefix);
            let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let body = String::from_utf8_lossy(&request.body);
            format!("{} {place}{query} {body}", request.method).trim_end().to_owned()
        };
        requests.iter().map(line).collect()
    }

    /// As [`Script::requests`], verb and path only.
    pub(super) async fn places(&self) -> Vec<String> {
        let short = |line: String| line.split(['?']).next().unwrap_or_default().to_owned();
        let short = |line: String| short(line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "));
        self.requests().await.into_iter().map(short).collect()
    }
}
