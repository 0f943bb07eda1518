//! Durations, sizes, shares, times of day, dates: how single values are written.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp};

use usher_core::model::calendar::{Away, Window};
use usher_core::model::choice::VerdictsTold;
use usher_core::model::policy::Pattern;
use usher_core::model::timebox::{Budget, StepKind};

use super::mistakes::{Fault, did_you_mean};
use super::tree::{Node, Value};

const DURATION_TODO: &str = "write a number and a unit: \"30s\", \"90m\", \"8h\" or \"2d\"";
const BUDGET_TODO: &str = "write a number and a unit: \"30s\", \"90m\", \"8h\" or \"2d\" (business days)";
const SIZE_TODO: &str = "write a number of bytes, or a number and a unit: \"25MiB\", \"10MB\"";
const SPAN_TODO: &str = "write it as \"09:00-17:30\"; \"22:00-06:00\" goes over midnight";
const WINDOW_TODO: &str = "write both ends with their offset from UTC: \"2026-12-05T18:00Z/2026-12-06T06:00Z\" or \"…T19:00+01:00/…T07:00+01:00\"";
const AWAY_TODO: &str = "write a day \"2026-12-24\", or first and last day \"2026-12-22..2027-01-02\"";

/// Longest duration, in seconds: ten years.
const DURATION_LIMIT_SECONDS: u64 = 3650 * 86_400;
/// Largest budget: calendars look 400 days ahead, and steps may lie beyond the budget.
const BUDGET_LIMIT_DAYS: u64 = 60;
/// Longest stretch of maintenance.
const WINDOW_LIMIT: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Largest share of a budget at which a step may lie.
const PERCENT_LIMIT: u64 = 1000;
/// Longest text of a value.
const TEXT_LIMIT_BYTES: usize = 4096;

pub(super) fn text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Text(text) if text.trim().is_empty() => {
            Err(Fault::new("an empty text", "write something, or leave the key out"))
        }
        Value::Text(text) if text.len() > TEXT_LIMIT_BYTES => {
            Err(Fault::new(format!("a text of more than {TEXT_LIMIT_BYTES} bytes"), ""))
        }
        Value::Text(text) if text.chars().any(char::is_control) => {
            Err(Fault::new("a text with control characters or line breaks", "write it on one line"))
        }
        Value::Text(text) => Ok(text.clone()),
        other => Err(expected("a string", other, "put it in quotes")),
    }
}

pub(super) fn boolean(node: &Node) -> Result<bool, Fault> {
    match &node.value {
        Value::Boolean(boolean) => Ok(*boolean),
        other => Err(expected("true or false", other, "write true or false, without quotes")),
    }
}

/// A whole number between two bounds, both included.
pub(super) fn count(least: u32, most: u32) -> impl Fn(&Node) -> Result<u32, Fault> {
    move |node| {
        let todo = format!("write a whole number from {least} to {most}, without quotes");
        match &node.value {
            Value::Integer(number) => {
                let number = number.and_then(|number| u32::try_from(number).ok());
                number
                    .filter(|number| (least..=most).contains(number))
                    .ok_or_else(|| Fault::new("a number out of range", todo))
            }
            other => Err(expected("a number", other, &todo)),
        }
    }
}

pub(super) fn address(node: &Node) -> Result<SocketAddr, Fault> {
    let text = match &node.value {
        Value::Integer(Some(port)) => port.to_string(),
        _ => text(node)?,
    };
    text.parse().map_err(|_| Fault::new(format!("`{text}` is no address to listen on"), address_todo(&text)))
}

/// What somebody may have meant who wrote a port alone, or a name before it.
fn address_todo(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match port.parse::<u16>() {
        Ok(port) if host.is_empty() => format!(
            "write the IP address before the port: \"127.0.0.1:{port}\" for this machine alone, \"0.0.0.0:{port}\" for all"
        ),
        Ok(port) if host == "localhost" => format!("write \"127.0.0.1:{port}\""),
        _ => "write an IP address and a port: \"127.0.0.1:8080\", or \"[::]:8080\" for IPv6".to_owned(),
    }
}

/// `30s`, `90m`, `8h`, `2d` (24 hours each); plain `0` is nothing.
pub(super) fn duration(node: &Node) -> Result<Duration, Fault> {
    let text = match &node.value {
        Value::Integer(Some(0)) => return Ok(Duration::ZERO),
        Value::Text(text) if text.trim() == "0" => return Ok(Duration::ZERO),
        _ => unit_text(node, "a duration", DURATION_TODO)?,
    };
    let seconds = number_and_unit(&text).and_then(|(number, unit)| {
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        number.checked_mul(factor).filter(|seconds| *seconds <= DURATION_LIMIT_SECONDS)
    });
    let seconds = seconds.ok_or_else(|| Fault::new(format!("`{text}` is no duration"), DURATION_TODO))?;
    Ok(Duration::from_secs(seconds))
}

