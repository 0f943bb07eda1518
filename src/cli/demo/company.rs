//! The company of the demo: its people, projects and configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use usher_sandbox::{Access, ChangeRef, DeliveryOutcome, Forge, HookTarget, NewHook, Sandbox, Wait};

use crate::clock::Clock;
use crate::config::{self, Config, Outside};
use usher_core::model::change::ChangeKey;

/// Secrets of the sandbox; they open nothing else.
const GITLAB_TOKEN: &str = "sandbox-gitlab-token";
const GITHUB_TOKEN: &str = "sandbox-github-token";
const SIGNING_TOKEN: &str = "whsec_c2FuZGJveC1zYW5kYm94LXNhbmRib3gtc2FuZGJveC0=";
const WEBHOOK_SECRET: &str = "sandbox-webhook-secret";

/// The login that Usher acts as, on both forges.
pub(super) const BOT: &str = "usher";

/// Usher's clock as the sandbox reads it.
struct SandboxClock(Clock);

impl usher_sandbox::Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn wait_until(&self, instant: Timestamp) -> Wait {
        let clock = self.0.clone();
        Box::pin(async move { clock.sleep_until(instant).await })
    }
}

/// Everything on the stage.
pub(super) struct Company {
    pub(super) sandbox: Sandbox,
    pub(super) config: Config,
    /// Changes of the story by their names in it.
    pub(super) changes: BTreeMap<&'static str, ChangeRef>,
    /// Who approved what.
    pub(super) approvers: BTreeMap<ChangeRef, String>,
    /// What became of every webhook.
    pub(super) deliveries: Vec<DeliveryOutcome>,
}

impl Company {
    /// Founds the company: a sandbox with people and projects, webhooks to `hooks`, and the
    /// configuration in `folder` that an engineer there would write.
    pub(super) async fn found(clock: Clock, hooks: SocketAddr, folder: &Path) -> anyhow::Result<Company> {
        let sandbox = Sandbox::start(SandboxClock(clock)).await.context("the sandbox cannot start")?;
        people(&sandbox);
        for path in ["acme/shop", "acme/handbook"] {
            let hook = NewHook::to(&format!("http://{hooks}/hooks/gitlab")).with_signing_token(SIGNING_TOKEN);
            sandbox.add_hook(Forge::Gitlab, HookTarget::Project(path.into()), hook);
        }
        let hook = NewHook::to(&format!("http://{hooks}/hooks/github")).with_secret(WEBHOOK_SECRET);
        sandbox.add_hook(Forge::Github, HookTarget::Org("acme".into()), hook);
        let text = configuration(&sandbox, folder);
        let variables = [
            ("GITLAB_TOKEN", GITLAB_TOKEN),
            ("GITHUB_TOKEN", GITHUB_TOKEN),
            ("SIGNING_TOKEN", SIGNING_TOKEN),
            ("WEBHOOK_SECRET", WEBHOOK_SECRET),
        ];
        let outside = Outside {
            variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            folder: folder.to_owned(),
            needs_secrets: true,
            read_file: &|_| Err(std::io::Error::other("the demo reads no files")),
        };
        let loaded = config::parse(&text, "the demo's configuration", &outside);
        let config = loaded.map_err(|mistakes| anyhow::anyhow!("{mistakes}"))?.config;
        Ok(Company {
            sandbox,
            config,
            changes: BTreeMap::new(),
            approvers: BTreeMap::new(),
            deliveries: Vec::new(),
        })
    }

    /// A change of the story.
    pub(super) fn change(&self, name: &str) -> anyhow::Result<ChangeRef> {
        self.changes.get(name).cloned().with_context(|| format!("the story has no change \"{name}\" yet"))
    }

    /// The reviewers whom a change of the story has on its forge, by login.
    pub(super) fn reviewers(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let snapshot = self.sandbox.snapshot(&self.change(name)?)?;
        Ok(snapshot.reviewer_logins().into_iter().map(str::to_owned).collect())
    }

    /// The reviewer who was asked last: the story does not know whom Usher chose.
    pub(super) fn reviewer(&self, name: &str) -> anyhow::Result<String> {
        self.reviewers(name)?.pop().with_context(|| format!("nobody reviews \"{name}\""))
    }
}

