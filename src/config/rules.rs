//! The policy as a whole, and its smaller sections: `[labels]`, `[limits]`.

use std::sync::Arc;

use jiff::tz::TimeZone;

use usher_core::model::calendar::Hours;
use usher_core::model::choice::VerdictsTold;
use usher_core::model::policy::{ForgePolicy, Labels, Limits, Policy};

use super::calendars::Calendars;
use super::forges::ReadForge;
use super::keys;
use super::mistakes::{Book, Fault};
use super::reader::Section;
use super::tree::Node;
use super::{names, people, pools, tickets, timeboxes, units};

/// GitHub's limit for the name of a label, in characters.
const LABEL_MOST_CHARS: usize = 50;

pub(super) fn policy(
    root: &Section<'_>,
    forges: &[ReadForge],
    calendars: &Calendars,
    book: &mut Book,
) -> Policy {
    let default_hours = Arc::new(Hours::office(TimeZone::UTC));
    let support = people::support(root, forges, calendars, book);
    let maintainers = people::maintainers(root, forges, book);
    let people = people::people(root, calendars, &default_hours, book);
    let pools = pools::pools(root, calendars, forges, &support, book);
    let routes = pools::routes(root, &pools, forges, book);
    people::warn_of_slips(root, &support, &pools, book);
    let forges = forges.iter().filter_map(|forge| forge.whole.as_ref()).map(|forge| ForgePolicy {
        name: forge.name.clone(),
        kind: forge.kind,
        projects: forge.projects.clone(),
        maintenance: forge.maintenance.clone(),
    });
    let mut policy = Policy {
        forges: forges.collect(),
        support,
        maintainers,
        people,
        pools: pools.into_iter().map(|pool| pool.it).collect(),
        routes,
        default_hours,
        boxes: timeboxes::everywhere(root, book),
        box_rules: timeboxes::rules(root, book),
        labels: labels(root, book),
        limits: limits(root, book),
        handle: handle(root, book),
        verdicts: verdicts(root, book),
        contact: contact(root, book),
        scope: tickets::scope(root, book),
        ..Policy::default()
    };
    names::unite(&mut policy);
    names::report_taken_logins(root, &mut policy, book);
    policy
}

/// How people call Usher in comments, where that is not what its account is called.
fn handle(root: &Section<'_>, book: &mut Book) -> Option<String> {
    let section = root.section(book, "commands", &keys::COMMANDS)?;
    Some(section.value(book, "handle", units::login)?.it)
}

/// How much of a choice is told in public.
fn verdicts(root: &Section<'_>, book: &mut Book) -> VerdictsTold {
    let section = root.section(book, "comments", &keys::COMMENTS);
    let told = section.and_then(|section| section.value(book, "verdicts", units::verdicts));
    told.map(|told| told.it).unwrap_or_default()
}

/// Who is told where nobody else can be.
fn contact(root: &Section<'_>, book: &mut Book) -> Option<String> {
    let section = root.section(book, "escalation", &keys::ESCALATION)?;
    Some(section.value(book, "contact", units::login)?.it)
}

fn labels(root: &Section<'_>, book: &mut Book) -> Labels {
    let mut labels = Labels::default();
    let Some(section) = root.section(book, "labels", &keys::LABELS) else { return labels };
    for (name, text) in slots(&mut labels) {
        if let Some(label) = section.value(book, name, label) {
            *text = label.it;
        }
    }
    report_label_clashes(&section, &mut labels, book);
    labels
}

/// The labels with their keys, stages first.
fn slots(labels: &mut Labels) -> [(&'static str, &mut String); 9] {
    [
        ("waiting", &mut labels.waiting),
        ("reviewing", &mut labels.reviewing),
        ("with_author", &mut labels.with_author),
        ("ready_to_merge", &mut labels.ready_to_merge),
        ("contribution", &mut labels.contribution),
        ("overdue", &mut labels.overdue),
        ("skip", &mut labels.skip),
        ("out_of_scope", &mut labels.out_of_scope),
        ("priority", &mut labels.priority),
    ]
}

fn label(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    if text.contains(',') {
        let what = format!("the label `{text}` has a comma in it");
        return Err(Fault::new(what, "GitLab reads a comma as the end of a label: leave it out"));
    }
    if text.trim() != text {
        return Err(Fault::new(format!("the label `{text}` begins or ends with a space"), "leave it out"));
    }
    if text.chars().count() > LABEL_MOST_CHARS {
        let what = format!("a label of more than {LABEL_MOST_CHARS} characters");
        return Err(Fault::new(what, "GitHub takes no longer ones"));
    }
    Ok(text)
}

/// Labels must differ, also for GitHub, where `Skip` is `skip`; and labels that may be on a change
/// together must not share a GitLab scope (`scope::value`), since setting one there removes the
/// other.
fn report_label_clashes(section: &Section<'_>, labels: &mut Labels, book: &mut Book) {
    const STAGES: usize = 4;
    let slots = slots(labels);
    for (index, (name, text)) in slots.iter().enumerate() {
        for (earlier, (other_name, other)) in slots[..index].iter().enumerate() {
            let place = section.key_place(name).or_else(|| section.key_place(other_name));
            let Some(place) = place else { continue };
            let both_stages = index < STAGES && earlier < STAGES;
            let scope = |label: &str| label.rsplit_once("::").map(|(scope, _)| scope.to_lowercase());
            if text.to_lowercase() == other.to_lowercase() {
                let what = format!("the labels `{other_name}` and `{name}` are both called `{text}`");
                book.mistake(place, what, "each has a meaning of its own, so each needs a name of its own");
            } else if !both_stages && scope(text).is_some() && scope(text) == scope(other) {
                let what = format!("`{text}` and `{other}` share a scope");
                book.mistake(place, what, "GitLab keeps one label of each scope: use another scope, or none");
            }
        }
    }
}

fn limits(root: &Section<'_>, book: &mut Book) -> Limits {
    let default = Limits::default();
    let Some(section) = root.section(book, "limits", &keys::LIMITS) else { return default };
    let snooze_max = section.value(book, "snooze_max", units::budget);
    let snooze_max = snooze_max.map_or(default.snooze_max, |span| span.it);
    let mut read = |name, least, default: u32| {
        section.value(book, name, units::count(least, 10_000)).map_or(default, |count| count.it)
    };
    Limits {
        snooze_max,
        pings_per_change: read("pings_per_change", 0, default.pings_per_change),
        pings_per_person_per_day: read("pings_per_person_per_day", 0, default.pings_per_person_per_day),
        first_run_changes_per_day: read("first_run_changes_per_day", 0, default.first_run_changes_per_day),
        max_pools: match read("max_pools", 1, 0) {
            0 => default.max_pools,
            pools => usize::try_from(pools).unwrap_or(default.max_pools),
        },
    }
}