/// A time box's budget: `d` is a business day.
pub(super) fn budget(node: &Node) -> Result<Budget, Fault> {
    let text = unit_text(node, "a budget", BUDGET_TODO)?;
    let wrong = |what: &str| Fault::new(format!("`{text}` {what}"), BUDGET_TODO);
    let (number, unit) = number_and_unit(&text).ok_or_else(|| wrong("is no budget"))?;
    let (factor, limit) = match unit {
        "d" => (1, BUDGET_LIMIT_DAYS),
        "h" => (60, BUDGET_LIMIT_DAYS * 24 * 60),
        "m" => (1, BUDGET_LIMIT_DAYS * 24 * 60),
        "s" => (1, BUDGET_LIMIT_DAYS * 24 * 3600),
        _ => return Err(wrong("is no budget")),
    };
    let amount = number.checked_mul(factor).filter(|amount| *amount <= limit);
    let amount = amount.and_then(|amount| u32::try_from(amount).ok());
    let amount = amount.ok_or_else(|| wrong(&format!("is more than {BUDGET_LIMIT_DAYS} days")))?;
    match (amount, unit) {
        (0, _) => Err(wrong("leaves no time at all")),
        (days, "d") => Ok(Budget::Days(days)),
        // The same amount is the same budget, however it is written.
        (seconds, "s") if seconds % 60 != 0 => Ok(Budget::Seconds(seconds)),
        (seconds, "s") => Ok(Budget::Minutes(seconds / 60)),
        (minutes, _) => Ok(Budget::Minutes(minutes)),
    }
}

/// Bytes: `1024`, `"64kB"`, `"25MiB"`.
pub(super) fn size(node: &Node) -> Result<u64, Fault> {
    if let Value::Integer(number) = &node.value {
        let number = number.and_then(|number| u64::try_from(number).ok());
        return number.ok_or_else(|| Fault::new("a size out of range", SIZE_TODO));
    }
    let text = unit_text(node, "a size", SIZE_TODO)?;
    let bytes = number_and_unit(&text).and_then(|(number, unit)| {
        let factor: u64 = match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor)
    });
    bytes.ok_or_else(|| Fault::new(format!("`{text}` is no size"), SIZE_TODO))
}

/// `"150%"` as 150.
pub(super) fn percent(node: &Node) -> Result<u32, Fault> {
    let todo = format!("write a share of the budget from \"1%\" to \"{PERCENT_LIMIT}%\"");
    let text = unit_text(node, "a share", &todo)?;
    let percent = match number_and_unit(&text) {
        Some((number @ 1..=PERCENT_LIMIT, "%")) => u32::try_from(number).ok(),
        _ => None,
    };
    percent.ok_or_else(|| Fault::new(format!("`{text}` is no share of the budget"), todo))
}

pub(super) fn step_kind(node: &Node) -> Result<StepKind, Fault> {
    let text = text(node)?;
    match text.as_str() {
        "remind" => Ok(StepKind::Remind),
        "widen" => Ok(StepKind::Widen),
        "escalate" => Ok(StepKind::Escalate),
        _ => {
            let todo = did_you_mean(&text, &["remind", "widen", "escalate"], "");
            Err(Fault::new(format!("unknown step `{text}`"), todo))
        }
    }
}

pub(super) fn verdicts(node: &Node) -> Result<VerdictsTold, Fault> {
    let text = text(node)?;
    match text.as_str() {
        "full" => Ok(VerdictsTold::Full),
        "counts" => Ok(VerdictsTold::Counts),
        "off" => Ok(VerdictsTold::Off),
        _ => {
            let todo = did_you_mean(&text, &["full", "counts", "off"], "");
            Err(Fault::new(format!("`{text}` is no way to tell of a choice"), todo))
        }
    }
}

pub(super) fn weekday(node: &Node) -> Result<Weekday, Fault> {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let text = text(node)?;
    let index = DAYS.iter().position(|day| *day == text);
    let day = index.and_then(|index| Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok());
    day.ok_or_else(|| {
        let short: String = text.to_lowercase().chars().take(3).collect();
        let todo = did_you_mean(&short, DAYS, "");
        Fault::new(format!("unknown day `{text}`"), todo)
    })
}

/// Working hours in minutes after midnight. An end that is not after the start is on the next day.
pub(super) fn span(node: &Node) -> Result<(u16, u16), Fault> {
    let text = text(node)?;
    let wrong = || Fault::new(format!("`{text}` are no working hours"), SPAN_TODO);
    let (start, end) = text.split_once('-').ok_or_else(wrong)?;
    let start = minute_of_day(start.trim()).ok_or_else(wrong)?;
    let end = minute_of_day(end.trim()).ok_or_else(wrong)?;
    if start == end {
        let todo = "for all day write \"00:00-24:00\"";
        return Err(Fault::new(format!("`{text}` begins and ends at the same time"), todo));
    }
    if start == 1440 {
        return Err(wrong());
    }
    Ok((start, end))
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let minute_of_day = match (digits(hour)?, digits(minute)?) {
        (24, 0) => 1440,
        (hour @ 0..=23, minute @ 0..=59) => hour * 60 + minute,
        _ => return None,
    };
    u16::try_from(minute_of_day).ok()
}

