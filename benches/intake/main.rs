//! How much processor time Usher spends on a delivery before it answers, beside a bare handler that only
//! checks the signature (reference A). `just bench-intake`; docs/performance.md.
//!
//! The servers are processes of their own on one core, the senders are on the other: 64 connections, signed
//! deliveries of about 24 kB, ids in no order. Each figure is the median of several rounds, in which all take
//! turns. Nothing is asserted but that each delivery is answered as it has to be.

mod body;
mod load;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Router, http::HeaderMap, http::StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use usher_sandbox::{Access, Clock, Forge, Sandbox, Wait};

use body::Bodies;

const SECRET: &str = "a-secret-of-the-bench-only";
const TOKEN: &str = "ghp-of-the-bench";
const PROJECT: &str = "acme/sdk";
const PATH: &str = "/hooks/github";
/// The argument with which this program is the reference.
const REFERENCE: &str = "--reference";
/// Deliveries of a round, and how many go before it.
const DELIVERIES: u64 = 12_000;
const WARM_UP: u64 = 2_000;
const ROUNDS: u64 = 3;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Reference,
    Relevant,
    WithoutBodies,
    Irrelevant,
}

const KINDS: [Kind; 4] = [Kind::Reference, Kind::Relevant, Kind::WithoutBodies, Kind::Irrelevant];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Reference => "A: only the signature",
            Kind::Relevant => "relevant, body kept",
            Kind::WithoutBodies => "relevant, no body",
            Kind::Irrelevant => "irrelevant",
        }
    }

    fn status(self) -> u16 {
        match self {
            Kind::Reference | Kind::Irrelevant => 200,
            Kind::Relevant | Kind::WithoutBodies => 202,
        }
    }
}

/// One round of one kind.
#[derive(Clone, Copy)]
struct Measured {
    /// Processor time for a delivery, in microseconds.
    micros: f64,
    p50: Duration,
    p99: Duration,
    per_second: f64,
    /// Most memory that was resident, in MiB.
    resident: f64,
    /// How many were decided, of each delivery that was kept.
    decided: Option<f64>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, address] = arguments.as_slice()
        && flag == REFERENCE
    {
        runtime.block_on(serve_reference(address.parse().expect("an address")));
        return;
    }
    on_core(std::process::id(), 1);
    runtime.block_on(compare(&arguments));
}

async fn compare(words: &[String]) {
    let wanted = |kind: &Kind| {
        *kind == Kind::Reference
            || words.iter().all(|word| word.starts_with("--") || kind.name().contains(word.as_str()))
    };
    let sandbox = sandbox().await;
    let mut rounds: BTreeMap<Kind, Vec<Measured>> = BTreeMap::new();
    for round in 0..ROUNDS {
        for kind in KINDS.into_iter().filter(wanted) {
            eprintln!("round {} of {ROUNDS}: {}", round + 1, kind.name());
            rounds.entry(kind).or_default().push(measure(&sandbox, kind).await);
        }
    }
    let mut length = String::new();
    Bodies::by("sam", 1, 1, PROJECT).write(1, &mut length);
    println!(
        "{} connections, deliveries of {} bytes, the median of {ROUNDS} rounds\n",
        load::CONNECTIONS,
        length.len()
    );
    println!(
        "| what | µs of processor | of A's speed | p50 ms | p99 ms | p99 of A's | a second | MiB | decided |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let reference = median(&rounds[&Kind::Reference]);
    for (kind, measured) in &rounds {
        let one = median(measured);
        let decided = one.decided.map_or_else(|| "–".into(), |share| format!("{:.0} %", share * 100.0));
        println!(
            "| {} | {:.0} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {decided} |",
            kind.name(),
            one.micros,
            reference.micros / one.micros,
            one.p50.as_secs_f64() * 1e3,
            one.p99.as_secs_f64() * 1e3,
            one.p99.as_secs_f64() / reference.p99.as_secs_f64(),
            one.per_second,
            one.resident,
        );
    }
}

fn median(rounds: &[Measured]) -> Measured {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(|one, other| one.micros.total_cmp(&other.micros));
    sorted[sorted.len() / 2]
}

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(MachineClock).await.expect("a sandbox");
    sandbox.add_bot(Forge::Github, "usher", "Usher");
    sandbox.add_token(Forge::Github, TOKEN, "usher");
    sandbox.add_project(Forge::Github, PROJECT);
    sandbox.add_member(Forge::Github, PROJECT, "usher", Access::MAINTAIN);
    for login in ["rita", "ravi", "lena", "sam", "mallory"] {
        sandbox.add_member(Forge::Github, PROJECT, login, Access::WRITE);
    }
    sandbox
}

