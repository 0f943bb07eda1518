//! A small company on both forges, and a whole Usher in this process, on a virtual clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use usher::clock::Clock;
use usher::config::{self, Config, Outside};
use usher::reconcile::{Reconcile, SweepError};
use usher::service::Service;
use usher::web::{self, ConnectionLimits};
use usher_core::model::change::ChangeKey;
use usher_core::model::review::{Review, Stage};
use usher_sandbox::{
    Access, ChangeRef, ChangeSnapshot, ChangedFile, DeliveryOutcome, Forge, HookTarget, NewChange, NewHook,
    Sandbox,
};

pub const BOTH: [Forge; 2] = [Forge::Gitlab, Forge::Github];
pub const BOT: &str = "usher";

/// Every secret of the company, by the variable that carries it.
pub const SECRETS: [(&str, &str); 4] = [
    ("GITLAB_TOKEN", "glpat-flow-gitlab-token-1"),
    ("GITHUB_TOKEN", "ghp-flow-github-token-2"),
    ("SIGNING_TOKEN", "whsec_Zmxvdy1mbG93LWZsb3ctZmxvdy1mbG93LWZsb3ctMDA="),
    ("WEBHOOK_SECRET", "flow-webhook-secret-3"),
];

const ROUNDS_MAX: usize = 100;

/// Monday, 2 March 2026, ten o'clock in London.
pub fn monday() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

/// The project on each forge.
pub fn project(forge: Forge) -> &'static str {
    match forge {
        Forge::Gitlab => "acme/shop",
        Forge::Github => "acme/sdk",
    }
}

/// The forge's name in the configuration.
pub fn name(forge: Forge) -> &'static str {
    match forge {
        Forge::Gitlab => "gitlab",
        Forge::Github => "github",
    }
}

/// The key by which Usher knows a change.
pub fn key(change: &ChangeRef) -> ChangeKey {
    ChangeKey::new(name(change.forge), change.project.clone(), change.number)
}

/// What differs from one test's configuration to the next.
#[derive(Clone)]
pub struct Settings {
    /// Members of the pool `backend`, as TOML.
    pub members: &'static str,
    /// A route by path, to the pool `docs`, comes first.
    pub paths: bool,
    /// Everybody works around the clock.
    pub always: bool,
    /// Reviews a person carries.
    pub capacity: u32,
    /// Public and admin listener.
    pub listen: [SocketAddr; 2],
    /// The watched projects of both forges, as TOML.
    pub projects: &'static str,
    /// More TOML in `[server]`.
    pub server: &'static str,
    /// More TOML at the end.
    pub more: &'static str,
}

impl Default for Settings {
    fn default() -> Settings {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Settings {
            members: r#"["rita", "ravi"]"#,
            paths: false,
            always: false,
            capacity: 5,
            listen: [nowhere; 2],
            projects: r#"["acme/*"]"#,
            server: "",
            more: "",
        }
    }
}

/// People, projects and webhooks on both forges, and a folder for configuration and store.
pub struct Company {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub folder: TempDir,
    /// Where Usher listens for webhooks.
    pub hooks: SocketAddr,
}

impl Company {
    /// Webhooks go to `hooks`.
    pub async fn found(clock: Clock, hooks: SocketAddr) -> Company {
        let sandbox = crate::wire::tape::sandbox(clock.clone()).await;
        Company::peopled(sandbox, clock, hooks, tempfile::tempdir().unwrap())
    }

