//! The fake forges as a process of their own, on the machine's time:
//!
//! ```text
//! cargo run --package usher-sandbox --example sandbox -- [--listen 127.0.0.1:PORT] [--record FILE]
//! ```
//!
//! starts both on loopback, founds a small company, prints where everything is as one line of JSON,
//! and ends with its standard input. Webhooks are signed and go nowhere, as if they were taken well. `--listen` is GitLab's address,
//! GitHub takes the next port; without it both take a free one. `--record` writes down everything that
//! goes over the wire ([`Sandbox::record_to`]).

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use jiff::Timestamp;
use serde_json::{Value, json};
use usher_sandbox::{
    Access, ChangeRef, ChangedFile, Clock, Forge, HookTarget, NewChange, NewHook, Refusal, Sandbox, Verdict,
    Wait,
};

const TOKEN: &str = "sandbox-token";
const APP_ID: u64 = 4_711;
const WEBHOOK_SECRET: &str = "sandbox-webhook-secret";
const SIGNING_TOKEN: &str = "whsec_c2FuZGJveC1zYW5kYm94LXNhbmRib3gtc2FuZGJveC0=";
const BOT: &str = "usher";
const PEOPLE: [&str; 4] = ["sam", "siobhan", "rita", "ravi"];
const PROJECT: &str = "acme/shop";
/// Below a user instead of a group or organisation.
const OWN_PROJECT: &str = "lena/notes";
/// How often webhooks are taken away.
const SENDS_EVERY: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { listen: [gitlab, github], record } = Options::read(std::env::args().skip(1))?;
    let sandbox = Sandbox::start_on(MachineClock, gitlab, github).await?;
    if let Some(file) = &record {
        sandbox.record_to(file)?;
    }
    let hooks = [Forge::Gitlab, Forge::Github].map(|forge| found(&sandbox, forge));
    for forge in [Forge::Gitlab, Forge::Github] {
        play(&sandbox, forge)?;
    }
    fail_one(&sandbox).await;
    // Acts date a change a little into the future; what comes after them must be newer.
    tokio::time::sleep(SENDS_EVERY).await;
    let [on_gitlab, on_github] = [Forge::Gitlab, Forge::Github].map(|forge| leave_work(&sandbox, forge));
    let (mut gitlab, mut github) = (on_gitlab?, on_github?);
    (gitlab["hook"], github["hook"]) = (hooks[0].into(), hooks[1].into());
    github["app"] = json!({ "id": APP_ID, "private_key": app(&sandbox)?, "bot": "usher-app[bot]" });
    println!("{}", json!({ "gitlab": gitlab, "github": github }));
    let sender = sandbox.clone();
    tokio::spawn(async move {
        loop {
            sender.take_pending();
            tokio::time::sleep(SENDS_EVERY).await;
        }
    });
    // Whoever started this process ends it by closing the pipe, even by crashing.
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_to_end(&mut Vec::new())).await??;
    sandbox.shutdown().await;
    Ok(())
}

/// The clock of this machine, which the forges do not read by themselves.
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "whoever runs the forges hands them the time")]
        let now = Timestamp::now();
        now
    }

    fn wait_until(&self, instant: Timestamp) -> Wait {
        let left = instant.duration_since(self.now());
        Box::pin(async move {
            // What is left of an instant in the past is no duration.
            if let Ok(left) = Duration::try_from(left) {
                tokio::time::sleep(left).await;
            }
        })
    }
}

/// What the command line asks for.
struct Options {
    /// The addresses of GitLab and GitHub, both on loopback.
    listen: [SocketAddr; 2],
    record: Option<PathBuf>,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { listen: [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 2], record: None };
        while let Some(name) = arguments.next() {
            let value = arguments.next();
            let value = value.ok_or("usage: sandbox [--listen 127.0.0.1:PORT] [--record FILE]")?;
            match name.as_str() {
                "--listen" => options.listen = neighbours(&value)?,
                "--record" => options.record = Some(value.into()),
                _ => return Err(format!("{name} is not understood")),
            }
        }
        Ok(options)
    }
}

