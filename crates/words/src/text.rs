//! The pieces that sentences are made of: moments, spans, quotes, verdicts.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use usher_core::model::candidate::{Candidate, Criterion, DecidedBy, Judgement};
use usher_core::model::change::ForgeKind;
use usher_core::model::load::Load;
use usher_core::model::message::Moment;
use usher_core::model::stage::Stage;

/// Longest piece of a user's text that is repeated.
const QUOTE_CHARS_MAX: usize = 120;
/// People whose obstacles are told in one sentence.
const OBSTACLES_MAX: usize = 12;
/// People of one pool whose verdicts are listed: GitHub takes 65,536 characters in a comment, and
/// nobody reads a longer list.
const VERDICTS_MAX: usize = 40;

/// Why nobody could be asked, in half a sentence.
pub(super) fn obstacles(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "the pool has no members on this forge".into();
    }
    let each = candidates.iter().map(|c| format!("{} {}", plain(&c.person), obstacle(c)));
    let others = candidates.len().saturating_sub(OBSTACLES_MAX);
    let others = (others > 0).then(|| format!("and {others} more"));
    each.take(OBSTACLES_MAX).chain(others).collect::<Vec<_>>().join("; ")
}

/// A list of the verdicts on a pool, one on each line; in a large pool who was chosen comes first,
/// and the last ones are only counted.
pub(super) fn verdicts(candidates: &[Candidate]) -> String {
    let shown = most_telling(candidates);
    let mut list = String::with_capacity(64 * shown.len());
    for one in &shown {
        let _ = writeln!(list, "- {}: {}", plain(&one.person), candidate(one));
    }
    match candidates.len() - shown.len() {
        0 => {}
        1 => list.push_str("- and one other\n"),
        others => {
            let _ = writeln!(list, "- and {others} others");
        }
    }
    list
}

/// The candidates that a list has room for.
pub(super) fn most_telling(candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut shown: Vec<&Candidate> = candidates.iter().collect();
    if shown.len() > VERDICTS_MAX {
        shown.sort_by_key(|one| !matches!(one.standing, Judgement::Chosen { .. }));
        shown.truncate(VERDICTS_MAX);
    }
    shown
}

/// What keeps somebody from being asked: what once decided for them does not.
fn obstacle(one: &Candidate) -> String {
    match &one.standing {
        Judgement::AlreadyAsked { .. } => {
            let standing = Judgement::AlreadyAsked { decided_by: DecidedBy::default() };
            candidate(&Candidate { standing, ..one.clone() })
        }
        _ => candidate(one),
    }
}

/// The verdict on one candidate, and what they own of the change.
pub fn candidate(candidate: &Candidate) -> String {
    let verdict = standing(&candidate.standing);
    match &candidate.owns {
        Some(path) => format!("{verdict}, owns {}", quote(path)),
        None => verdict,
    }
}

/// The verdict on one candidate as a phrase.
pub fn standing(standing: &Judgement) -> String {
    match standing {
        Judgement::Chosen { open, capacity, decided_by: DecidedBy(None), .. } => {
            format!("chosen ({open} of {capacity} open reviews)")
        }
        Judgement::Chosen { open, capacity, decided_by: DecidedBy(Some(why)), .. } => {
            format!("chosen: {} ({open} of {capacity} open reviews)", criterion(*why))
        }
        Judgement::Free { open, capacity, .. } => {
            format!("could have been asked ({open} of {capacity} open reviews)")
        }
        Judgement::EasedIn { since, asked, .. } => {
            let times = if *asked == 1 { "once".to_owned() } else { format!("{asked} times") };
            format!("is back from leave since {} and had their share (asked {times})", day(*since))
        }
        Judgement::Author => "is the author".into(),
        Judgement::Away { until } => format!("is away until {}", day(*until)),
        Judgement::Busy { says, until } => busy_phrase(*says, *until),
        Judgement::LeaveSoon { from } => format!("goes on leave on {}", day(*from)),
        Judgement::AtCapacity { open: Load::WHOLE, capacity } => {
            format!("has 1 open review of at most {capacity}")
        }
        Judgement::AtCapacity { open, capacity } => format!("has {open} open reviews of at most {capacity}"),
        Judgement::Kept { ahead: 1 } => "is promised to an earlier change".into(),
        Judgement::Kept { ahead } => format!("is promised to {ahead} earlier changes"),
        Judgement::Declined => "declined".into(),
        Judgement::HadTurn => "had their turn".into(),
        Judgement::AlreadyAsked { decided_by: DecidedBy(None) } => "is asked already".into(),
        Judgement::AlreadyAsked { decided_by: DecidedBy(Some(why)) } => {
            format!("is asked already: {}", criterion(*why))
        }
        Judgement::NoAccess => "cannot be a reviewer there".into(),
        Judgement::UnknownOnForge => "is not known on this forge".into(),
        Judgement::NeverWorks => "has no working time in sight".into(),
    }
}

