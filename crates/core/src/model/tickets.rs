//! Customer tickets named in a change's description: which system, and which reference there.
//!
//! The description itself goes no further than this file: nothing but a short reference of digits, a
//! key and digits, or a hexadecimal id comes out of it, so that no customer's name does.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Bytes of a description that are looked at.
pub const DESCRIPTION_BYTES_MAX: usize = 65_536;
/// Tickets taken from one description.
pub const TICKETS_MAX: usize = 20;
/// Matches of one pattern that are looked at. A search from one place is linear in the text, and so
/// many of them still are.
const MATCHES_MAX: usize = 200;
/// Memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Longest number of a ticket, and longest key before it.
const DIGITS_MAX: usize = 20;
const KEY_CHARS_MAX: usize = 10;
/// Length of a hexadecimal id, hyphens included.
const HEX_CHARS_MIN: usize = 8;
const HEX_CHARS_MAX: usize = 40;
/// Salesforce's case-sensitive id; the longer form of 18 adds a checksum.
const SALESFORCE_CHARS: usize = 15;

/// The group of a pattern that is the ticket's reference.
pub const GROUP: &str = "ref";

/// One customer ticket: the name of the system in the configuration, and the reference there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    pub system: String,
    pub reference: String,
}

/// Where tickets are, and what they look like.
#[derive(Clone, Debug, Default)]
pub struct TicketRules {
    systems: Vec<TicketSystem>,
}

/// One ticket system.
#[derive(Clone, Debug)]
pub struct TicketSystem {
    name: String,
    salesforce: bool,
    patterns: Vec<Regex>,
}

impl TicketSystem {
    /// Zendesk: `https://SUB.zendesk.com/agent/tickets/123`, `ZD-123` and `ZD#123`.
    ///
    /// # Errors
    /// When a pattern cannot be compiled, as for all constructors here.
    pub fn zendesk(name: &str) -> Result<TicketSystem, String> {
        let url = r"(?i)https://[a-z0-9-]{1,63}\.zendesk\.com/(?:agent/(?:#/)?tickets|tickets|(?:hc/(?:[a-z-]{2,8}/)?)?requests)/(?<ref>[0-9]{1,20})(?:$|[^a-z0-9_])";
        TicketSystem::new(
            name,
            &[url, r"(?:^|[^A-Za-z0-9_-])(?i:zd)[-#](?<ref>[0-9]{1,20})(?:$|[^A-Za-z0-9_])"],
        )
    }

    /// Salesforce: lightning and classic addresses of a case, and `Case 00012345` (eight digits).
    ///
    /// # Errors
    /// See [`TicketSystem::zendesk`].
    pub fn salesforce(name: &str) -> Result<TicketSystem, String> {
        let lightning = r"https://[A-Za-z0-9.-]{1,100}\.(?:force|salesforce)\.com/(?:lightning/r/(?:Case/)?)?(?<ref>500[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)(?:$|[^A-Za-z0-9])";
        let number = r"(?:^|[^A-Za-z0-9_-])(?i:case|sf)(?i: ?(?:number|no\.?))?(?: ?[-#:])? ?(?<ref>[0-9]{8})(?:$|[^A-Za-z0-9_])";
        let system = TicketSystem::new(name, &[lightning, number])?;
        Ok(TicketSystem { salesforce: true, ..system })
    }

    /// Jira: `KEY-123` for the projects named, and `…/browse/KEY-123`; without names, any project's
    /// address.
    ///
    /// # Errors
    /// See [`TicketSystem::zendesk`].
    pub fn jira(name: &str, projects: &[String]) -> Result<TicketSystem, String> {
        if projects.is_empty() {
            let browse = r"https?://[^\s<>()]{1,200}?/browse/(?<ref>[A-Z][A-Z0-9_]{0,9}-[0-9]{1,20})(?:$|[^A-Za-z0-9_])";
            return TicketSystem::new(name, &[browse]);
        }
        let keys: Vec<String> = projects.iter().map(|key| regex::escape(key)).collect();
        let key =
            format!(r"(?:^|[^A-Za-z0-9_-])(?<ref>(?:{})-[0-9]{{1,20}})(?:$|[^A-Za-z0-9_])", keys.join("|"));
        TicketSystem::new(name, &[&key])
    }

    /// Any other system: a pattern with a group `ref`.
    ///
    /// # Errors
    /// When the pattern is no regular expression, is too large, or has no group `ref`.
    pub fn custom(name: &str, pattern: &str) -> Result<TicketSystem, String> {
        TicketSystem::new(name, &[pattern])
    }