/// The key by which Usher knows a change of the sandbox.
pub(super) fn key(change: &ChangeRef) -> ChangeKey {
    let forge = match change.forge {
        Forge::Gitlab => "gitlab",
        Forge::Github => "github",
    };
    ChangeKey::new(forge, change.project.clone(), change.number)
}

fn people(sandbox: &Sandbox) {
    for (forge, token) in [(Forge::Gitlab, GITLAB_TOKEN), (Forge::Github, GITHUB_TOKEN)] {
        sandbox.add_bot(forge, BOT, "Usher");
        sandbox.add_token(forge, token, BOT);
    }
    let developers = ["rita", "ravi", "rosa", "dora", "dan", "lena"];
    for path in ["acme/shop", "acme/handbook"] {
        sandbox.add_project(Forge::Gitlab, path);
        sandbox.add_member(Forge::Gitlab, path, BOT, Access::MAINTAIN);
        for login in developers.iter().chain(&["sam", "siobhan"]) {
            sandbox.add_member(Forge::Gitlab, path, login, Access::WRITE);
        }
    }
    // Otto is in the pool, but nobody gave him access: GitLab will leave him out without a word.
    sandbox.add_user(Forge::Gitlab, "otto", "Otto");
    // Where code has an owner, the owner is asked first.
    sandbox.set_file(Forge::Gitlab, "acme/shop", "main", "CODEOWNERS", Some("/src/invoice.rs @rita\n"));
    for login in ["sam", "siobhan"] {
        sandbox.add_group_member("acme/support", login, Access::WRITE);
    }
    sandbox.add_project(Forge::Github, "acme/sdk");
    sandbox.add_member(Forge::Github, "acme/sdk", BOT, Access::WRITE);
    for login in ["rita-acme", "kim", "noah", "lena", "sam", "siobhan"] {
        sandbox.add_member(Forge::Github, "acme/sdk", login, Access::WRITE);
    }
    sandbox.add_team("acme", "support", None, &["sam", "siobhan"]);
}

/// Who reviews what, and by which rules.
const RULES: &str = r#"
[[pool]]
name = "backend"
members = ["rita", "ravi", "rosa", "otto"]
lead = "lena"
calendar = "london"

[[pool]]
name = "docs"
members = ["dora", "dan"]
lead = "lena"
calendar = "london"
capacity = 1

[[pool]]
name = "sdk"
members = ["rita", "kim", "noah"]
lead = "lena"
calendar = "london"

[[route]]
pool = "docs"
forges = ["gitlab"]
paths = ["docs/**", "**/*.md"]

[[route]]
pool = "sdk"
forges = ["github"]

[[route]]
pool = "backend"
codeowners = true

[[timebox_rule]]
name = "small fixes"
max_lines = 5
reviewing = { budget = "2h" }

[scope]
titles = ['(?i)^feature\b']

[[tickets.system]]
name = "zendesk"
kind = "zendesk"
"#;

/// What the engineer of this company wrote into `usher.toml`.
fn configuration(sandbox: &Sandbox, folder: &Path) -> String {
    format!(
        r#"
[store]
url = "sqlite:{folder}/usher.db"

[[forge]]
name = "gitlab"
kind = "gitlab"
url = "{gitlab}"
token = "env:GITLAB_TOKEN"
signing_tokens = ["env:SIGNING_TOKEN"]
projects = ["acme/*"]

[[forge]]
name = "github"
kind = "github"
url = "{github}"
token = "env:GITHUB_TOKEN"
webhook_secrets = ["env:WEBHOOK_SECRET"]
projects = ["acme/*"]

[support]
gitlab_groups = ["gitlab:acme/support"]
github_teams = ["github:acme/support"]

[[calendar]]
name = "london"
timezone = "Europe/London"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["09:00-17:30"]

[[calendar]]
name = "bengaluru"
timezone = "Asia/Kolkata"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["10:00-18:30"]

[[person]]
name = "rita"
github = "rita-acme"
calendar = "london"
capacity = 3

[[person]]
name = "ravi"
calendar = "bengaluru"

[[person]]
name = "rosa"
calendar = "london"
away = ["2026-11-23..2026-11-27"]

[[person]]
name = "kim"
calendar = "london"
days = ["mon", "wed", "thu", "fri"]
{RULES}"#,
        folder = folder.display(),
        gitlab = sandbox.gitlab_url(),
        github = sandbox.github_url(),
    )
}
