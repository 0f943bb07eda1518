//! `usher check`: is the configuration right, and, with `--online`, do the forges agree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use super::begin::{CliError, mistakes_json, start_logging};
use super::finding::{Finding, Findings, Level};
use super::{check_calendars, check_owners, check_projects, check_rules, check_token};
use crate::clock::Clock;
use crate::config::{self, Config, Forge, Loaded};
use crate::forge::{Client, ForgeFault};
use crate::service::client;
use usher_core::model::change::ForgeKind;
use usher_core::model::people::{Directory, Roster, RosterWish};
use usher_words::rehearse;

pub(super) async fn run(path: &Path, online: bool, verbose: bool, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let loaded = if online { config::load(path) } else { config::load_without_secrets(path) };
    let Loaded { config, warnings } = loaded.map_err(CliError::Config)?;
    if !json && !warnings.is_empty() {
        anstream::eprintln!("{warnings}");
    }
    let mut findings = Vec::new();
    if online {
        for forge in &config.forges {
            findings.extend(ask(&config, forge).await?);
        }
    }
    let faults = findings.iter().filter(|finding| finding.level == Level::Fault).count();
    let broken = rehearse(&config.templates);
    if json {
        let findings: Vec<_> = findings.iter().map(Finding::json).collect();
        let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
        let report = serde_json::json!({
            "config": "good",
            "warnings": mistakes_json(&warnings),
            "calendars": check_calendars::json(&config, Clock::system().now()),
            "without_calendar": config.policy.without_calendar(),
            "templates": broken,
            "online": findings,
        });
        anstream::println!("{report:#}");
    } else {
        let verdict = if broken.is_empty() { "is good" } else { "can be used, with built-in words" };
        anstream::println!("{} {verdict}.\n", path.display());
        summary(&config, verbose);
        check_calendars::warn_of_missing(&config.policy);
        for fault in &broken {
            anstream::println!("\n  FAULT   template {}: {fault}", fault.text.word());
            anstream::println!(
                "          the built-in text is used until it is corrected; see docs/templates.md"
            );
        }
        if !findings.is_empty() {
            anstream::println!();
        }
        findings.iter().for_each(Finding::print);
    }
    Ok(if faults + broken.len() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(config: &Config, verbose: bool) {
    for forge in &config.forges {
        let projects: Vec<_> = forge.projects.iter().map(|pattern| pattern.text.as_str()).collect();
        anstream::println!("  forge   {:<12} {} ({})", forge.name, forge.url, projects.join(", "));
        anstream::println!("          webhooks come to POST /hooks/{}", forge.name);
    }
    for pool in &config.policy.pools {
        let mut members = pool.members.clone();
        members.extend(pool.groups.iter().map(|group| format!("{}:{}", group.forge, group.path)));
        let lead = if pool.leads.is_empty() { "nobody".to_owned() } else { pool.leads.join(", ") };
        anstream::println!("  pool    {:<12} {}; lead: {lead}", pool.name, members.join(", "));
    }
    for route in &config.policy.routes {
        let paths: Vec<_> = route.paths.iter().map(|pattern| pattern.text.as_str()).collect();
        let what = if paths.is_empty() { check_rules::conditions(route) } else { paths.join(", ") };
        let owners = if route.codeowners { "; owners by CODEOWNERS first" } else { "" };
        anstream::println!("  route   {:<12} {what}{owners}", route.pool);
    }
    check_rules::print(&config.policy);
    check_calendars::print(config, Clock::system().now(), verbose);
    for (text, file) in config.templates.files() {
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

/// Asks a forge about the credentials, the people, the projects with their webhooks, the open changes,
/// and who owns files where a route wants to know.
async fn ask(config: &Config, forge: &Forge) -> Result<Vec<Finding>, CliError> {
    let clock = Clock::system();
    let client = client(forge, &clock)?;
    let mut findings = Findings::of(&forge.name);
    let told = client.token().await;
    let by_app = told.as_ref().is_ok_and(|facts| facts.is_delivered_to == Some(true));
    if !check_token::judge(config, forge, told, clock.now(), &mut findings) {
        return Ok(findings.close());
    }
    let roster = people(config, forge, &client, &mut findings).await;
    check_projects::ask(config, forge, &client, by_app, &mut findings).await;
    match client.list(&crate::forge::Since::default()).await {
        Ok(listing) => {
            findings.good(format!("{} open changes in the watched projects", listing.changes.len()));
            // Projects that are named in full were looked at one by one.
            let named = |place: &&String| client.exact_projects().any(|path| path == place.as_str());
            for place in listing.refused.iter().filter(|place| !named(place)) {
                let remedy = "correct `projects`, or let the token's account see it";
                findings.fault(format!("the changes of `{place}` cannot be listed"), remedy);
            }
            let directory = Directory::new(&config.policy, &forge.name, &roster);
            for (what, remedy) in check_owners::ask(config, forge, &client, &directory, &listing).await {
                match remedy {
                    None => findings.good(what),
                    Some(remedy) => findings.fault(what, remedy),
                }
            }
        }
        Err(fault) => {
            let remedy = "check that the token may read the projects";
            findings.fault(format!("the changes cannot be listed: {fault}"), remedy);
        }
    }
    Ok(findings.close())
}

/// Who Usher is there, whether groups can be read, and whether everybody is known; the roster as far as
/// it was had.
async fn people(config: &Config, forge: &Forge, client: &Client, findings: &mut Findings) -> Roster {
    let wish = RosterWish::new(&config.policy, &forge.name);
    let mut readable = RosterWish { logins: wish.logins, groups: BTreeSet::new() };
    for group in wish.groups {
        let alone = RosterWish { groups: [group.clone()].into(), ..RosterWish::default() };
        match client.roster(&alone).await {
            Ok(roster) if roster.unknown.is_empty() => {
                let members = roster.groups.get(&group).map_or(0, Vec::len);
                let members = if members == 1 { "1 member".to_owned() } else { format!("{members} members") };
                findings.good(format!("{group} can be read and has {members} who can act"));
                readable.groups.insert(group);
            }
            Ok(_) => {
                let remedy = "correct its path, or let the token's account see it";
                findings.fault(format!("`{group}` is not known there"), remedy);
            }
            Err(fault) => {
                let right = match forge.kind {
                    _ if !matches!(fault, ForgeFault::Refused { .. }) => "try again when the forge answers",
                    ForgeKind::GitLab => "make Usher's account a member of the group",
                    ForgeKind::GitHub => "give the token the organisation's Members: read",
                };
                let remedy = format!("{right}; until then nobody is known, and deliveries wait");
                findings.fault(fault.to_string(), remedy);
            }
        }
    }
    let roster = match client.roster(&readable).await {
        Ok(roster) => roster,
        Err(fault) => {
            let remedy = "check that the token may look up users";
            findings.fault(format!("people cannot be looked up: {fault}"), remedy);
            return Roster::default();
        }
    };
    let me = roster.me.as_ref().map_or("somebody unknown", |me| me.login.as_str());
    findings.good(format!("Usher acts as {me}"));
    if is_generated(me) && config.policy.handle.is_none() {
        let what = format!("nobody will type @{me} to give Usher a command");
        findings.warning(what, "name another with `handle` in [commands]; hints then use it");
    }
    for unknown in &roster.unknown {
        let remedy = "correct the name, or give the person's login in a [[person]] table";
        findings.fault(format!("`{unknown}` is not known there"), remedy);
    }
    let directory = Directory::new(&config.policy, &forge.name, &roster);
    let support = directory.people().filter(|person| person.support && person.account.is_some()).count();
    let have = if support == 1 { "engineer has" } else { "engineers have" };
    let what = format!("{support} support {have} an account there");
    if support == 0 {
        findings.fault(what, "name them in [support], or list a group of this forge there");
    } else {
        findings.good(what);
    }
    roster
}

/// Whether GitLab made the name up: that of the account behind a project or group access token
/// (`doc/user/project/settings/project_access_tokens.md`).
fn is_generated(login: &str) -> bool {
    let rest = ["group_", "project_"].iter().find_map(|kind| login.strip_prefix(kind));
    let number = rest.and_then(|rest| rest.split_once("_bot")).map(|(number, _)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_gitlab_makes_up_are_known() {
        for login in ["group_41_bot_9f8e7d", "project_7_bot", "project_123_bot1"] {
            assert!(is_generated(login), "{login}");
        }
        for login in ["usher", "group_bot", "group_lead_bot", "project_7", "acme_41_bot_9f"] {
            assert!(!is_generated(login), "{login}");
        }
    }
}