    /// As [`Company::found`], on these forges and in this folder.
    pub fn peopled(sandbox: Sandbox, clock: Clock, hooks: SocketAddr, folder: TempDir) -> Company {
        for (forge, token) in [(Forge::Gitlab, SECRETS[0].1), (Forge::Github, SECRETS[1].1)] {
            sandbox.add_bot(forge, BOT, "Usher");
            sandbox.add_token(forge, token, BOT);
            sandbox.add_project(forge, project(forge));
            sandbox.add_member(forge, project(forge), BOT, Access::MAINTAIN);
            for login in ["rita", "ravi", "dora", "dan", "lena", "sam", "siobhan"] {
                sandbox.add_member(forge, project(forge), login, Access::WRITE);
            }
        }
        for login in ["sam", "siobhan"] {
            sandbox.add_group_member("acme/support", login, Access::WRITE);
        }
        sandbox.add_team("acme", "support", None, &["sam", "siobhan"]);
        let company = Company { sandbox, clock, folder, hooks };
        company.add_hook(Forge::Gitlab, HookTarget::Project("acme/shop".into()));
        company.add_hook(Forge::Github, HookTarget::Org("acme".into()));
        company
    }

    /// A webhook to Usher, with the company's secret.
    pub fn add_hook(&self, forge: Forge, target: HookTarget) {
        let hook = NewHook::to(&format!("http://{}/hooks/{}", self.hooks, name(forge)));
        let hook = match forge {
            Forge::Gitlab => hook.with_signing_token(SECRETS[2].1),
            Forge::Github => hook.with_secret(SECRETS[3].1),
        };
        self.sandbox.add_hook(forge, target, hook);
    }

    pub fn store_path(&self) -> PathBuf {
        self.folder.path().join("usher.db")
    }

    /// The configuration file's text.
    pub fn text(&self, settings: &Settings) -> String {
        let Settings { members, paths, always, capacity, listen: [listen, admin], projects, server, more } =
            settings;
        let hours = if *always { "00:00-24:00" } else { "09:00-17:30" };
        let days = if *always { r#", "sat", "sun""# } else { "" };
        let docs = "[[route]]\npool = \"docs\"\npaths = [\"docs/**\", \"**/*.md\"]\n";
        let docs = if *paths { docs } else { "" };
        format!(
            r#"
[server]
listen = "{listen}"
admin = "{admin}"
{server}
[store]
url = "sqlite:{store}"
[[forge]]
name = "gitlab"
kind = "gitlab"
url = "{gitlab}"
token = "env:GITLAB_TOKEN"
signing_tokens = ["env:SIGNING_TOKEN"]
projects = {projects}
[[forge]]
name = "github"
kind = "github"
url = "{github}"
token = "env:GITHUB_TOKEN"
webhook_secrets = ["env:WEBHOOK_SECRET"]
projects = {projects}
[support]
gitlab_groups = ["gitlab:acme/support"]
github_teams = ["github:acme/support"]
[[calendar]]
name = "london"
timezone = "Europe/London"
days = ["mon", "tue", "wed", "thu", "fri"{days}]
hours = ["{hours}"]
[[pool]]
name = "backend"
members = {members}
lead = "lena"
calendar = "london"
capacity = {capacity}
[[pool]]
name = "docs"
members = ["dora", "dan"]
lead = "lena"
calendar = "london"
{docs}
[[route]]
pool = "backend"
{more}
"#,
            store = self.store_path().display(),
            gitlab = self.sandbox.gitlab_url(),
            github = self.sandbox.github_url(),
        )
    }

    pub fn config(&self, settings: &Settings) -> Config {
        self.config_of(&self.text(settings), &[])
    }

    /// The configuration that `text` is, with more variables beside the company's secrets.
    pub fn config_of(&self, text: &str, more: &[(&str, &str)]) -> Config {
        let variables = SECRETS.iter().chain(more);
        let outside = Outside {
            variables: variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            folder: self.folder.path().to_owned(),
            needs_secrets: true,
            read_file: &|_| Err(std::io::Error::other("no files")),
        };
        let loaded = config::parse(text, "usher.toml", &outside);
        loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).config
    }

    /// Somebody opens a change with one file of code.
    pub fn open(&self, forge: Forge, author: &str) -> ChangeRef {
        self.open_with(forge, NewChange::by(author, "Round VAT per line"))
    }

    pub fn open_with(&self, forge: Forge, change: NewChange) -> ChangeRef {
        self.sandbox.open_change(forge, project(forge), change).unwrap()
    }

