//! `[scope]` and `[tickets]`: what is more than a fix, and where customer tickets are.

use std::sync::Arc;

use regex::Regex;
use url::Url;

use usher_core::model::scope::ScopeRules;
use usher_core::model::tickets::{TicketRules, TicketSystem, compiled};

use super::mistakes::{Book, Fault, did_you_mean};
use super::reader::{Placed, Section, bare};
use super::tree::Node;
use super::{Outside, TicketWebhook, keys, secrets, units};

/// Longest pattern, in bytes.
const PATTERN_MOST_BYTES: usize = 500;
/// Most ticket systems; each description is searched for all of them.
const SYSTEMS_MOST: usize = 10;
/// Longest name of a ticket system, in characters: it stands before every ticket.
const NAME_MOST_CHARS: usize = 30;
const KINDS: &[&str] = &["zendesk", "salesforce", "jira", "url"];

pub(super) fn scope(root: &Section<'_>, book: &mut Book) -> ScopeRules {
    let Some(section) = root.section(book, "scope", &keys::SCOPE) else { return ScopeRules::default() };
    let mut most =
        |name| section.value(book, name, units::count(1, 1_000_000)).map(|most| u64::from(most.it));
    let (max_lines, max_files) = (most("max_lines"), most("max_files"));
    ScopeRules {
        labels: bare(section.list(book, "labels", units::text)).into_iter().collect(),
        titles: bare(section.list(book, "titles", regex)),
        max_lines,
        max_files,
    }
}

/// A regular expression, looked for anywhere in a text.
fn regex(node: &Node) -> Result<Regex, Fault> {
    let text = pattern(node)?;
    compiled(&text).map_err(|why| not_understood(&text, &why))
}

fn pattern(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    if text.len() > PATTERN_MOST_BYTES {
        let what = format!("a pattern of more than {PATTERN_MOST_BYTES} bytes");
        return Err(Fault::new(what, "several short ones are easier to read"));
    }
    Ok(text)
}

fn not_understood(text: &str, why: &str) -> Fault {
    let todo = "write a regular expression in the syntax of the regex crate, best in single quotes";
    Fault::new(format!("`{text}` is no pattern: {why}"), todo)
}

/// The systems in which tickets are, and where merges are announced.
pub(super) fn tickets(
    root: &Section<'_>,
    outside: &Outside<'_>,
    book: &mut Book,
) -> (Arc<TicketRules>, Option<TicketWebhook>) {
    let Some(section) = root.section(book, "tickets", &keys::TICKETS) else {
        return (Arc::default(), None);
    };
    let mut systems: Vec<Placed<(String, TicketSystem)>> = Vec::new();
    let mut broken = false;
    for one in section.sections(book, "system", &keys::TICKETS_SYSTEM) {
        let Some(system) = system(&one, book) else {
            broken = true;
            continue;
        };
        if systems.iter().any(|other| other.it.0 == system.it.0) {
            let what = format!("a second ticket system is called `{}`", system.it.0);
            book.mistake(&system.place, what, "each has a name of its own: it stands before its tickets");
        }
        if systems.len() == SYSTEMS_MOST {
            book.mistake(
                &system.place,
                format!("more than {SYSTEMS_MOST} ticket systems"),
                "a few are faster",
            );
        }
        systems.push(system);
    }
    let hook = section.section(book, "webhook", &keys::TICKETS_WEBHOOK);
    let webhook = hook.and_then(|hook| webhook(&hook, outside, book));
    if let (Some(hook), true, false) = (hook, systems.is_empty(), broken) {
        let todo = "only merges of changes with tickets are told: add a [[tickets.system]]";
        book.warning(hook.place, "a webhook about tickets, but no ticket system", todo);
    }
    let systems = systems.into_iter().map(|system| system.it.1).collect();
    (Arc::new(TicketRules::new(systems)), webhook)
}

/// `None` when something in it was wrong.
fn system(section: &Section<'_>, book: &mut Book) -> Option<Placed<(String, TicketSystem)>> {
    let name = section.own_name(book, "it stands before every ticket: name = \"zendesk\"", name);
    let kind = section.required(
        book,
        "kind",
        "write kind = \"zendesk\", \"salesforce\", \"jira\" or \"url\"",
        kind,
    )?;
    let projects = section.list(book, "projects", project_key);
    let own_key = match kind.it {
        "jira" => "projects",
        "url" => "pattern",
        _ => "",
    };
    for key in ["projects", "pattern"] {
        if let Some(place) = section.key_place(key).filter(|_| key != own_key) {
            let what = format!("`{key}` means nothing for a ticket system of kind `{}`", kind.it);
            book.mistake(place, what, "leave it out, or choose another kind");
        }
    }
    let name = name?;
    let built = match kind.it {
        "zendesk" => TicketSystem::zendesk(&name.it),
        "salesforce" => TicketSystem::salesforce(&name.it),
        "jira" => TicketSystem::jira(&name.it, &bare(projects)),
        _ => {
            let todo = "write pattern = 'https://desk\\.example\\.com/tickets/(?<ref>[0-9]+)'";
            let read = |node: &Node| {
                let text = pattern(node)?;
                TicketSystem::custom(&name.it, &text).map_err(|why| not_understood(&text, &why))
            };
            Ok(section.required(book, "pattern", todo, read)?.it)
        }
    };
    match built {
        Ok(system) => Some(Placed { it: (name.it, system), place: name.place }),
        Err(why) => {
            book.mistake(section.place, format!("this ticket system cannot be looked for: {why}"), "");
            None
        }
    }
}

fn name(node: &Node) -> Result<String, Fault> {
    let name = units::word(node)?;
    if name.chars().count() > NAME_MOST_CHARS {
        return Err(Fault::new(
            format!("a name of more than {NAME_MOST_CHARS} characters"),
            "find a short one",
        ));
    }
    Ok(name)
}

fn kind(node: &Node) -> Result<&'static str, Fault> {
    let text = units::text(node)?;
    let known = KINDS.iter().find(|kind| **kind == text);
    known.copied().ok_or_else(|| {
        let todo = did_you_mean(&text.to_lowercase(), KINDS, "");
        Fault::new(format!("unknown kind of ticket system `{text}`"), todo)
    })
}

/// A Jira project key: two to ten capitals, digits and `_`, beginning with a capital.
fn project_key(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if (2..=10).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(fits)
    {
        return Ok(text);
    }
    Err(Fault::new(format!("`{text}` is no project key"), "write it as in KEY-123: \"KEY\""))
}

fn webhook(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Option<TicketWebhook> {
    secrets::hide_literals(section, &["signing_token"], book);
    let url = section.required(
        book,
        "url",
        "write where to: url = \"https://desk.example.com/hooks/usher\"",
        address,
    );
    let todo = "write signing_token = \"env:NAME\", so that the receiver can tell that it comes from Usher";
    let token = section.required(book, "signing_token", todo, |node| secrets::outbound_token(node, outside));
    Some(TicketWebhook { url: url?.it, signing_token: token?.it })
}

/// `https`, or `http` to this machine itself.
fn address(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    let todo = "write it in full: \"https://desk.example.com/hooks/usher\"";
    let wrong = |what: &str| Fault::new(what, todo);
    let url = Url::parse(&text).map_err(|_| wrong("this is no address to send webhooks to"))?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(wrong("a webhook leaves this machine by https:// only")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("the address of a webhook has no user and no `#` in it"));
    }
    Ok(text)
}
