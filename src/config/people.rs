//! `[support]` and `[[person]]`: who is who, and who is a support engineer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use usher_core::model::calendar::Hours;
use usher_core::model::change::ForgeKind;
use usher_core::model::policy::{GroupRef, Maintainers, PersonPolicy, Pool, Support};

use super::calendars::{self, Calendars};
use super::forges::ReadForge;
use super::mistakes::{Book, Fault, did_you_mean};
use super::reader::{Placed, Section, bare};
use super::tree::Node;
use super::{keys, units};

/// Most open reviews that may be configured for one person.
pub(super) const CAPACITY_MOST: u32 = 1000;

pub(super) fn support(
    root: &Section<'_>,
    forges: &[ReadForge],
    calendars: &Calendars,
    book: &mut Book,
) -> Support {
    let todo = "begin it with a line [support] and write members = [\"sam\"] or gitlab_groups = [\"gitlab:acme/support\"]";
    let Some(section) = root.section(book, "support", &keys::SUPPORT) else {
        if root.node("support").is_none() {
            book.mistake(root.place, "nobody is a support engineer: [support] is missing", todo);
        }
        return Support::default();
    };
    let members = section.list(book, "members", units::login);
    let groups = groups(&section, forges, book);
    let except = section.list(book, "except", units::login);
    let given = |name: &&str| section.node(name).is_some() && !section.is_empty_list(name);
    if !["members", "gitlab_groups", "github_teams"].iter().any(given) {
        book.mistake(
            section.place,
            "nobody is a support engineer: [support] names no members and no groups",
            todo,
        );
    }
    for name in &except {
        if members.iter().any(|member| member.it.eq_ignore_ascii_case(&name.it)) {
            let what = format!("`{}` is a member of support and excepted from it", name.it);
            book.mistake(&name.place, what, "leave one of the two out");
        }
    }
    report_twice(&members, book);
    let lead = section.value(book, "lead", units::login).map(|lead| lead.it);
    let hours = calendars.named(&section, book);
    Support { members: bare(members), groups, except: bare(except), lead, hours }
}

pub(super) fn maintainers(root: &Section<'_>, forges: &[ReadForge], book: &mut Book) -> Maintainers {
    let Some(section) = root.section(book, "maintainers", &keys::MAINTAINERS) else {
        return Maintainers::default();
    };
    let members = section.list(book, "members", units::login);
    let groups = groups(&section, forges, book);
    report_twice(&members, book);
    Maintainers { members: bare(members), groups }
}

/// A name that stands twice in one list.
pub(super) fn report_twice(names: &[Placed<String>], book: &mut Book) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.it.to_lowercase()) {
            book.mistake(&name.place, format!("`{}` is named twice", name.it), "leave it out");
        }
    }
}

/// The groups of `gitlab_groups` and `github_teams` in one section.
pub(super) fn groups(section: &Section<'_>, forges: &[ReadForge], book: &mut Book) -> Vec<GroupRef> {
    let mut groups = Vec::new();
    for (name, kind) in [("gitlab_groups", ForgeKind::GitLab), ("github_teams", ForgeKind::GitHub)] {
        for group in section.list(book, name, |node| group(node, kind)) {
            check_forge(&group, kind, forges, book);
            if groups.contains(&group.it) {
                let what = format!("`{}:{}` is named twice", group.it.forge, group.it.path);
                book.mistake(&group.place, what, "leave it out");
            }
            groups.push(group.it);
        }
    }
    groups
}

/// `forge:group/path` or `forge:org/team`.
fn group(node: &Node, kind: ForgeKind) -> Result<GroupRef, Fault> {
    let text = units::text(node)?;
    let (example, parts_most) = match kind {
        ForgeKind::GitLab => ("forge name and group path: \"gitlab:acme/support\"", usize::MAX),
        ForgeKind::GitHub => ("forge name, organisation and team: \"github:acme/support\"", 2),
    };
    let wrong = || Fault::new(format!("`{text}` is no group"), format!("write {example}"));
    let (forge, path) = text.split_once(':').ok_or_else(wrong)?;
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let enough = kind == ForgeKind::GitLab || parts.len() == 2;
    if forge.is_empty() || !enough || parts.len() > parts_most || !parts.iter().all(fits) {
        return Err(wrong());
    }
    Ok(GroupRef { forge: forge.to_owned(), path: path.to_owned() })
}

fn check_forge(group: &Placed<GroupRef>, kind: ForgeKind, forges: &[ReadForge], book: &mut Book) {
    let name = &group.it.forge;
    match forges.iter().find(|forge| forge.name.it == *name) {
        Some(forge) => {
            let Some(other) = forge.kind.filter(|other| *other != kind) else { return };
            let key = if other == ForgeKind::GitLab { "gitlab_groups" } else { "github_teams" };
            let what = format!("the forge `{name}` is of kind {}", other.word());
            book.mistake(&group.place, what, format!("its groups are listed under `{key}`"));
        }
        None => report_no_forge(name, &group.place, forges, book),
    }
}

/// A reference to a forge that is not configured.
pub(super) fn report_no_forge(
    name: &str,
    place: &super::mistakes::Place,
    forges: &[ReadForge],
    book: &mut Book,
) {
    let names: Vec<&str> = forges.iter().map(|forge| forge.name.it.as_str()).collect();
    let todo = did_you_mean(name, &names, "describe it with a [[forge]] of that name");
    book.mistake(place, format!("there is no forge `{name}`"), todo);
}

