//! `usher check`: is the configuration right, and, with `--online`, do the forges agree.

use std::path::Path;
use std::process::ExitCode;

use super::service::client;
use super::{CliError, check_owners, check_rules, load, start_logging};
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::core::people::{Directory, RosterWish};
use crate::core::words::rehearse;

pub(super) async fn run(path: &Path, online: bool, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let config = load(path)?;
    let mut findings = Vec::new();
    if online {
        for forge in &config.forges {
            findings.extend(ask(&config, forge).await?);
        }
    }
    let faults = findings.iter().filter(|finding| finding.remedy.is_some()).count();
    let broken = rehearse(&config.policy.templates);
    if json {
        let findings: Vec<_> = findings.iter().map(Finding::json).collect();
        let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
        let report = serde_json::json!({ "config": "good", "templates": broken, "online": findings });
        anstream::println!("{report:#}");
    } else {
        let verdict = if broken.is_empty() { "is good" } else { "can be used, with built-in words" };
        anstream::println!("{} {verdict}.\n", path.display());
        summary(&config);
        for fault in &broken {
            anstream::println!("\n  FAULT   template {}: {fault}", fault.text.word());
            anstream::println!(
                "          the built-in text is used until it is corrected; see docs/templates.md"
            );
        }
        findings.iter().for_each(Finding::print);
    }
    Ok(if faults + broken.len() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(config: &Config) {
    for forge in &config.forges {
        let projects: Vec<_> = forge.projects.iter().map(|pattern| pattern.text.as_str()).collect();
        anstream::println!("  forge   {:<12} {} ({})", forge.name, forge.url, projects.join(", "));
        anstream::println!("          webhooks come to POST /hooks/{}", forge.name);
    }
    for pool in &config.policy.pools {
        let mut members = pool.members.clone();
        members.extend(pool.groups.iter().map(|group| format!("{}:{}", group.forge, group.path)));
        let lead = pool.lead.as_deref().unwrap_or("nobody");
        anstream::println!("  pool    {:<12} {}; lead: {lead}", pool.name, members.join(", "));
    }
    for route in &config.policy.routes {
        let paths: Vec<_> = route.paths.iter().map(|pattern| pattern.text.as_str()).collect();
        let what = if paths.is_empty() { check_rules::conditions(route) } else { paths.join(", ") };
        let owners = if route.codeowners { "; owners by CODEOWNERS first" } else { "" };
        anstream::println!("  route   {:<12} {what}{owners}", route.pool);
    }
    check_rules::print(&config.policy);
    for (text, file) in config.policy.templates.files() {
        anstream::println!("  words   {:<12} {file}", text.word());
    }
    let support = &config.policy.support;
    let mut who = support.members.clone();
    who.extend(support.groups.iter().map(|group| format!("{}:{}", group.forge, group.path)));
    anstream::println!("  support {}", who.join(", "));
    if config.dry_run {
        anstream::println!("\ndry_run is on: nothing will be written to any forge.");
    }
}

/// One thing that a forge was asked.
struct Finding {
    forge: String,
    what: String,
    /// What to do; `None` when all is well.
    remedy: Option<String>,
}

impl Finding {
    fn print(&self) {
        match &self.remedy {
            None => anstream::println!("\n  good    {}: {}", self.forge, self.what),
            Some(remedy) => {
                anstream::println!("\n  FAULT   {}: {}\n          {remedy}", self.forge, self.what)
            }
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "forge": self.forge, "what": self.what, "good": self.remedy.is_none(), "remedy": self.remedy,
        })
    }
}

/// Asks a forge who Usher is there, who the people are, which changes are open, and who owns files
/// where a route wants to know.
async fn ask(config: &Config, forge: &Forge) -> Result<Vec<Finding>, CliError> {
    let client = client(forge, &Clock::system())?;
    let finding = |what: String, remedy: Option<String>| Finding { forge: forge.name.clone(), what, remedy };
    let roster = match client.roster(&RosterWish::new(&config.policy, &forge.name)).await {
        Ok(roster) => roster,
        Err(fault) => {
            let remedy = "check url and token, and that this machine can reach the forge";
            return Ok(vec![finding(fault.to_string(), Some(remedy.into()))]);
        }
    };
    let me = roster.me.as_ref().map_or("somebody unknown", |me| me.login.as_str());
    let mut findings = vec![finding(format!("the token is valid; Usher acts as {me}"), None)];
    for unknown in &roster.unknown {
        let remedy = "correct the name, or give the person's login in a [[person]] table";
        findings.push(finding(format!("`{unknown}` is not known there"), Some(remedy.into())));
    }
    let directory = Directory::new(&config.policy, &forge.name, &roster);
    let support = directory.people().filter(|person| person.support && person.account.is_some()).count();
    let remedy =
        (support == 0).then(|| "name them in [support], or list a group of this forge there".to_owned());
    findings.push(finding(format!("{support} support engineers have an account there"), remedy));
    let mut owned = Vec::new();
    findings.push(match client.list(&crate::forge::Since::default()).await {
        Ok(listing) => {
            let owners = check_owners::ask(config, forge, &client, &directory, &listing).await;
            owned.extend(owners.into_iter().map(|(what, remedy)| finding(what, remedy)));
            finding(format!("{} open changes in the watched projects", listing.changes.len()), None)
        }
        Err(fault) => {
            let remedy = "check that the token may read the projects";
            finding(format!("the changes cannot be listed: {fault}"), Some(remedy.into()))
        }
    });
    findings.extend(owned);
    Ok(findings)
}