    pub fn seen(&self, change: &ChangeRef) -> ChangeSnapshot {
        self.sandbox.snapshot(change).unwrap()
    }

    /// The logins of those who are asked for a review.
    pub fn reviewers(&self, change: &ChangeRef) -> Vec<String> {
        self.seen(change).reviewer_logins().into_iter().map(str::to_owned).collect()
    }

    /// The one reviewer.
    #[track_caller]
    pub fn reviewer(&self, change: &ChangeRef) -> String {
        let reviewers = self.reviewers(change);
        let [one] = reviewers.as_slice() else { panic!("{change} has the reviewers {reviewers:?}") };
        one.clone()
    }

    /// Usher's comments by their hidden marker, and how many there are of each.
    pub fn comments(&self, change: &ChangeRef) -> BTreeMap<String, usize> {
        let mut markers = BTreeMap::new();
        for comment in self.seen(change).comments_by(BOT) {
            *markers.entry(comment.body.lines().next().unwrap().to_owned()).or_default() += 1;
        }
        markers
    }

    /// One status comment and nothing else was written by Usher.
    #[track_caller]
    pub fn assert_one_status_comment(&self, change: &ChangeRef) {
        let expected = BTreeMap::from([("<!-- usher:status -->".to_owned(), 1)]);
        assert_eq!(self.comments(change), expected, "{change}");
    }

    /// All requests so far as `METHOD path`, without query.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.sandbox.requests();
        let line = |request: &usher_sandbox::RequestRecord| {
            let path = request.path.split('?').next().unwrap_or_default();
            let path =
                path.replace("/gl/api/v4/projects/acme%2Fshop", "").replace("/api/v3/repos/acme/sdk", "");
            // GraphQL takes reads by POST, too.
            let verb = if request.method == "POST" && request.is_read() { "QUERY" } else { &request.method };
            format!("{verb} {path}")
        };
        requests.iter().map(line).collect()
    }
}

/// The company with Usher in this process.
pub struct House {
    pub company: Company,
    pub service: Service,
    /// The duties of both forges, in place of those that `serve` runs.
    pub reconciles: Mutex<Vec<Reconcile>>,
    /// What became of every webhook.
    pub delivered: Vec<DeliveryOutcome>,
    /// Gets at the webhooks before they go out.
    pub disturb: Box<dyn Fn(&Sandbox)>,
    listening: tokio::task::JoinHandle<()>,
    stop: Option<tokio_util::sync::DropGuard>,
}

impl std::ops::Deref for House {
    type Target = Company;
    fn deref(&self) -> &Company {
        &self.company
    }
}