async fn measure(sandbox: &Sandbox, kind: Kind) -> Measured {
    let folder = TempDir::new().expect("a folder");
    let [listen, admin] = [free_address(), free_address()];
    let command = match kind {
        Kind::Reference => {
            let mut itself = Command::new(std::env::current_exe().expect("this program"));
            itself.args([REFERENCE, &listen.to_string()]);
            itself
        }
        Kind::Relevant | Kind::Irrelevant => usher(sandbox, &folder, [listen, admin], "3d"),
        Kind::WithoutBodies => usher(sandbox, &folder, [listen, admin], "0"),
    };
    let server = Server::start(command);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let health = format!("http://{listen}/healthz");
    while http.get(&health).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if kind != Kind::Reference {
        // Until the people of the forge are known every delivery is relevant.
        let ready = format!("http://{listen}/readyz");
        let began = load::now();
        while get(&http, &ready).await["forges"][0]["roster_age_seconds"].is_null() {
            assert!(began.elapsed() < Duration::from_secs(20), "the people of the forge are read");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let author = if kind == Kind::Irrelevant { "mallory" } else { "sam" };
    let [id, repository] = [format!("users/{author}"), format!("repos/{PROJECT}")].map(|path| {
        let url = format!("{}/{path}", sandbox.github_url());
        let http = http.clone();
        async move { get(&http, &url).await["id"].as_u64().expect("a number") }
    });
    let bodies = Arc::new(Bodies::by(author, id.await, repository.await, PROJECT));
    load::send(listen, PATH, SECRET, bodies.clone(), (0, WARM_UP), kind.status()).await;
    let before = (server.processor(), decisions(&http, admin, kind).await);
    let sent = load::send(listen, PATH, SECRET, bodies, (WARM_UP, DELIVERIES), kind.status()).await;
    let after = (server.processor(), decisions(&http, admin, kind).await);
    let decided = before.1.zip(after.1).filter(|_| kind != Kind::Irrelevant);
    Measured {
        micros: (after.0 - before.0).as_secs_f64() * 1e6 / DELIVERIES as f64,
        p50: sent.share(0.5),
        p99: sent.share(0.99),
        per_second: DELIVERIES as f64 / sent.took.as_secs_f64(),
        resident: server.resident_mib(),
        decided: decided.map(|(before, after)| (after - before) / DELIVERIES as f64),
    }
}

async fn get(http: &reqwest::Client, url: &str) -> Value {
    let answer = http.get(url).bearer_auth(TOKEN).send().await.expect("an answer");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

/// The real binary, which decides beside it and writes nothing to the forge.
fn usher(sandbox: &Sandbox, folder: &TempDir, [listen, admin]: [SocketAddr; 2], keep: &str) -> Command {
    let config = folder.path().join("usher.toml");
    let text = format!(
        "dry_run = true\n[server]\nlisten = \"{listen}\"\nadmin = \"{admin}\"\nkeep_bodies = \"{keep}\"\n\
         [store]\nurl = \"sqlite:{}\"\n[[forge]]\nname = \"github\"\nkind = \"github\"\nurl = \"{}\"\n\
         token = \"env:BENCH_TOKEN\"\nwebhook_secrets = [\"env:BENCH_SECRET\"]\nprojects = [\"{PROJECT}\"]\n\
         [support]\nmembers = [\"sam\"]\n[[pool]]\nname = \"backend\"\nmembers = [\"rita\", \"ravi\"]\n\
         lead = \"lena\"\n[[route]]\npool = \"backend\"\n",
        folder.path().join("usher.db").display(),
        sandbox.github_url(),
    );
    std::fs::write(&config, text).expect("a configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("--config").arg(config).arg("serve");
    command.env("BENCH_TOKEN", TOKEN).env("BENCH_SECRET", SECRET).env("RUST_LOG", "warn");
    command
}

/// How many decisions Usher has made.
async fn decisions(http: &reqwest::Client, admin: SocketAddr, kind: Kind) -> Option<f64> {
    if kind == Kind::Reference {
        return None;
    }
    let metrics = http.get(format!("http://{admin}/metrics")).send().await.ok()?.text().await.ok()?;
    let counted = metrics.lines().filter(|line| line.starts_with("usher_decisions_total"));
    Some(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}

/// The sandbox is asked by real processes, on the machine's time.
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> jiff::Timestamp {
        usher::clock::Clock::system().now()
    }

    fn wait_until(&self, instant: jiff::Timestamp) -> Wait {
        let left = Duration::try_from(instant.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(left))
    }
}

/// A process that ends with this.
struct Server(Child);

impl Server {
    fn start(mut command: Command) -> Server {
        let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("a server");
        on_core(child.id(), 0);
        Server(child)
    }

    /// Processor time of all its threads so far, to ten milliseconds
    /// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>).
    fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("a process");
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks"));
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps a process to one core, where there is `taskset`; the figures of two that share one are worth less.
fn on_core(process: u32, core: usize) {
    let mut pin = Command::new("taskset");
    let done = pin.args(["-acp", &core.to_string(), &process.to_string()]).stdout(Stdio::null()).status();
    if !done.is_ok_and(|status| status.success()) {
        eprintln!("process {process} is kept to no core: there is no taskset");
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

/// Reference A: checks the signature and answers.
async fn serve_reference(address: SocketAddr) {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key");
    let app = Router::new().route(PATH, post(check)).route("/healthz", axum::routing::get(|| async {}));
    let listener = tokio::net::TcpListener::bind(address).await.expect("a listener");
    axum::serve(listener, app.with_state(key)).await.expect("a server");
}

async fn check(State(key): State<Hmac<Sha256>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let signature = signature.and_then(|value| hex::decode(value.strip_prefix("sha256=")?).ok());
    let mut mac = key;
    mac.update(&body);
    match signature {
        Some(signature) if mac.verify_slice(&signature).is_ok() => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    }
}