/// This address and the one at the next port; twice a free port for port 0.
fn neighbours(address: &str) -> Result<[SocketAddr; 2], String> {
    let first: SocketAddr = address.parse().map_err(|_| format!("{address} is no address"))?;
    if !first.ip().is_loopback() {
        return Err(format!("{first} is not on loopback, and these forges are for this machine only"));
    }
    let next = if first.port() == 0 { Some(0) } else { first.port().checked_add(1) };
    Ok([first, SocketAddr::from((first.ip(), next.ok_or("there is no next port")?))])
}

/// The same company on either forge: accounts, projects, and two webhooks. Returns the project's one.
fn found(sandbox: &Sandbox, forge: Forge) -> u64 {
    sandbox.add_bot(forge, BOT, "Usher");
    sandbox.add_token(forge, TOKEN, BOT);
    sandbox.add_user(forge, "olga", "Olga Outsider");
    sandbox.add_user(forge, "lena", "Lena Lead");
    for login in PEOPLE {
        sandbox.add_member(forge, PROJECT, login, Access::WRITE);
    }
    for project in [PROJECT, OWN_PROJECT] {
        sandbox.add_project(forge, project);
        // GitHub shows webhooks to administrators only.
        sandbox.add_member(forge, project, BOT, Access::ADMIN);
    }
    sandbox.add_member(forge, OWN_PROJECT, "lena", Access::ADMIN);
    sandbox.set_file(forge, PROJECT, "main", "docs/CODEOWNERS", Some("* @rita\n"));
    // The bot may set up webhooks, of the group and the organisation too.
    sandbox.add_member(forge, PROJECT, BOT, Access::ADMIN);
    match forge {
        Forge::Gitlab => sandbox.add_group_member("acme", BOT, Access::ADMIN),
        Forge::Github => sandbox.add_org_owner("acme", BOT),
    }
    let people = match forge {
        Forge::Gitlab => HookTarget::Group("acme/support".into()),
        Forge::Github => HookTarget::Org("acme".into()),
    };
    sandbox.add_hook(forge, people, hook(forge));
    if forge == Forge::Gitlab {
        sandbox.add_group_member("acme/support", "sam", Access::WRITE);
        sandbox.add_group_member("acme/support", "siobhan", Access::WRITE);
    } else {
        sandbox.add_team("acme", "support", None, &["sam", "siobhan"]);
    }
    sandbox.add_hook(forge, HookTarget::Project(PROJECT.into()), hook(forge))
}

/// Takes away what is to be sent, all of it well but one delivery to GitHub's organisation, which
/// nobody answers.
async fn fail_one(sandbox: &Sandbox) {
    let sent = sandbox.take_pending();
    let to_people =
        sent.into_iter().find(|request| request.forge == Forge::Github && request.event == "membership");
    if let Some(mut request) = to_people {
        // The discard port: nobody listens there.
        request.url = "http://127.0.0.1:9/".to_owned();
        sandbox.send(&request).await;
    }
}

