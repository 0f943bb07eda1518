//! The timeline on the terminal: what people did, what Usher did, and why.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::civil::Date;
use usher_sandbox::{ChangeRef, Forge};

use super::company::{BOT, Company, key};
use super::scene::Scene;
use super::story;
use super::wrap::wrapped;
use crate::cli::preview::action_words;
use crate::service::Service;
use usher_core::model::action::{Action, Comment, DesiredState};
use usher_core::model::candidate::{Candidate, Judgement};
use usher_core::model::change::Account;
use usher_core::model::reason::Reason;
use usher_core::model::review::Stage;
use usher_words as words;
use usher_words::templates::Templates;

const DAY: Style = Style::new().bold().underline();
const PEOPLE: Style = Style::new().bold();
const USHER: Style = AnsiColor::Cyan.on_default();
const QUIET: Style = Style::new().dimmed();
const WARM: Style = AnsiColor::Yellow.on_default();

/// Columns before what people did, and before what Usher did.
const INDENT_PEOPLE: usize = 9;
const INDENT_USHER: usize = 11;
/// Newest ledger rows that are looked at per change.
const LEDGER_ROWS: u32 = 50;

/// What has been told so far.
#[derive(Default)]
pub(super) struct Timeline {
    day: Option<Date>,
    told_log: usize,
    told_ledger: BTreeMap<ChangeRef, i64>,
    shapes: BTreeMap<ChangeRef, DesiredState>,
    comment_shown: bool,
    /// Verdicts that were told already, by person.
    told_verdicts: BTreeSet<String>,
    /// The change and time of the lines before, while nothing else was told.
    heading: Option<(ChangeRef, Timestamp)>,
}

impl Timeline {
    pub(super) fn welcome(&self, dashboard: &str) {
        let company = "Support: sam, siobhan. Pools: backend (rita, ravi, rosa, otto), docs (dora, dan), \
                       sdk (rita, kim, noah). Lead of all: lena. Rosa is on leave, kim has Tuesdays off, \
                       and otto has no access yet.";
        let forges =
            "The forges are fakes on this machine; server, clients, webhooks and signatures are real.";
        let name = "Usher demo";
        let about = wrapped(&format!("{name}: a week of a small company with a GitLab and a GitHub."), 0);
        anstream::println!("{}", about.replacen(name, &format!("{PEOPLE}{name}{PEOPLE:#}"), 1));
        anstream::println!("{}\n{}", wrapped(forges, 0), wrapped(company, 0));
        anstream::println!("Dashboard: http://{dashboard}   Times are London's.");
    }

    /// A new scene begins.
    pub(super) fn scene(&mut self, scene: &Scene, now: Timestamp) {
        self.new_day(now);
        self.heading = None;
        anstream::println!("\n  {}  {PEOPLE}{}{PEOPLE:#}", clock(now), wrapped(scene.words, INDENT_PEOPLE));
    }

    /// Tells what is new on the forges and in the ledger.
    pub(super) async fn tell(&mut self, company: &Company, service: &Service) -> anyhow::Result<()> {
        let log = company.sandbox.log_since(self.told_log);
        self.told_log += log.len();
        for entry in log.into_iter().filter(|entry| entry.actor != BOT) {
            self.new_day(entry.at);
            self.heading = None;
            let what = entry.what.lines().next().unwrap_or_default();
            // As wide as it is on the terminal, without its colour.
            let place = place(&entry.change);
            let line = format!("{place} {} {what}", entry.actor);
            let line = wrapped(&line, INDENT_PEOPLE).replacen(&place, &format!("{QUIET}{place}{QUIET:#}"), 1);
            anstream::println!("         {line}");
        }
        let changes = company.sandbox.changes(Forge::Gitlab).into_iter();
        for change in changes.chain(company.sandbox.changes(Forge::Github)) {
            let mut rows = service.store.ledger(&key(&change), LEDGER_ROWS).await?;
            rows.sort_by_key(|row| row.seq);
            let told = self.told_ledger.entry(change.clone()).or_insert(i64::MIN);
            let fresh: Vec<_> = rows.into_iter().filter(|row| row.seq > *told).collect();
            if let Some(last) = fresh.last() {
                *told = last.seq;
            }
            for row in fresh {
                self.decision(
                    &change,
                    row.entry.at,
                    &row.entry.reasons,
                    &row.entry.actions,
                    service.clock.now(),
                );
            }
        }
        Ok(())
    }

    fn decision(
        &mut self,
        change: &ChangeRef,
        at: Timestamp,
        reasons: &[Reason],
        actions: &[Action],
        now: Timestamp,
    ) {
        let worth_telling: Vec<&Reason> = reasons.iter().filter(|reason| is_news(reason)).collect();
        let shown: Vec<&Action> = actions
            .iter()
            .filter(|action| !matches!(action, Action::Status(_)) && !action.is_read())
            .collect();
        if worth_telling.is_empty() && shown.is_empty() {
            return;
        }
        self.new_day(now.max(at));
        self.head(change, now.max(at));
        for reason in worth_telling {
            let style = if is_pressing(reason) { WARM } else { Style::new() };
            say(style, "", &words::sentence(reason));
            self.verdicts(reason);
        }
        for action in shown {
            let line = match action {
                Action::Desired(shape) => self.news(change, shape),
                Action::Ping(ping) => first_line(&words::ping(&Templates::default(), ping).comment),
                Action::Reply(reply) => first_line(&words::reply(reply)),
                Action::React { .. } => Some("reacts to the comment".to_owned()),
                other => Some(action_words(other)),
            };
            if let Some(line) = line {
                say(QUIET, "→ ", &line);
            }
        }
        self.show_comment(actions);
    }