    fn new(name: &str, patterns: &[&str]) -> Result<TicketSystem, String> {
        let patterns = patterns.iter().map(|pattern| {
            let compiled = compiled(pattern)?;
            let named = compiled.capture_names().any(|group| group == Some(GROUP));
            if named { Ok(compiled) } else { Err(format!("it has no group `(?<{GROUP}>…)`")) }
        });
        Ok(TicketSystem {
            name: name.to_owned(),
            salesforce: false,
            patterns: patterns.collect::<Result<_, _>>()?,
        })
    }

    /// The reference in its one spelling: an address and a number of one ticket are one ticket.
    fn reference(&self, text: &str) -> Option<String> {
        if self.salesforce && text.len() >= SALESFORCE_CHARS {
            return Some(text[..SALESFORCE_CHARS].to_owned());
        }
        is_reference(text).then(|| text.to_owned())
    }
}

/// A pattern of the configuration, with a limit on what it may cost.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn compiled(pattern: &str) -> Result<Regex, String> {
    let built =
        RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// Whether a text is a number, a short key in capitals with a number, or a hexadecimal id: nothing
/// in which a name could be read.
fn is_reference(text: &str) -> bool {
    let number =
        |text: &str| (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let key = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits)
    };
    let keyed = text.rsplit_once('-').is_some_and(|(before, after)| key(before) && number(after));
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let hex = (HEX_CHARS_MIN..=HEX_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    number(text) || keyed || (hex && digit)
}

impl TicketRules {
    pub fn new(systems: Vec<TicketSystem>) -> TicketRules {
        TicketRules { systems }
    }

    /// Whether no system is configured, so that descriptions need not be read at all.
    pub fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    /// All rules as text: two policies with the same text find the same tickets.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.systems.iter().flat_map(|system| {
            std::iter::once(&*system.name).chain(system.patterns.iter().map(Regex::as_str))
        })
    }

    /// The tickets that a description names: each once, at most [`TICKETS_MAX`], found in its first
    /// [`DESCRIPTION_BYTES_MAX`] bytes. HTML comments, where templates give examples, do not count.
    pub fn find(&self, description: &str) -> BTreeSet<Ticket> {
        let mut found = BTreeSet::new();
        if self.is_empty() {
            return found;
        }
        let text = &description[..description.floor_char_boundary(DESCRIPTION_BYTES_MAX)];
        let text = without_comments(text);
        for system in &self.systems {
            for pattern in &system.patterns {
                let matches = matches(pattern, &text);
                found.extend(matches.filter_map(|reference| {
                    let reference = system.reference(reference)?;
                    Some(Ticket { system: system.name.clone(), reference })
                }));
            }
        }
        while found.len() > TICKETS_MAX {
            found.pop_last();
        }
        found
    }
}

