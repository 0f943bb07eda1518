//! A small company on both forges, and how Usher is configured for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;
use usher::clock::Clock;
use usher::config::{self, Config, Outside};
use usher_core::model::change::ChangeKey;
use usher_sandbox::{
    Access, ChangeRef, ChangeSnapshot, ChangedFile, Forge, HookTarget, NewChange, NewHook, Sandbox,
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
    /// On these forges, in this folder; webhooks go to `hooks`.
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
        let mut comments = self.comments(change);
        // On GitLab a reviewer is told in a comment that the author has answered: once a round.
        comments.retain(|marker, times| *times > 1 || !marker.contains("usher:ping:back-"));
        let expected = BTreeMap::from([("<!-- usher:status -->".to_owned(), 1)]);
        assert_eq!(comments, expected, "{change}");
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

/// A change that touches these files.
pub fn touching(author: &str, paths: &[&str]) -> NewChange {
    let files = paths.iter().map(|path| ChangedFile::new(path, 4, 1)).collect();
    NewChange { files, ..NewChange::by(author, "Explain the export") }
}
