//! `usher access`: who may do what in the watched projects, what is missing, and what would bring it.

use std::process::ExitCode;

use anyhow::Context;
use comfy_table::Table;
use serde_json::{Value, json};

use super::explain::unknown_forge;
use super::preview::kept;
use super::{CliError, start_logging, terminal};
use crate::audit::access::{AccessReport, AccessRow, Need, judge};
use crate::audit::words as audit_words;
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::service::client;
use usher_core::model::access::AccessFacts;
use usher_core::model::change::ForgeKind;
use usher_core::model::people::{Directory, RosterWish};

/// Rows that are printed of one forge; of more, only those that lack something.
const ROWS_MAX: usize = 60;

pub(super) async fn run(config: &Config, only: Option<&str>, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let wanted = |forge: &&Forge| only.is_none_or(|name| forge.name == name);
    let forges: Vec<&Forge> = config.forges.iter().filter(wanted).collect();
    if let (Some(name), []) = (only, forges.as_slice()) {
        return Err(unknown_forge(config, name));
    }
    let mut sights = Vec::new();
    for forge in forges {
        sights.push(Sight::take(config, forge).await);
    }
    if json {
        let forges: Vec<Value> = sights.iter().map(Sight::json).collect();
        anstream::println!("{:#}", json!({ "forges": forges }));
    } else {
        sights.iter().for_each(Sight::print);
    }
    let good = sights.iter().all(Sight::is_good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was seen of one forge.
struct Sight<'a> {
    forge: &'a Forge,
    seen: anyhow::Result<Seen>,
}

struct Seen {
    /// Usher's own login.
    me: String,
    facts: AccessFacts,
    report: AccessReport,
}

impl Sight<'_> {
    async fn take<'a>(config: &Config, forge: &'a Forge) -> Sight<'a> {
        Sight { forge, seen: look(config, forge).await }
    }

    fn is_good(&self) -> bool {
        self.seen.as_ref().is_ok_and(|seen| !seen.report.has_gaps())
    }

    fn print(&self) {
        let name = &self.forge.name;
        let seen = match &self.seen {
            Ok(seen) => seen,
            Err(error) => return anstream::println!("{name}: {error:#}\n"),
        };
        let Seen { facts, report, .. } = seen;
        let more = if facts.truncated { ", and more that could not be looked at" } else { "" };
        anstream::println!("{name}: {}{more}\n", audit_words::access_projects(facts.projects.len()));
        let lacking = |row: &&AccessRow| !row.lacks.is_empty();
        let all = report.rows.len() <= ROWS_MAX;
        let rows: Vec<&AccessRow> =
            report.rows.iter().filter(|row| all || lacking(row)).take(ROWS_MAX).collect();
        anstream::println!("{}", terminal::fitted(&mut table(self.forge.kind, &rows)));
        let hidden = report.rows.len() - rows.len();
        if hidden > 0 {
            anstream::println!("\n  and {hidden} more rows; --json has all");
        }
        for audit_words::AccessLine { what, remedy, counts } in self.told(seen) {
            let word = if counts { "GAP " } else { "note" };
            anstream::println!("\n  {word}    {what}\n          {remedy}");
        }
        if !report.strangers.is_empty() {
            anstream::println!("\n  note    {}", audit_words::access_strangers(&report.strangers));
        }
        let end = if report.has_gaps() { "" } else { "\n  good    nobody lacks anything they need\n" };
        anstream::println!("{end}");
    }

    /// Every gap with its remedy.
    fn told(&self, seen: &Seen) -> Vec<audit_words::AccessLine> {
        audit_words::access_lines(self.forge.kind, &seen.me, &seen.report)
    }

    fn json(&self) -> Value {
        let name = &self.forge.name;
        let seen = match &self.seen {
            Ok(seen) => seen,
            Err(error) => return json!({ "forge": name, "error": format!("{error:#}") }),
        };
        let sentences = self.told(seen).into_iter();
        let sentences =
            sentences.map(|line| json!({ "what": line.what, "remedy": line.remedy, "counts": line.counts }));
        json!({
            "forge": name,
            "account": seen.me,
            "read_at": seen.facts.read_at,
            "projects": seen.facts.projects.iter().map(|project| &project.project).collect::<Vec<_>>(),
            "truncated": seen.facts.truncated,
            "has_gaps": seen.report.has_gaps(),
            "sentences": sentences.collect::<Vec<_>>(),
            "report": seen.report,
        })
    }
}

async fn look(config: &Config, forge: &Forge) -> anyhow::Result<Seen> {
    let client = client(forge, &Clock::system())?;
    let (_, before) = kept(config, forge).await?;
    let wish = RosterWish::new(&config.policy, &forge.name);
    let roster = client.roster_after(&wish, &before.unwrap_or_default()).await;
    let roster = roster.context("who is who could not be read")?;
    let facts = client.access().await.context("the projects could not be read")?;
    let directory = Directory::new(&config.policy, &forge.name, &roster);
    let report = judge(&config.policy, &forge.name, &directory, &roster, &facts);
    let me = roster.me.map_or_else(|| "Usher's account".into(), |me| me.login);
    Ok(Seen { me, facts, report })
}

fn table(kind: ForgeKind, rows: &[&AccessRow]) -> Table {
    let head = ["person", "is", "project", "role", "read", "open", "push docs", "review"];
    let mut table = terminal::table(&head);
    for row in rows {
        let mut parts: Vec<&str> = row.support.then_some("support").into_iter().collect();
        parts.extend(row.pools.iter().map(String::as_str));
        let role = row.rank.map_or("?", |rank| rank.word(kind));
        let [read, open, push, review] = cells(row);
        table.add_row([&row.person, &parts.join(", "), &row.project, role, read, open, push, review]);
    }
    table
}

/// What a row says of reading, opening, pushing and reviewing; in capitals what is missing.
fn cells(row: &AccessRow) -> [&'static str; 4] {
    let Some(may) = row.may else { return ["?"; 4] };
    let cell = |need: Need, wanted: bool| match (may.has(need), row.lacks.contains(&need)) {
        _ if !wanted => "",
        (true, _) => "yes",
        (false, true) => "NO",
        (false, false) => "no",
    };
    let review = match (may.approve, may.be_asked) {
        _ if row.pools.is_empty() => "",
        (true, _) => "yes",
        (false, true) => "ASKED ONLY",
        (false, false) => "NO",
    };
    [
        cell(Need::ReadCode, row.support),
        cell(Need::OpenChange, row.support),
        cell(Need::PushDocs, row.support),
        review,
    ]
}