/// A GitHub App that acme has installed; answers its private key.
fn app(sandbox: &Sandbox) -> Result<String, Box<dyn std::error::Error>> {
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
    sandbox.add_app(APP_ID, "usher-app", &pem("PUBLIC KEY", public.as_ref()));
    sandbox.install_app("acme");
    let private: Pkcs8V1Der<'_> = key.as_der()?;
    Ok(pem("PRIVATE KEY", private.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Open changes, one fresh, one reviewed, one below a user; and all that a client needs to know.
fn leave_work(sandbox: &Sandbox, forge: Forge) -> Result<Value, Refusal> {
    let (fresh, reviewed) = (open(sandbox, forge)?, open(sandbox, forge)?);
    sandbox.request_reviewer(&reviewed, "sam", "rita")?;
    sandbox.review(&reviewed, "rita", Verdict::RequestChanges, "Not yet.")?;
    if forge == Forge::Gitlab {
        // Whoever may, and not only a reviewer.
        sandbox.review(&reviewed, "ravi", Verdict::Approve, "")?;
    }
    let own = sandbox.open_change(forge, OWN_PROJECT, NewChange::by("lena", "A note"))?;
    let url = if forge == Forge::Gitlab { sandbox.gitlab_url() } else { sandbox.github_url() };
    // An account that is there already is returned as it is.
    let id = |login: &str| sandbox.add_user(forge, login, login);
    let ids: serde_json::Map<_, _> =
        PEOPLE.iter().map(|login| ((*login).to_owned(), id(login).into())).collect();
    Ok(json!({
        "url": url, "token": TOKEN, "bot": { "login": BOT, "id": id(BOT) }, "ids": ids,
        "project": PROJECT, "own_project": OWN_PROJECT, "group": "acme/support",
        "fresh": fresh.number, "reviewed": reviewed.number, "own": own.number,
    }))
}

/// Everything that people do and a forge tells of, on a change that is over when the clients come.
fn play(sandbox: &Sandbox, forge: Forge) -> Result<(), Refusal> {
    let change = NewChange { draft: true, ..NewChange::by("sam", "A draft at first") };
    let change = sandbox.open_change(forge, PROJECT, change)?;
    sandbox.mark_ready(&change, "sam")?;
    sandbox.retitle(&change, "sam", "No draft any more")?;
    sandbox.push(&change, "sam")?;
    sandbox.mark_draft(&change, "sam")?;
    sandbox.mark_ready(&change, "sam")?;
    sandbox.add_label(&change, "sam", "urgent")?;
    sandbox.remove_label(&change, "sam", "urgent")?;
    for reviewer in ["rita", "ravi"] {
        sandbox.request_reviewer(&change, "sam", reviewer)?;
    }
    sandbox.remove_reviewer(&change, "sam", "ravi")?;
    let comment = sandbox.comment(&change, "sam", "Please look.")?;
    sandbox.edit_comment(&change, "sam", comment, "Please have a look.")?;
    sandbox.delete_comment(&change, "sam", comment)?;
    sandbox.review(&change, "rita", Verdict::Comment, "What about this?")?;
    sandbox.re_request_review(&change, "sam", "rita")?;
    sandbox.review(&change, "rita", Verdict::RequestChanges, "Not yet.")?;
    sandbox.re_request_review(&change, "sam", "rita")?;
    sandbox.review(&change, "rita", Verdict::Approve, "")?;
    match forge {
        Forge::Gitlab => sandbox.unapprove(&change, "rita")?,
        Forge::Github => sandbox.dismiss_review(&change, "rita", "rita")?,
    }
    sandbox.close(&change, "sam")?;
    sandbox.reopen(&change, "sam")?;
    sandbox.merge(&change, "rita")?;
    match forge {
        Forge::Gitlab => {
            sandbox.add_group_member("acme/support", "olga", Access::WRITE);
            sandbox.remove_group_member("acme/support", "olga");
        }
        Forge::Github => {
            sandbox.join_team("acme", "support", "olga", "lena");
            sandbox.leave_team("acme", "support", "olga", "lena");
        }
    }
    Ok(())
}

/// A webhook as an Usher somewhere would have it.
fn hook(forge: Forge) -> NewHook {
    match forge {
        Forge::Gitlab => {
            NewHook::to("https://usher.example.com/hooks/gitlab").with_signing_token(SIGNING_TOKEN)
        }
        Forge::Github => NewHook::to("https://usher.example.com/hooks/github").with_secret(WEBHOOK_SECRET),
    }
}

/// A change with enough files for two pages.
fn open(sandbox: &Sandbox, forge: Forge) -> Result<ChangeRef, Refusal> {
    let files = (0..120).map(|number| ChangedFile::new(&format!("src/part_{number:03}.rs"), 3, 1)).collect();
    let change = NewChange {
        files,
        labels: vec!["bug".into()],
        description: "Totals were a cent off.".into(),
        ..NewChange::by("sam", "Round VAT per line")
    };
    sandbox.open_change(forge, PROJECT, change)
}