impl House {
    /// Usher has read the rosters, and nothing has happened yet.
    pub async fn new() -> House {
        House::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> House {
        let mut house = House::unswept(settings).await;
        house.sweep().await;
        house.quiet().await;
        house.sandbox.clear_requests();
        house
    }

    /// Usher has been wired, and talked to nobody yet.
    pub async fn unswept(settings: Settings) -> House {
        House::configured(|company| company.config(&settings)).await
    }

    /// As [`House::unswept`], with a configuration that knows the company.
    pub async fn configured(config: impl FnOnce(&Company) -> Config) -> House {
        let clock = Clock::virtual_at(monday());
        let hooks = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let company = Company::found(clock.clone(), hooks.local_addr().unwrap()).await;
        let service = Service::assemble(&config(&company), clock).await.unwrap();
        let stop = CancellationToken::new();
        let public = web::public(service.door.clone());
        let listening = tokio::spawn(web::serve(hooks, public, ConnectionLimits::default(), stop.clone()));
        let reconciles = Mutex::new(service.reconciles());
        House {
            company,
            service,
            reconciles,
            delivered: Vec::new(),
            disturb: Box::new(|_| {}),
            listening,
            stop: Some(stop.drop_guard()),
        }
    }

    /// Usher ends, and begins anew with this configuration; it has read no roster yet.
    pub async fn restart(&mut self, config: &Config) {
        self.stop = None;
        let _ = (&mut self.listening).await;
        self.service.store.close().await;
        self.service = Service::assemble(config, self.clock.clone()).await.unwrap();
        *self.reconciles.lock().await = self.service.reconciles();
        let (hooks, stop) = (TcpListener::bind(self.hooks).await.unwrap(), CancellationToken::new());
        let public = web::public(self.service.door.clone());
        self.listening = tokio::spawn(web::serve(hooks, public, ConnectionLimits::default(), stop.clone()));
        self.stop = Some(stop.drop_guard());
    }

    /// Delivers webhooks, decides and performs until nobody has anything left to say.
    pub async fn quiet(&mut self) {
        for _ in 0..ROUNDS_MAX {
            (self.disturb)(&self.company.sandbox);
            let delivered = self.company.sandbox.deliver_pending().await;
            let refused = delivered.iter().find(|one| one.status.is_none_or(|status| status >= 300));
            assert_eq!(refused, None, "a webhook was not taken");
            self.delivered.extend(delivered);
            self.service.settle().await.unwrap();
            if self.sandbox.pending() == 0 {
                return;
            }
        }
        panic!("webhooks and answers go in circles");
    }

    /// Lets time pass, stopping wherever something is due by itself.
    pub async fn pass(&mut self, time: SignedDuration) {
        let end = self.clock.now() + time;
        self.quiet().await;
        while let Some(due) = self.service.next_due().await.unwrap().filter(|due| *due < end) {
            self.clock.advance_to(due);
            self.quiet().await;
        }
        self.clock.advance_to(end);
        self.quiet().await;
    }

    pub async fn minute(&mut self) {
        self.pass(SignedDuration::from_mins(1)).await;
    }

    /// Sweeps every forge once.
    pub async fn sweep(&self) {
        for reconcile in self.reconciles.lock().await.iter_mut() {
            self.patiently(reconcile.sweep(false)).await.unwrap();
        }
    }

    /// Sweeps one forge, `told` of changed people or projects or not.
    pub async fn sweep_of(&self, forge: Forge, told: bool) -> Result<usize, SweepError> {
        let mut reconciles = self.reconciles.lock().await;
        let reconcile = reconciles.iter_mut().find(|one| one.forge() == name(forge));
        reconcile.expect("duties for each forge").sweep(told).await
    }

    /// Lets the clock go on wherever background traffic waits for a pace.
    pub async fn patiently<T>(&self, work: impl Future<Output = T>) -> T {
        let moving = async {
            loop {
                for client in &self.service.clients {
                    client.health().waits_until.into_iter().for_each(|at| self.clock.advance_to(at));
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            done = work => done,
            () = moving => unreachable!("it goes on for ever"),
        }
    }

    /// Opens a change and lets Usher take it on.
    pub async fn opened(&mut self, forge: Forge, author: &str) -> ChangeRef {
        let change = self.open(forge, author);
        self.quiet().await;
        self.minute().await;
        change
    }

    pub async fn review(&self, change: &ChangeRef) -> Review {
        self.service.store.load(&key(change)).await.unwrap().expect("a review").review
    }

    pub async fn stage(&self, change: &ChangeRef) -> Stage {
        self.review(change).await.done.stage
    }

    /// The requests that `act` and what follows from it cost.
    pub async fn cost_of(&mut self, act: impl AsyncFnOnce(&mut House)) -> Vec<String> {
        self.sandbox.clear_requests();
        act(self).await;
        self.quiet().await;
        self.asked()
    }
}

/// A change that touches these files.
pub fn touching(author: &str, paths: &[&str]) -> NewChange {
    let files = paths.iter().map(|path| ChangedFile::new(path, 4, 1)).collect();
    NewChange { files, ..NewChange::by(author, "Explain the export") }
}

/// How many rows each table of a store holds; read from the file itself.
pub async fn rows(store: &std::path::Path) -> BTreeMap<String, i64> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\""));
        counts.insert(table, sqlx::query_scalar(count).fetch_one(&pool).await.unwrap());
    }
    pool.close().await;
    counts
}
