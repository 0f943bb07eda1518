//! `usher check --online`: are the credentials good, what may they do, do the clocks agree.

use jiff::{SignedDuration, Timestamp};

use super::check_version;
use super::finding::Findings;
use crate::config::{Config, Forge};
use crate::forge::{ForgeFault, Installation, TokenFacts};
use usher_core::model::change::ForgeKind;
use usher_core::model::people::RosterWish;

/// A token that ends sooner is worth a word.
const EXPIRY_NOTICE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// From so far apart clocks are worth a word.
const CLOCK_NOTICE: SignedDuration = SignedDuration::from_secs(60);
/// From so far apart signatures of webhooks count as too old (Standard Webhooks: five minutes), and
/// GitHub refuses the App's own.
const CLOCK_LIMIT: SignedDuration = SignedDuration::from_secs(300);

/// Whether it makes sense to ask any further.
pub(super) fn judge(
    config: &Config,
    forge: &Forge,
    told: Result<TokenFacts, ForgeFault>,
    now: Timestamp,
    findings: &mut Findings,
) -> bool {
    let facts = match told {
        Ok(facts) => facts,
        Err(fault @ ForgeFault::Unauthorized) => {
            let todo = if matches!(forge.sign_in, crate::config::SignIn::App { .. }) {
                "compare app_id and app_private_key with the App's page, and this machine's clock with the time"
            } else {
                "make a new token, put it in place of the old one, and restart"
            };
            findings.fault(fault.to_string(), todo);
            return false;
        }
        Err(fault) => {
            let todo = "check url and token, and that this machine can reach the forge";
            findings.fault(fault.to_string(), todo);
            return false;
        }
    };
    findings.good(format!("the forge accepts {}", facts.what));
    expiry(&facts, now, findings);
    clocks(&facts, now, findings);
    if forge.kind == ForgeKind::GitLab {
        check_version::judge(forge, facts.version.as_deref(), findings);
    }
    scopes(config, forge, &facts, findings);
    let is_app = matches!(forge.sign_in, crate::config::SignIn::App { .. });
    if is_app {
        installations(config, forge, &facts.installations, findings);
    }
    if facts.is_delivered_to == Some(false) {
        let what = format!("the App's own webhook does not lead to /hooks/{}", forge.name);
        let todo = "set its address on the App's page, or set up webhooks of the repositories";
        findings.warning(what, todo);
    }
    true
}

fn expiry(facts: &TokenFacts, now: Timestamp, findings: &mut Findings) {
    let Some(end) = facts.expires_at else { return };
    let left = end.duration_since(now);
    let day = end.strftime("%Y-%m-%d");
    if left > EXPIRY_NOTICE {
        findings.good(format!("it lasts until {day}"));
    } else {
        let days = left.as_hours().max(0) / 24;
        let within = match days {
            0 => "today or tomorrow".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        findings.warning(format!("it ends on {day}, {within}"), "make a new one before that day");
    }
}

fn clocks(facts: &TokenFacts, now: Timestamp, findings: &mut Findings) {
    let Some(date) = facts.date else {
        findings.warning("it tells no time", "compare the clocks of both machines yourself");
        return;
    };
    let apart = date.duration_since(now);
    let which = if apart.is_negative() { "ahead of" } else { "behind" };
    let what = format!("this machine's clock is {} s {which} the forge's", apart.abs().as_secs());
    let todo = "let both machines keep time (chrony, systemd-timesyncd)";
    match apart.abs() {
        apart if apart >= CLOCK_LIMIT => {
            findings.fault(format!("{what}: signed webhooks count as too old"), todo);
        }
        apart if apart >= CLOCK_NOTICE => findings.warning(what, todo),
        _ => findings.good("the clocks are in step"),
    }
}

fn scopes(config: &Config, forge: &Forge, facts: &TokenFacts, findings: &mut Findings) {
    let Some(scopes) = &facts.scopes else { return };
    let has = |wanted: &str| scopes.iter().any(|scope| scope == wanted);
    match forge.kind {
        ForgeKind::GitLab if has("api") => {}
        ForgeKind::GitLab if config.dry_run && has("read_api") => {
            let todo = "before dry_run is switched off, make one with the scope api";
            findings.warning("the token may only read, which is enough for a dry run", todo);
        }
        ForgeKind::GitLab => {
            findings.fault(
                "the token lacks the scope api, so nothing can be written",
                "make one with the scope api",
            );
        }
        ForgeKind::GitHub => {
            if !has("repo") && !has("public_repo") {
                let todo = "give it the scope repo, or better make a fine-grained token";
                findings.fault("the token lacks the scope repo", todo);
            }
            let teams = !RosterWish::new(&config.policy, &forge.name).groups.is_empty();
            if teams && !["read:org", "write:org", "admin:org"].into_iter().any(has) {
                findings.fault("the token lacks the scope read:org, so teams are hidden", "give it read:org");
            }
        }
    }
}

/// The rights that Usher needs of an App, with what for.
fn needed(config: &Config, forge: &Forge) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut needed = vec![
        ("metadata", "read", "Metadata: read"),
        ("pull_requests", "write", "Pull requests: write"),
        ("issues", "write", "Issues: write (the reaction under a command)"),
    ];
    if !RosterWish::new(&config.policy, &forge.name).groups.is_empty() {
        needed.push(("members", "read", "the organisation's Members: read"));
    }
    if config.policy.routes.iter().any(|route| route.codeowners) {
        needed.push(("contents", "read", "Contents: read (CODEOWNERS)"));
    }
    needed
}