    /// Which change the next lines are about, unless the lines before said so.
    fn head(&mut self, change: &ChangeRef, at: Timestamp) {
        let heading = Some((change.clone(), at));
        if self.heading != heading {
            anstream::println!("  {}  {USHER}usher{USHER:#} {QUIET}{}{QUIET:#}", clock(at), place(change));
            self.heading = heading;
        }
    }

    /// Why others were not chosen, or what speaks for somebody: each verdict once.
    fn verdicts(&mut self, reason: &Reason) {
        let Reason::Picked { candidates, .. } = reason else { return };
        for candidate in candidates.iter().filter(|candidate| is_telling(candidate)) {
            let verdict = format!("{}: {}", candidate.person, words::candidate(candidate));
            if self.told_verdicts.insert(verdict.clone()) {
                say(QUIET, "  ", &verdict);
            }
        }
    }

    /// What a shape changes, compared with the one before.
    fn news(&mut self, change: &ChangeRef, shape: &DesiredState) -> Option<String> {
        let before = self.shapes.insert(change.clone(), shape.clone()).unwrap_or_default();
        let logins =
            |people: Vec<&Account>| people.iter().map(|one| one.login.clone()).collect::<Vec<_>>().join(", ");
        let labels = |labels: Vec<&String>| labels.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let gone = before.labels.difference(&shape.labels).filter(|label| shape.not_labels.contains(*label));
        let parts = [
            ("asks", logins(shape.reviewers.difference(&before.reviewers).collect())),
            ("takes off", logins(shape.not_reviewers.difference(&before.not_reviewers).collect())),
            ("label", labels(shape.labels.difference(&before.labels).collect())),
            ("no longer", labels(gone.collect())),
        ];
        let parts = parts.iter().filter(|(_, what)| !what.is_empty());
        let parts: Vec<String> = parts.map(|(word, what)| format!("{word} {what}")).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The first status comment is shown as people see it on the forge.
    fn show_comment(&mut self, actions: &[Action]) {
        let status = actions.iter().find_map(|action| match action {
            Action::Status(view) => Some(view),
            _ => None,
        });
        if let Some(view) = status
            && !std::mem::replace(&mut self.comment_shown, true)
        {
            say(QUIET, "→ ", "writes the status comment, and edits it from now on:");
            let comment = words::status(&Templates::default(), view).comment;
            for line in said(comment.body()).take_while(|line| !line.starts_with("<details>")) {
                wrapped(line, INDENT_USHER + 2).lines().for_each(|line| say(QUIET, "│ ", line.trim_start()));
            }
        }
    }

    fn new_day(&mut self, at: Timestamp) {
        let day = at.to_zoned_datetime(story::zone()).date();
        if self.day != Some(day) {
            self.day = Some(day);
            anstream::println!("\n{DAY}{}{DAY:#}", day.strftime("%A, %-d %B"));
        }
    }
}

/// What a spectator wants to read; the rest is in the ledger.
fn is_news(reason: &Reason) -> bool {
    !matches!(
        reason,
        Reason::OlderSnapshot
            | Reason::Ready
            | Reason::Routed { .. }
            | Reason::StageMoved { to: Stage::Reviewing, .. }
            | Reason::OnlyABot { .. }
            | Reason::ReadingFiles
            | Reason::ReadingOwners
            | Reason::MeasuringSize
            | Reason::NoOwners { .. }
    )
}

/// A verdict that says more than who had most time.
fn is_telling(candidate: &Candidate) -> bool {
    let plain = matches!(
        candidate.standing,
        Judgement::Chosen { .. }
            | Judgement::Free { .. }
            | Judgement::AlreadyAsked { .. }
            | Judgement::Declined
    );
    !plain || candidate.owns.is_some()
}

/// What is told in a warmer colour.
fn is_pressing(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::BoxRanOut { .. }
            | Reason::Reminded { .. }
            | Reason::Widened { .. }
            | Reason::Escalated { .. }
            | Reason::Declined { .. }
            | Reason::Refused { .. }
    )
}

fn first_line(comment: &Comment) -> Option<String> {
    said(comment.body()).next().map(|line| format!("“{line}”"))
}

/// The lines of a comment without its hidden marker.
fn said(body: &str) -> impl Iterator<Item = &str> {
    body.lines().filter(|line| !line.starts_with("<!--") && !line.is_empty())
}

/// One line of what Usher did, with a `mark` before it.
fn say(style: Style, mark: &str, text: &str) {
    let text = wrapped(text, INDENT_USHER + mark.chars().count());
    anstream::println!("{:INDENT_USHER$}{style}{mark}{text}{style:#}", "");
}

fn place(change: &ChangeRef) -> String {
    let forge = match change.forge {
        Forge::Gitlab => "GitLab",
        Forge::Github => "GitHub",
    };
    format!("{forge} {change}")
}

fn clock(at: Timestamp) -> String {
    at.to_zoned_datetime(story::zone()).strftime("%H:%M").to_string()
}
