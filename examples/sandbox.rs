//! The fake forges as a process of their own, for clients that are not Usher's:
//!
//! ```text
//! cargo run --example sandbox -- [--listen 127.0.0.1:PORT] [--record FILE]
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

use serde_json::{Value, json};
use usher::clock::Clock;
use usher::sandbox::{
    Access, ChangeRef, ChangedFile, Forge, HookTarget, NewChange, NewHook, Refusal, Sandbox, Verdict,
};

const TOKEN: &str = "sandbox-token";
const WEBHOOK_SECRET: &str = "sandbox-webhook-secret";
const SIGNING_TOKEN: &str = "whsec_c2FuZGJveC1zYW5kYm94LXNhbmRib3gtc2FuZGJveC0=";
const BOT: &str = "usher";
const PROJECT: &str = "acme/shop";
/// Below a user instead of a group or organisation.
const OWN_PROJECT: &str = "lena/notes";
/// How often webhooks are taken away.
const SENDS_EVERY: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Wish { listen: [gitlab, github], record } = Wish::read(std::env::args().skip(1))?;
    let sandbox = Sandbox::start_on(Clock::system(), gitlab, github).await?;
    if let Some(file) = &record {
        sandbox.record_to(file)?;
    }
    let (on_gitlab, on_github) = (found(&sandbox, Forge::Gitlab)?, found(&sandbox, Forge::Github)?);
    println!("{}", json!({ "gitlab": on_gitlab, "github": on_github }));
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

/// What the command line asks for.
struct Wish {
    /// The addresses of GitLab and GitHub, both on loopback.
    listen: [SocketAddr; 2],
    record: Option<PathBuf>,
}

impl Wish {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let mut wish = Wish { listen: [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 2], record: None };
        while let Some(name) = arguments.next() {
            let value = arguments.next();
            let value = value.ok_or("usage: sandbox [--listen 127.0.0.1:PORT] [--record FILE]")?;
            match name.as_str() {
                "--listen" => wish.listen = neighbours(&value)?,
                "--record" => wish.record = Some(value.into()),
                _ => return Err(format!("{name} is not understood")),
            }
        }
        Ok(wish)
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

/// The same company on either forge: what a client needs to know of it.
fn found(sandbox: &Sandbox, forge: Forge) -> Result<Value, Refusal> {
    let bot = sandbox.add_bot(forge, BOT, "Usher");
    sandbox.add_token(forge, TOKEN, BOT);
    sandbox.add_user(forge, "olga", "Olga Outsider");
    sandbox.add_user(forge, "lena", "Lena Lead");
    let mut ids = serde_json::Map::new();
    for login in ["sam", "siobhan", "rita", "ravi"] {
        ids.insert(login.to_owned(), sandbox.add_user(forge, login, login).into());
        sandbox.add_member(forge, PROJECT, login, Access::WRITE);
    }
    for project in [PROJECT, OWN_PROJECT] {
        sandbox.add_project(forge, project);
        sandbox.add_member(forge, project, BOT, Access::MAINTAIN);
    }
    sandbox.add_member(forge, OWN_PROJECT, "lena", Access::ADMIN);
    sandbox.set_busy("ravi", true, "at the seaside");
    if forge == Forge::Gitlab {
        sandbox.add_group_member("acme/support", "sam", Access::WRITE);
        sandbox.add_group_member("acme/support", "siobhan", Access::WRITE);
    } else {
        sandbox.add_team("acme", "support", None, &["sam", "siobhan"]);
    }
    let hook = sandbox.add_hook(forge, HookTarget::Project(PROJECT.into()), hook(forge));
    let (fresh, reviewed) = (open(sandbox, forge)?, open(sandbox, forge)?);
    sandbox.request_reviewer(&reviewed, "sam", "rita")?;
    sandbox.review(&reviewed, "rita", Verdict::RequestChanges, "Not yet.")?;
    let own = sandbox.open_change(forge, OWN_PROJECT, NewChange::by("lena", "A note"))?;
    let url = if forge == Forge::Gitlab { sandbox.gitlab_url() } else { sandbox.github_url() };
    Ok(json!({
        "url": url, "token": TOKEN, "bot": { "login": BOT, "id": bot }, "ids": ids,
        "project": PROJECT, "own_project": OWN_PROJECT, "group": "acme/support", "hook": hook,
        "fresh": fresh.number, "reviewed": reviewed.number, "own": own.number,
    }))
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
    let change =
        NewChange { files, labels: vec!["bug".into()], ..NewChange::by("sam", "Round VAT per line") };
    sandbox.open_change(forge, PROJECT, change)
}