pub(super) fn people(
    root: &Section<'_>,
    calendars: &Calendars,
    default_hours: &Hours,
    book: &mut Book,
) -> BTreeMap<String, PersonPolicy> {
    let mut people = BTreeMap::new();
    let mut logins = BTreeMap::new();
    for section in root.sections(book, "person", &keys::PERSON) {
        let name = section.required(
            book,
            "name",
            "the name used elsewhere in this file: name = \"rita\"",
            units::login,
        );
        let person = person(&section, calendars, default_hours, book);
        let Some(name) = name else { continue };
        report_shared_login(&section, &name.it, &mut logins, book);
        let known = people.keys().any(|known: &String| known.eq_ignore_ascii_case(&name.it));
        if people.insert(name.it.clone(), person).is_some() || known {
            let what = format!("a second person is called `{}`", name.it);
            book.mistake(&name.place, what, "join the two: each person is described once");
        }
    }
    people
}

fn person(
    section: &Section<'_>,
    calendars: &Calendars,
    default_hours: &Hours,
    book: &mut Book,
) -> PersonPolicy {
    let calendar = calendars.named(section, book);
    let timezone = section.value(book, "timezone", calendars::timezone);
    if let (Some(_), Some(place)) = (section.node("calendar"), section.key_place("timezone")) {
        let todo = "keep one: a calendar has a time zone; a time zone alone means the default hours there";
        book.mistake(place, "a person has `calendar` or `timezone`, not both", todo);
    }
    let in_timezone = timezone.map(|timezone| Arc::new(default_hours.in_timezone(timezone.it)));
    let login = |book: &mut Book, key| section.value(book, key, units::login).map(|login| login.it);
    PersonPolicy {
        gitlab: login(book, "gitlab"),
        github: login(book, "github"),
        hours: calendar.or(in_timezone),
        week: calendars::own_week(section, book),
        capacity: capacity(section, book),
        away: bare(section.list(book, "away", units::away)),
    }
}

/// The key `capacity` of a person or pool.
pub(super) fn capacity(section: &Section<'_>, book: &mut Book) -> Option<u32> {
    let read = section.value(book, "capacity", |node| match units::count(0, CAPACITY_MOST)(node)? {
        0 => Err(Fault::new(
            "a capacity of 0 lets nobody be asked",
            "write at least 1; who is not to be asked for a while belongs in `away`",
        )),
        capacity => Ok(capacity),
    });
    read.map(|capacity| capacity.it)
}

/// Two people cannot be one account.
fn report_shared_login(
    section: &Section<'_>,
    name: &str,
    logins: &mut BTreeMap<(&'static str, String), String>,
    book: &mut Book,
) {
    for kind in ["gitlab", "github"] {
        // A login that is no login has been reported already.
        let Some(Ok(login)) = section.node(kind).map(units::login) else { continue };
        let owner = logins.entry((kind, login.to_lowercase())).or_insert_with(|| name.to_owned());
        if owner != name {
            let what = format!("`{login}` is the account of `{owner}` and of `{name}`");
            let place = section.key_place(kind).unwrap_or(section.place);
            book.mistake(place, what, "each account belongs to one person");
        }
    }
}

/// People need not be named twice, so a lead or a `[[person]]` that stands alone is no mistake; but one
/// that is a letter away from another name probably is a slip of the pen.
pub(super) fn warn_of_slips(root: &Section<'_>, support: &Support, pools: &[Placed<Pool>], book: &mut Book) {
    let members = pools.iter().flat_map(|pool| &pool.it.members);
    let members: BTreeSet<&str> = members.chain(&support.members).map(String::as_str).collect();
    let leads = pools.iter().flat_map(|pool| &pool.it.leads).chain(&support.lead);
    let leads: BTreeSet<&str> = leads.map(String::as_str).collect();
    let nodes =
        |list, key| root.tables(list).filter_map(move |table| table.get(key)).map(|entry| &entry.node);
    let contact = root.table("escalation").and_then(|table| table.get("contact")).map(|entry| &entry.node);
    let people: BTreeSet<String> =
        nodes("person", "name").filter_map(|node| units::login(node).ok()).collect();
    let mut warn = |node: &Node, others: Vec<&str>| {
        let Ok(name) = units::login(node) else { return };
        let named = others.iter().any(|other| other.eq_ignore_ascii_case(&name));
        if let (false, Some(near)) = (named, slip_of(&name, &others)) {
            let what = format!("`{name}` is named nowhere else");
            book.warning(&node.place, what, format!("did you mean `{near}`?"));
        }
    };
    for lead in nodes("pool", "lead") {
        warn(lead, members.iter().copied().chain(people.iter().map(String::as_str)).collect());
    }
    if let Some(contact) = contact {
        let named = members.union(&leads).copied();
        warn(contact, named.chain(people.iter().map(String::as_str)).collect());
    }
    for person in nodes("person", "name") {
        warn(person, members.union(&leads).copied().collect());
    }
}

/// The name that differs from `name` by one letter.
fn slip_of<'n>(name: &str, others: &[&'n str]) -> Option<&'n str> {
    let name = name.to_lowercase();
    let near = |other: &&&str| strsim::damerau_levenshtein(&name, &other.to_lowercase()) <= 1;
    others.iter().find(near).copied().filter(|_| name.len() >= 4)
}