/// The `ref` groups of a pattern's matches. The next search begins right behind the reference, so
/// that one character may stand between two tickets.
fn matches<'t>(pattern: &Regex, text: &'t str) -> impl Iterator<Item = &'t str> {
    let mut at = 0;
    let found = std::iter::from_fn(move || {
        let captures = pattern.captures_at(text, at)?;
        let reference = captures.name(GROUP);
        let end = reference.or(captures.get(0)).map_or(at, |group| group.end());
        // A match of nothing must not be found again.
        at = if end > at { end } else { text.ceil_char_boundary((at + 1).min(text.len())) };
        Some(reference.map(|reference| reference.as_str()).unwrap_or_default())
    });
    found.take(MATCHES_MAX)
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        kept.push_str(&rest[..start]);
        kept.push(' ');
        let inside = &rest[start + 4..];
        rest = inside.find("-->").map_or("", |end| &inside[end + 3..]);
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static RULES: LazyLock<TicketRules> = LazyLock::new(|| {
        TicketRules::new(vec![
            TicketSystem::zendesk("zendesk").unwrap(),
            TicketSystem::salesforce("salesforce").unwrap(),
            TicketSystem::jira("jira", &["SUP".into(), "CUST".into()]).unwrap(),
            TicketSystem::custom("desk", r"https://desk\.acme\.com/t/(?<ref>[^/\s]+)").unwrap(),
        ])
    });

    fn found(text: &str) -> Vec<String> {
        RULES.find(text).iter().map(|ticket| format!("{} {}", ticket.system, ticket.reference)).collect()
    }

    #[test]
    fn tickets_are_found_as_people_write_them() {
        for (text, expected) in [
            ("https://acme.zendesk.com/agent/tickets/123", "zendesk 123"),
            ("<https://acme.zendesk.com/agent/#/tickets/123>", "zendesk 123"),
            ("see https://acme.zendesk.com/hc/en-us/requests/42).", "zendesk 42"),
            ("Fixes ZD-123.", "zendesk 123"),
            ("(zd#123)", "zendesk 123"),
            (
                "https://acme.lightning.force.com/lightning/r/Case/5003000000D8cuIAAR/view",
                "salesforce 5003000000D8cuI",
            ),
            ("https://acme.my.salesforce.com/5003000000D8cuI", "salesforce 5003000000D8cuI"),
            ("Case 00012345", "salesforce 00012345"),
            ("case number: 00012345, thanks", "salesforce 00012345"),
            ("SF-00012345", "salesforce 00012345"),
            ("SUP-7", "jira SUP-7"),
            ("https://acme.atlassian.net/browse/CUST-12?focused=1", "jira CUST-12"),
            ("https://desk.acme.com/t/991", "desk 991"),
            (
                "https://desk.acme.com/t/0f8fad5b-d9cb-469f-a165-70867728950e",
                "desk 0f8fad5b-d9cb-469f-a165-70867728950e",
            ),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_ticket_is_none() {
        for text in [
            "",
            "ZD-",
            "ZDX-12",
            "FOO-ZD-12",
            "ZD-12a",
            "in case 12345 rows come",
            "UTF-8 and SHA-256",
            "XSUP-7",
            "SUP-7x",
            "sup-7",
            "https://acme.zendesk.com.evil.example/agent/tickets/1",
            "https://acme.zendesk.com/agent/tickets/123456789012345678901",
            "https://acme.lightning.force.com/lightning/r/Account/0013000000D8cuIAAR/view",
            "<!-- for example ZD-123 -->",
            "<!-- ZD-123",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    /// Whatever a pattern of the configuration captures, a name does not come out.
    #[test]
    fn a_customers_name_does_not_pass() {
        for slug in [
            "acme-corp",
            "john.smith",
            "smith",
            "42-acme-corp",
            "Acme-42",
            "smith-7",
            "acme42",
            "müller",
            "cafebabe",
        ] {
            assert_eq!(found(&format!("https://desk.acme.com/t/{slug}")), [""; 0], "{slug}");
        }
        assert_eq!(found("https://acme.zendesk.com/agent/tickets/12-acme-corp"), ["zendesk 12"]);
        assert_eq!(found("https://x.atlassian.net/browse/SUP-12-acme-corp"), ["jira SUP-12"]);
    }

    #[test]
    fn one_ticket_written_twice_is_one() {
        let text = "ZD-1 ZD-1,ZD#1 https://acme.zendesk.com/agent/tickets/1 ZD-2";
        assert_eq!(found(text), ["zendesk 1", "zendesk 2"]);
        let both = "https://a.my.salesforce.com/5003000000D8cuI https://a.lightning.force.com/lightning/r/Case/5003000000D8cuIAAR/view";
        assert_eq!(found(both), ["salesforce 5003000000D8cuI"]);
    }

    #[test]
    fn jira_without_projects_takes_addresses_only() {
        let rules = TicketRules::new(vec![TicketSystem::jira("jira", &[]).unwrap()]);
        let references = |text| rules.find(text).into_iter().map(|t| t.reference).collect::<Vec<_>>();
        assert_eq!(references("https://jira.acme.com/jira/browse/OPS-4 and OPS-5"), ["OPS-4"]);
    }

    #[test]
    fn there_is_a_limit_on_everything() {
        let many: String = (0..500).map(|n| format!("ZD-{n} ")).collect();
        assert_eq!(RULES.find(&many).len(), TICKETS_MAX);
        let far = format!("{}ZD-1", "é".repeat(DESCRIPTION_BYTES_MAX));
        assert!(RULES.find(&far).is_empty());
        let large = TicketSystem::custom("x", r"(?<ref>\w{1000}){100}").unwrap_err();
        assert_eq!(large, "it is too large");
        assert!(TicketSystem::custom("x", "(").unwrap_err().contains("unclosed group"));
        assert!(TicketSystem::custom("x", "[0-9]+").unwrap_err().contains("(?<ref>"));
        let empty = TicketRules::new(vec![TicketSystem::custom("x", "(?<ref>)").unwrap()]);
        assert!(empty.find("é").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_but_references_comes_out_of_any_text(
            text in "(ZD[-#]|SUP-|[0-9]{1,9}|https://desk\\.acme\\.com/t/|\\.zendesk\\.com/agent/tickets/|https://a|case |<!--|-->|[ ,/-]|\\PC){0,40}"
        ) {
            for ticket in RULES.find(&text) {
                let tame = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                prop_assert!(ticket.reference.chars().all(tame), "{ticket:?}");
                prop_assert!((1..=HEX_CHARS_MAX).contains(&ticket.reference.len()), "{ticket:?}");
                prop_assert!(text.contains(&ticket.reference), "{ticket:?}");
            }
        }
    }
}