/// What decided for whoever was chosen, as a phrase. It stands in public comments, so it tells why they
/// were chosen and never why somebody else was not.
pub fn criterion(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::OnlyOne => "the only one who could be asked",
        Criterion::Share => "it was their turn",
        Criterion::Ownership => "knows these files",
        Criterion::Soonest => "can answer soonest",
        Criterion::FewestOpen => "fewest open reviews for their capacity",
        Criterion::LeastAsked => "asked least in two weeks for their capacity",
        Criterion::LongestAgo => "asked longest ago",
        Criterion::FixedOrder => "all else was equal, so a fixed order decided",
    }
}

/// A moment in somebody's own terms: `Tue 24 Nov, 17:30 (Europe/London)`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} ({})", instant(at, zone), zone_name(zone))
}

/// As [`moment`], without the zone.
pub(super) fn instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b, %H:%M").to_string()
}

/// What a zone is called.
pub(super) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("local time")
}

/// A date in a sentence: `Tue 24 Nov`.
pub(super) fn day(date: jiff::civil::Date) -> String {
    date.strftime("%a %-d %b").to_string()
}

/// An instant in its reader's zone.
pub(super) fn told(moment: &Moment) -> String {
    self::moment(moment.at, &moment.zone)
}

/// The day of an instant in its reader's zone.
pub(super) fn date_of(moment: &Moment) -> String {
    day(moment.at.to_zoned_datetime(moment.zone.clone()).date())
}

/// How long ago, or how far ahead, in one unit: `5 minutes ago`, `in 2 hours`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let millis = now.as_millisecond() - at.as_millisecond();
    let minutes = millis.abs() / 60_000;
    let distance = match minutes {
        0 if millis < 0 => return "in a moment".into(),
        0 => return "just now".into(),
        1 => "1 minute".into(),
        2..90 => format!("{minutes} minutes"),
        90..2_880 => format!("{} hours", (minutes + 30) / 60),
        _ => format!("{} days", (minutes + 720) / 1_440),
    };
    if millis < 0 { format!("in {distance}") } else { format!("{distance} ago") }
}

/// How long something took, in the two largest units.
pub fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let minutes = (to.as_millisecond() - from.as_millisecond()).max(0) / 60_000;
    let unit = |n: i64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, m) => unit(m.max(1), "minute"),
        (0, h, 0) => unit(h, "hour"),
        (0, h, m) => format!("{} and {}", unit(h, "hour"), unit(m, "minute")),
        (d, 0, _) => unit(d, "day"),
        (d, h, _) => format!("{} and {}", unit(d, "day"), unit(h, "hour")),
    }
}

/// A user's text in a code span, where neither forge looks for mentions, references, emoji, math, HTML
/// or quick actions. One line, and nothing that ends the span or turns the writing direction.
pub fn quote(text: &str) -> String {
    // No marker of ours is to be found in it.
    let text = &text.replace("<!--", "<!- -");
    let shown = |c: &char| !is_invisible(*c);
    let tame = |c: char| if c == '`' || c.is_control() { '\'' } else { c };
    let mut tame: String = text.chars().filter(shown).map(tame).take(QUOTE_CHARS_MAX).collect();
    if text.chars().filter(shown).count() > QUOTE_CHARS_MAX {
        tame.push('…');
    }
    let tame = tame.trim();
    if tame.is_empty() { "`(nothing)`".into() } else { format!("`{tame}`") }
}

/// A user's text as it may be shown on a page or in a terminal: without what hides text or turns its
/// direction, and on one line.
pub fn visible(text: &str) -> String {
    let tame = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().filter(|c| !is_invisible(*c)).map(tame).collect()
}

/// Zero-width and bidirectional formatting characters, tags and line separators: nobody sees them,
/// but they hide text or turn its direction (Unicode Cf and Zl, Zp, as far as they matter).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A configured name (of a person, login or pool) as plain text. Whatever a forge could take for more
/// than a word (`#12`, `~label`, `:tada:`, `/close`, `GH-1`, a commit) goes into a code span, because
/// a backslash stops references on GitLab, but not on GitHub.
pub(super) fn plain(name: &str) -> String {
    let name = name.trim_start_matches('@');
    if !is_word(name) {
        return quote(name);
    }
    name.replace('_', "\\_")
}

/// Whether both forges show a name as it is.
fn is_word(name: &str) -> bool {
    let fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '(' | ')');
    let lower = name.to_ascii_lowercase();
    let reference =
        lower.strip_prefix("gh-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let commit = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let starts = name.starts_with(char::is_alphanumeric) || name.starts_with('_');
    starts
        && name.chars().all(fit)
        && !reference
        && !commit
        && !lower.starts_with("www.")
        && !starts_list(name)
}

