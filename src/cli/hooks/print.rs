//! What `usher hooks` says, as tables and as JSON. Hooks of others are numbers here and nothing else.

use comfy_table::Table;
use serde_json::{Value, json};

use super::secret::Report;
use super::site::Site;
use super::survey::{HookDone, HookRow, State};
use crate::cli::terminal::{fitted, table};
use crate::forge::{Deliveries, DeliveryFailure, HookPlace, HookState, InstalledHook};
use usher_core::model::change::ForgeKind;

/// `plan` and `install`.
pub(super) fn plan(sites: &[Site<'_>], secret: Option<&Report>, yes: bool, json: bool) {
    if json {
        let mut report = whole(sites);
        if let Some(secret) = secret {
            report["secret"] =
                json!({ "file": secret.path, "written": secret.written, "config_line": secret.line });
        }
        return print_json(&report);
    }
    let mut table = table(&["forge", "where", "webhook", if yes { "done" } else { "install would" }]);
    for (site, row) in rows(sites) {
        let end = match (&row.done, row.is_work()) {
            (Some(done), _) => done_words(done),
            (None, true) if row.state == State::Missing => "create it".into(),
            (None, true) => "correct it".into(),
            (None, false) => String::new(),
        };
        table.add_row([site.forge.name.clone(), whereabouts(site, row), state_words(row), end]);
    }
    print_table(sites, &mut table, "No project is watched, so there is nothing to set up.");
    print_notes(sites);
    if let Some(secret) = secret {
        print_secret(secret, sites);
    }
    let work = rows(sites).filter(|(_, row)| row.is_work()).count();
    if !yes && work > 0 {
        anstream::println!("\nNothing was written. `usher hooks install … --yes` does it.");
    } else if work == 0 && sites.iter().all(|site| site.survey.is_done()) {
        anstream::println!("\nThere is nothing to do.");
    }
}

/// `status`.
pub(super) fn status(sites: &[Site<'_>], json: bool) {
    if json {
        return print_json(&whole(sites));
    }
    let mut table = table(&["forge", "where", "webhook", "health", "deliveries"]);
    for (site, row) in rows(sites) {
        let health = row.hook.as_ref().map(health_words).unwrap_or_default();
        let deliveries = row.deliveries.as_ref().map(delivery_words).unwrap_or_default();
        table.add_row([
            site.forge.name.clone(),
            whereabouts(site, row),
            state_words(row),
            health,
            deliveries,
        ]);
    }
    print_table(sites, &mut table, "No project is watched, so there is no webhook to look at.");
    print_notes(sites);
}

/// `remove`.
pub(super) fn removal(sites: &[Site<'_>], yes: bool, json: bool) {
    if json {
        return print_json(&whole(sites));
    }
    let mut table = table(&["forge", "where", "webhook", if yes { "done" } else { "remove would" }]);
    for (site, row) in rows(sites) {
        let (what, end) = match (&row.hook, &row.done) {
            (None, _) => (state_words(row), String::new()),
            (Some(hook), Some(done)) => (format!("hook {}", hook.id), done_words(done)),
            (Some(hook), None) => (format!("hook {}", hook.id), "take it down".into()),
        };
        table.add_row([site.forge.name.clone(), whereabouts(site, row), what, end]);
    }
    print_table(sites, &mut table, "There is no webhook of ours.");
    print_notes(sites);
    if !yes && rows(sites).any(|(_, row)| row.hook.is_some()) {
        anstream::println!("\nNothing was written. Add --yes to do it.");
    }
}

fn rows<'a>(sites: &'a [Site<'a>]) -> impl Iterator<Item = (&'a Site<'a>, &'a HookRow)> {
    sites.iter().flat_map(|site| site.survey.rows.iter().map(move |row| (site, row)))
}

fn print_table(sites: &[Site<'_>], table: &mut Table, otherwise: &str) {
    let empty = rows(sites).next().is_none();
    anstream::println!("{}", if empty { otherwise.to_owned() } else { fitted(table) });
}

fn print_notes(sites: &[Site<'_>]) {
    for site in sites {
        let name = &site.forge.name;
        for note in &site.survey.notes {
            let end = if note.ends_with('?') { "" } else { "." };
            anstream::println!("\n{name}: {note}{end}");
        }
        let (foreign, elsewhere) = (site.survey.foreign, site.survey.elsewhere);
        match foreign {
            0 => {}
            1 => anstream::println!("\n{name}: 1 webhook of others is left alone."),
            many => anstream::println!("\n{name}: {many} webhooks of others are left alone."),
        }
        let whose = format!("to /hooks/{name} of an Usher at another address.");
        match elsewhere {
            0 => {}
            1 if foreign == 1 => anstream::println!("{name}: it leads {whose}"),
            1 => anstream::println!("{name}: 1 of them leads {whose}"),
            many => anstream::println!("{name}: {many} of them lead {whose}"),
        }
    }
}

fn print_secret(secret: &Report, sites: &[Site<'_>]) {
    if !secret.written {
        anstream::println!("\nA new secret would be kept in {}.", secret.path);
        return;
    }
    anstream::println!("\nThe new secret is in {}, readable by you alone.", secret.path);
    match &secret.line {
        Some(line) => anstream::println!(
            "Add it to the [[forge]] in the configuration, beside what is there, and reload Usher; until \
             then it turns these webhooks away:\n\n    {line}"
        ),
        None => anstream::println!("The configuration names it already. Start or reload Usher."),
    }
    if sites.iter().any(|site| !site.survey.is_done()) {
        anstream::println!(
            "Not every webhook has it yet: go on with `usher hooks install … --rotate --yes`, without \
             --generate-secret, once it is first in the list."
        );
    }
}

fn whereabouts(site: &Site<'_>, row: &HookRow) -> String {
    format!("{} {}", kind_of(site, row), row.place.path())
}

fn kind_of(site: &Site<'_>, row: &HookRow) -> &'static str {
    match (&row.place, site.forge.kind) {
        (HookPlace::Project(_), ForgeKind::GitLab) => "project",
        (HookPlace::Project(_), ForgeKind::GitHub) => "repository",
        (HookPlace::Owner(_), ForgeKind::GitLab) => "group",
        (HookPlace::Owner(_), ForgeKind::GitHub) => "organisation",
    }
}

fn state_words(row: &HookRow) -> String {
    let words = match &row.state {
        State::Good => "in order".to_owned(),
        State::Missing => "missing".to_owned(),
        State::Differs(what) => what.join("; "),
        State::Covered(owner) => format!("not needed: the webhook of {owner} delivers for it"),
        State::Double(beside) => format!("delivers twice, beside {beside}"),
        State::Unseen(why) => format!("cannot be seen: {why}"),
    };
    match &row.hook {
        Some(hook) => {
            let rests = if hook.state == HookState::Executable {
                String::new()
            } else {
                format!("; GitLab has it {}", health_words(hook))
            };
            format!("hook {}: {words}{rests}", hook.id)
        }
        None => words,
    }
}

fn done_words(done: &HookDone) -> String {
    match done {
        HookDone::Well(what) => (*what).to_owned(),
        HookDone::Badly(why) => format!("FAILED: {why}"),
    }
}

/// How a webhook is, in a few words.
pub(in crate::cli) fn health_words(hook: &InstalledHook) -> String {
    if !hook.active {
        return "switched off".into();
    }
    if hook.state != HookState::Executable {
        let until = hook.disabled_until.map(|at| format!(" until {at:.0}")).unwrap_or_default();
        return format!("{}{until}", hook.state.phrase());
    }
    match &hook.last {
        None => "in order".into(),
        Some(last) => {
            let code = last.code.map(|code| format!("{code} ")).unwrap_or_default();
            format!("last answer: {code}{}", last.words)
        }
    }
}

fn delivery_words(deliveries: &Deliveries) -> String {
    let Deliveries { seen, failed, last_failure, failing, failing_since } = deliveries;
    let Some(DeliveryFailure { at, event, status, words }) = last_failure else {
        return format!("{seen} seen, none failed");
    };
    let at = at.map(|at| format!(" at {at:.0}")).unwrap_or_default();
    let status = status.map(|status| format!("{status} ")).unwrap_or_default();
    let since = match (failing, failing_since) {
        (0 | 1, _) | (_, None) => String::new(),
        (_, Some(since)) => format!("; none came through since {since:.0}"),
    };
    format!("{seen} seen, {failed} failed, the last{at} ({event}): {status}{words}{since}")
}

fn print_json(report: &Value) {
    anstream::println!("{report:#}");
}

fn whole(sites: &[Site<'_>]) -> Value {
    let forges: Vec<Value> = sites.iter().map(site_json).collect();
    json!({ "forges": forges })
}

fn site_json(site: &Site<'_>) -> Value {
    let hooks: Vec<Value> = site.survey.rows.iter().map(|row| row_json(site, row)).collect();
    json!({
        "forge": site.forge.name,
        "url": site.address.as_ref().map(|address| address.as_str()),
        "webhooks": hooks,
        "foreign": site.survey.foreign,
        "at_another_address": site.survey.elsewhere,
        "notes": site.survey.notes,
    })
}

fn row_json(site: &Site<'_>, row: &HookRow) -> Value {
    let (state, detail) = match &row.state {
        State::Good => ("good", Value::Null),
        State::Missing => ("missing", Value::Null),
        State::Differs(what) => ("differs", json!(what)),
        State::Covered(owner) => ("covered", json!(owner)),
        State::Double(beside) => ("double", json!(beside)),
        State::Unseen(why) => ("unseen", json!(why)),
    };
    let done = match &row.done {
        None => Value::Null,
        Some(HookDone::Well(what)) => json!({ "well": true, "what": what }),
        Some(HookDone::Badly(why)) => json!({ "well": false, "what": why }),
    };
    let mut value = json!({
        "at": kind_of(site, row), "path": row.place.path(), "state": state, "detail": detail, "done": done,
    });
    if let Some(hook) = &row.hook {
        value["id"] = json!(hook.id);
        value["well"] = json!(hook.is_well() && row.fails_with().is_none());
        value["health"] = json!(health_words(hook));
        value["events"] = json!(hook.events);
    }
    if let Some(Deliveries { seen, failed, last_failure, failing, failing_since }) = &row.deliveries {
        let last = last_failure.as_ref().map(|DeliveryFailure { at, event, status, words }| {
            let status = status.map(|status| format!("{status} ")).unwrap_or_default();
            json!({ "at": at, "event": event, "what": format!("{status}{words}") })
        });
        value["deliveries"] = json!({
            "seen": seen, "failed": failed, "last_failure": last,
            "failing": failing, "failing_since": failing_since,
        });
    }
    value
}
