//! The real binary as a process of its own, and what else a test needs from outside: its log, its
//! pages, kill -9.

use std::fs::{File, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use usher::clock::Clock;
use usher_sandbox::SignedRequest;

use super::harness::{Company, SECRETS, Settings};

const POLL: Duration = Duration::from_millis(10);
/// Polls until a test gives up: about thirty seconds.
const POLLS_MAX: usize = 3_000;
/// Longest single look.
const LOOK: Duration = Duration::from_secs(20);

/// Waits until `condition` holds, looking again and again.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    for _ in 0..POLLS_MAX {
        // A look that hangs (a connection that went down with its server) is given up and repeated.
        if tokio::time::timeout(LOOK, condition()).await == Ok(true) {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
    panic!("waited in vain until {what}");
}

/// Free addresses outside the range from which the system takes ports for outgoing connections, so
/// that a server which is killed finds its address free again.
pub fn free_addresses() -> [SocketAddr; 2] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1_000) as u16 * 20;
    let free = || loop {
        let port = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    };
    [free(), free()]
}

/// The company with Usher in a process of its own, on the system's clock.
pub struct Server {
    pub company: Company,
    pub settings: Settings,
    pub http: reqwest::Client,
    child: Option<Child>,
}

impl std::ops::Deref for Server {
    type Target = Company;
    fn deref(&self) -> &Company {
        &self.company
    }
}

impl Server {
    /// The company and its configuration file; nothing runs yet.
    pub async fn planned(settings: Settings) -> Server {
        Server::planned_at(settings, Clock::system()).await
    }

    /// With a clock of its own for the sandbox.
    pub async fn planned_at(settings: Settings, clock: Clock) -> Server {
        let listen = free_addresses();
        let settings = Settings { listen, always: true, ..settings };
        let company = Company::found(clock, listen[0]).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let server = Server { company, settings, http, child: None };
        server.write_config(&server.company.text(&server.settings));
        // GitHub's greeting has been sent long ago.
        server.sandbox.take_pending();
        server
    }

    /// Running, with rosters read.
    pub async fn started(settings: Settings) -> Server {
        let mut server = Server::planned(settings).await;
        server.start().await;
        server.settled_in().await;
        server
    }

    pub fn write_config(&self, text: &str) {
        std::fs::write(self.config_path(), text).unwrap();
    }

    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("usher.toml")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("usher.log")
    }

    /// All that the process has logged, over all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The binary with the company's secrets in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = usher(&self.config_path());
        command.args(arguments);
        command
    }

    /// Runs a command to its end. In a thread of its own, for the sandbox has to answer meanwhile.
    pub async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Run::from(output)
    }

    /// Starts the server and waits until it is alive.
    pub async fn start(&mut self) {
        self.start_logging("info,usher=debug").await;
    }

    /// As [`Server::start`], with another filter for the log.
    pub async fn start_logging(&mut self, filter: &str) {
        let mut command = self.command(&["serve"]);
        command.env("RUST_LOG", filter);
        self.start_by(command).await;
    }

    /// As [`Server::start`], and the signal of a file that grows too large is ignored, as a service
    /// manager's limit would have it.
    pub async fn start_with_limits(&mut self) {
        let plain = self.command(&["serve"]);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(plain.get_program());
        command.args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("RUST_LOG", "info");
        self.start_by(command).await;
    }

    async fn start_by(&mut self, mut command: Command) {
        assert!(self.child.is_none(), "it runs already");
        let log: File = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        command.stderr(log).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let url = self.public("/healthz");
        until("the server is alive", async || self.http.get(&url).send().await.is_ok()).await;
    }

    /// Waits until the first sweep of both forges is over.
    pub async fn settled_in(&self) {
        let swept = async || {
            let ready = self.ready().await;
            let forges = ready["forges"].as_array().unwrap();
            forges.iter().all(|forge| forge["sweep_age_seconds"].is_number())
        };
        until("both forges were swept", swept).await;
    }

    /// The body of `/readyz`.
    pub async fn ready(&self) -> serde_json::Value {
        self.http.get(self.public("/readyz")).send().await.unwrap().json().await.unwrap()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The number of the process.
    pub fn id(&self) -> String {
        self.child.as_ref().expect("it runs").id().to_string()
    }

    /// Lets no file of the process grow beyond so many bytes; `unlimited` is a number, too.
    pub fn limit_files(&self, bytes: &str) {
        let limit = format!("--fsize={bytes}:unlimited");
        let status = Command::new("prlimit").args(["--pid", &self.id(), &limit]).status();
        assert!(status.unwrap().success());
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.id();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Asks the server to stop and returns its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut child = self.child.take().expect("it runs");
        tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap()
    }

    pub fn public(&self, path: &str) -> String {
        format!("http://{}{path}", self.settings.listen[0])
    }

    pub fn admin(&self, path: &str) -> String {
        format!("http://{}{path}", self.settings.listen[1])
    }

    /// Sends all queued webhooks as they are and returns the answers.
    pub async fn deliver(&self) -> Vec<Option<u16>> {
        let outcomes = self.sandbox.deliver_pending().await;
        outcomes.into_iter().map(|outcome| outcome.status).collect()
    }

    /// Takes the one queued webhook out.
    #[track_caller]
    pub fn the_webhook(&self) -> SignedRequest {
        let mut requests = self.sandbox.take_pending();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Lets webhooks flow until `condition` holds.
    pub async fn flowing_until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let flow = async || {
            self.deliver().await;
            condition().await
        };
        until(what, flow).await;
    }

    /// A look into the store beside the running server.
    pub async fn store(&self) -> usher::store::Store {
        usher::store::Store::open_read_only(&format!("sqlite:{}", self.store_path().display())).await.unwrap()
    }

    /// Waits until nothing is undecided and nothing waits in the outbox.
    pub async fn at_rest(&self) {
        let rest = async || {
            self.deliver().await;
            let store = self.store().await;
            let counts = store.counts().await.unwrap();
            store.close().await;
            counts.undecided + counts.pending == 0 && self.sandbox.pending() == 0
        };
        until("all is quiet", rest).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() || std::env::var_os("FLOW_LOG").is_some() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

/// The binary, with the company's secrets in an environment that holds nothing else of ours.
pub fn usher(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("--config").arg(config).envs(SECRETS).env("NO_COLOR", "1");
    command.env_remove("RUST_LOG").env_remove("USHER_CONFIG").env("RUST_BACKTRACE", "0");
    command
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    /// Ended well; the output.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let out = self.good();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}