pub(super) fn date(node: &Node) -> Result<Date, Fault> {
    let text = date_text(node)?;
    parse_date(&text)
}

/// A day, or first and last day with two dots between.
pub(super) fn away(node: &Node) -> Result<Away, Fault> {
    let text = date_text(node)?;
    let (first, last) = text.split_once("..").unwrap_or((&text, &text));
    let read = |part: &str| parse_date(part.trim()).map_err(|fault| Fault::new(fault.what, AWAY_TODO));
    let away = Away { first: read(first)?, last: read(last)? };
    if away.last < away.first {
        let todo = "write the first day first";
        return Err(Fault::new(format!("`{text}` ends before it begins"), todo));
    }
    Ok(away)
}

/// A stretch of time between two instants with their offsets: `2026-12-05T18:00Z/2026-12-06T06:00Z`.
pub(super) fn window(node: &Node) -> Result<Window, Fault> {
    let text = text(node)?;
    let wrong = |what: &str| Fault::new(format!("`{text}` {what}"), WINDOW_TODO);
    let (start, end) = text.split_once('/').ok_or_else(|| wrong("is no stretch of time"))?;
    let start = instant(start.trim()).ok_or_else(|| wrong("does not begin at an instant"))?;
    let end = instant(end.trim()).ok_or_else(|| wrong("does not end at an instant"))?;
    if end <= start {
        return Err(Fault::new(format!("`{text}` ends before it begins"), "write the beginning first"));
    }
    if end.duration_since(start) > WINDOW_LIMIT {
        let days = WINDOW_LIMIT.as_hours() / 24;
        return Err(Fault::new(
            format!("`{text}` is longer than {days} days"),
            "look at the year of both ends",
        ));
    }
    Ok(Window { start, end })
}

/// An instant with its offset from UTC, or `Z`, as RFC 3339 has it; seconds may be left out. A time
/// zone in brackets would be read by jiff, and the offset beside it be doubted, so it is not taken.
fn instant(text: &str) -> Option<Timestamp> {
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | ':' | '.' | 'T' | 't' | 'Z' | 'z');
    let clock = text.split_once(['T', 't']).is_some_and(|(_, clock)| clock.contains(':'));
    if clock && text.chars().all(plain) { text.parse().ok() } else { None }
}

fn date_text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Date(text) => Ok(text.clone()),
        _ => text(node),
    }
}

fn parse_date(text: &str) -> Result<Date, Fault> {
    let wrong = || Fault::new(format!("`{text}` is no date"), "write it as \"2026-12-24\"");
    // jiff would read more than a plain date (times, zones), and leave it out.
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return Err(wrong()) };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Err(wrong());
    }
    let number = |part: &str| digits(part).and_then(|number| i16::try_from(number).ok());
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return Err(wrong());
    };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return Err(wrong()) };
    Date::new(year, month, day).map_err(|_| {
        Fault::new(format!("`{text}` is not in the calendar"), "look at month and day: \"2026-12-24\"")
    })
}

/// A pattern of paths in a repository or of branches.
pub(super) fn pattern(node: &Node) -> Result<Pattern, Fault> {
    glob(node, Pattern::new)
}

/// A pattern of projects.
pub(super) fn project_pattern(node: &Node) -> Result<Pattern, Fault> {
    glob(node, Pattern::new_ignoring_case)
}

fn glob(node: &Node, read: fn(&str) -> Result<Pattern, String>) -> Result<Pattern, Fault> {
    let text = text(node)?;
    read(&text).map_err(|error| {
        let todo = "`*` stays within a part of the path, `**` crosses parts";
        Fault::new(format!("`{text}` is no pattern: {error}"), todo)
    })
}

/// A name of a thing of ours (pool, calendar): one word, as commands and addresses need it.
pub(super) fn word(node: &Node) -> Result<String, Fault> {
    let text = text(node)?;
    if text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Ok(text);
    }
    Err(Fault::new(format!("`{text}` is no name"), "write one word of letters, digits, `-`, `_` and `.`"))
}

/// A person's name or login, without `@`.
pub(super) fn login(node: &Node) -> Result<String, Fault> {
    let text = text(node)?;
    let bare = text.strip_prefix('@').unwrap_or(&text);
    let fits =
        !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    match (fits, bare == text) {
        (true, true) => Ok(text),
        (true, false) => Err(Fault::new(format!("`{text}` begins with `@`"), format!("write \"{bare}\""))),
        _ => {
            let todo = "write the user name on the forge: letters, digits, `-`, `_` and `.`";
            Err(Fault::new(format!("`{text}` is no user name"), todo))
        }
    }
}

fn unit_text(node: &Node, kind: &str, todo: &str) -> Result<String, Fault> {
    match &node.value {
        Value::Text(_) => text(node),
        other => Err(expected(kind, other, todo)),
    }
}

fn expected(kind: &str, found: &Value, todo: &str) -> Fault {
    Fault::new(format!("expected {kind}, found {}", found.kind()), todo)
}

/// "25MiB" as 25 and "MiB".
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..split].parse().ok()?, text[split..].trim()))
}

/// A number of plain digits: no sign, no spaces.
fn digits(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