fn installations(config: &Config, forge: &Forge, all: &[Installation], findings: &mut Findings) {
    let needed = needed(config, forge);
    for one in all {
        if one.suspended {
            let todo = "an owner there takes it up again under Settings, GitHub Apps";
            findings.fault(format!("the App is suspended at {}", one.owner), todo);
            continue;
        }
        let has = |right: &str, level: &str| {
            let given =
                one.permissions.iter().find(|(name, _)| name == right).map(|(_, given)| given.as_str());
            given.is_some_and(|given| given == level || matches!(given, "write" | "admin"))
        };
        let lacking = needed.iter().filter(|(right, level, _)| !has(right, level)).map(|(_, _, what)| *what);
        let lacking: Vec<&str> = lacking.collect();
        if lacking.is_empty() {
            findings.good(format!("the App is installed at {} with all rights it needs", one.owner));
        } else {
            let what = format!("the App lacks at {}: {}", one.owner, lacking.join(", "));
            findings.fault(what, "add it on the App's page, and let the owner accept it");
        }
    }
    let owners = forge.projects.iter().filter_map(|pattern| pattern.text.split('/').next());
    let mut owners: Vec<&str> = owners.filter(|owner| !owner.contains(['*', '?', '[', '{', '\\'])).collect();
    owners.dedup();
    for owner in owners {
        if !all.iter().any(|one| one.owner.eq_ignore_ascii_case(owner)) {
            let todo = "an owner there installs it from the App's page";
            findings.fault(format!("the App is not installed at {owner}"), todo);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Level;

    fn found(
        judge: impl FnOnce(&TokenFacts, Timestamp, &mut Findings),
        facts: TokenFacts,
    ) -> (Level, String) {
        let mut findings = Findings::of("f");
        judge(&facts, "2026-03-02T10:00:00Z".parse().unwrap(), &mut findings);
        let finding = findings.close().remove(0);
        (finding.level, finding.what)
    }

    #[test]
    fn clocks_are_allowed_a_minute_and_warned_of_up_to_five() {
        for (date, expected) in [
            ("2026-03-02T10:00:59Z", (Level::Good, "the clocks are in step")),
            ("2026-03-02T10:01:00Z", (Level::Warning, "this machine's clock is 60 s behind the forge's")),
            ("2026-03-02T09:55:01Z", (Level::Warning, "this machine's clock is 299 s ahead of the forge's")),
            (
                "2026-03-02T10:05:00Z",
                (
                    Level::Fault,
                    "this machine's clock is 300 s behind the forge's: signed webhooks count as too old",
                ),
            ),
        ] {
            let facts = TokenFacts { date: Some(date.parse().unwrap()), ..TokenFacts::default() };
            let (level, what) = found(clocks, facts);
            assert_eq!((level, what.as_str()), expected);
        }
        assert_eq!(found(clocks, TokenFacts::default()).0, Level::Warning, "no clock is none in step");
    }

    #[test]
    fn a_token_that_ends_within_two_weeks_is_worth_a_word() {
        for (end, level) in [("2026-03-17T00:00:00Z", Level::Good), ("2026-03-16T00:00:00Z", Level::Warning)]
        {
            let facts = TokenFacts { expires_at: Some(end.parse().unwrap()), ..TokenFacts::default() };
            assert_eq!(found(expiry, facts).0, level, "{end}");
        }
    }
}