/// `1. May` at the start of a line would be a list.
fn starts_list(name: &str) -> bool {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < name.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

/// What a forge shows, as the verdict on a candidate: `is busy, says GitLab`.
pub fn busy_phrase(says: ForgeKind, until: Option<Timestamp>) -> String {
    match until {
        Some(until) => format!("is busy until {}, says {}", moment(until, &TimeZone::UTC), brand(says)),
        None => format!("is busy, says {}", brand(says)),
    }
}

pub(super) fn brand(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::GitLab => "GitLab",
        ForgeKind::GitHub => "GitHub",
    }
}

/// A stage in a sentence.
pub fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => "draft",
        Stage::Waiting => "waiting",
        Stage::Reviewing => "reviewing",
        Stage::WithAuthor => "with the author",
        Stage::ReadyToMerge => "ready to merge",
        Stage::Done => "done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_few_words() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-24T12:00:00Z");
        assert_eq!(relative(at("2026-11-24T11:59:40Z"), now), "just now");
        assert_eq!(relative(at("2026-11-24T12:00:20Z"), now), "in a moment");
        assert_eq!(relative(at("2026-11-24T10:00:00Z"), now), "2 hours ago");
        assert_eq!(relative(at("2026-11-24T11:00:00Z"), now), "60 minutes ago");
        assert_eq!(relative(at("2026-11-23T12:00:00Z"), now), "24 hours ago");
        assert_eq!(relative(at("2026-11-26T12:00:00Z"), now), "in 2 days");
    }

    #[test]
    fn names_that_are_words_stay_words() {
        for (name, shown) in [
            ("rita", "rita"),
            ("rita_k", "rita\\_k"),
            ("Zoë.Ω-9", "Zoë.Ω-9"),
            ("rita (gitlab)", "rita (gitlab)"),
            ("@rita", "rita"),
            ("_x_", "\\_x\\_"),
        ] {
            assert_eq!(plain(name), shown);
        }
    }

    #[test]
    fn names_that_are_more_than_words_are_shown_as_code() {
        for name in [
            "#12",
            "!7",
            "~bug",
            "%1",
            "&3",
            "$5",
            "$x$",
            ":tada:",
            "/close",
            "[[home]]",
            "GH-12",
            "gh-1x",
            "acme/shop#1",
            "0123abc",
            "deadbeef",
            "https://evil.example",
            "www.evil.example",
            "<b>",
            "*x*",
            "^1",
            "a|b",
            "-",
            "",
            "1. x",
            "a&amp;b",
            "x:y:z",
            "*iteration:5",
        ] {
            let shown = plain(name);
            assert!(shown.starts_with('`') && shown.ends_with('`'), "{name} is shown as {shown}");
        }
    }

    #[test]
    fn the_list_of_a_large_pool_has_an_end_and_shows_who_was_chosen() {
        let standing = |n: usize| match n {
            900 => Judgement::Chosen {
                free_at: Timestamp::UNIX_EPOCH,
                open: Load::NONE,
                capacity: 5,
                decided_by: DecidedBy::default(),
            },
            _ => Judgement::Declined,
        };
        let pool: Vec<Candidate> = (0..1_000)
            .map(|n| Candidate { person: format!("p{n}"), standing: standing(n), owns: None })
            .collect();
        let list = verdicts(&pool);
        assert!(list.starts_with("- p900: chosen (0 of 5 open reviews)\n- p0: declined\n"), "{list}");
        assert!(list.ends_with("- and 960 others\n"), "{list}");
        assert_eq!(list.lines().count(), VERDICTS_MAX + 1);
        let sentence = obstacles(&pool);
        assert!(sentence.ends_with("p11 declined; and 988 more"), "{sentence}");
        assert_eq!(verdicts(&pool[..2]), "- p0: declined\n- p1: declined\n");
    }

    #[test]
    fn a_quote_is_one_span_on_one_line() {
        assert_eq!(quote("a `b` c"), "`a 'b' c`");
        assert_eq!(quote("/close\n/label ~x"), "`/close'/label ~x`");
        assert_eq!(quote("\u{202e}live\u{200b}"), "`live`");
        assert_eq!(quote(" \u{200b} "), "`(nothing)`");
        assert_eq!(quote(&"é".repeat(200)), format!("`{}…`", "é".repeat(QUOTE_CHARS_MAX)));
        let shown = quote("a\u{2028}/close\r\n```\n@all");
        assert!(!shown.contains(['\n', '\r', '\u{2028}']), "{shown}");
        assert_eq!(shown.matches('`').count(), 2, "{shown}");
    }
}
