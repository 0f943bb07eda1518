//! Commands in comments: lines that begin with `@usher`, as the Markdown is rendered. What is in
//! code, quotes, lists and HTML (comments included) is talk about commands, not a command.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::core::fact::Command;
use crate::core::timebox::Budget;

/// Commands taken from one comment; the rest is left unread.
pub const COMMANDS_MAX: usize = 5;

/// Bytes of a comment that are looked at (GitHub allows 65,536 characters, GitLab a million).
const COMMENT_BYTES_MAX: usize = 65_536;

/// Characters kept of a decline's reason.
const NOTE_CHARS_MAX: usize = 300;

/// Characters kept of a name (pool, person).
const NAME_CHARS_MAX: usize = 100;

/// Characters kept of a line that was not understood.
const UNKNOWN_CHARS_MAX: usize = 80;

/// Longest snooze, in days; also in hours and minutes.
const SNOOZE_DAYS_MAX: u32 = 90;

/// Begins every hidden marker in Usher's own comments.
const OWN_MARKER: &str = "<!-- usher:";

/// The words, as people type them.
const WORDS: [&str; 10] =
    ["help", "accept", "decline", "snooze", "reassign", "pool", "skip", "resume", "sponsor", "why"];

/// Reads the commands of a comment in Markdown, in their order, at most [`COMMANDS_MAX`]. A command
/// is a line that begins with `@` and one of `handles` (case does not matter). A comment that
/// carries one of Usher's hidden markers has none.
pub fn commands(text: &str, handles: &[String]) -> Vec<Command> {
    let text = head(text, COMMENT_BYTES_MAX);
    if !mentions(text, handles) || text.contains(OWN_MARKER) {
        return Vec::new();
    }
    let lines = lines(text);
    let addressed = lines.iter().filter_map(|line| addressed(line, handles));
    addressed.take(COMMANDS_MAX).map(command).collect()
}

/// The first bytes of a text, cut between characters.
fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Whether any handle is mentioned at all: most comments end here, unparsed.
fn mentions(text: &str, handles: &[String]) -> bool {
    let mut ats = text.match_indices('@').map(|(at, _)| &text[at + 1..]);
    ats.any(|after| handles.iter().any(|handle| strip_prefix_caseless(after, handle).is_some()))
}

fn strip_prefix_caseless<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// The lines of the paragraphs that stand on their own, without those that begin with markup.
fn lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut line: Option<String> = None;
    let mut in_paragraph = false;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Paragraph) if depth == 0 => {
                in_paragraph = true;
                line = Some(String::new());
            }
            Event::End(TagEnd::Paragraph) if depth == 0 => {
                in_paragraph = false;
                found.extend(line.take());
            }
            Event::SoftBreak | Event::HardBreak if in_paragraph => {
                found.extend(line.replace(String::new()));
            }
            // A line that begins with markup is no command; later on markup is decoration.
            Event::Start(_) if in_paragraph => line = line.filter(|line| !line.is_empty()),
            Event::Code(_) | Event::InlineHtml(_) if line.as_ref().is_some_and(String::is_empty) => {
                line = None;
            }
            Event::Text(piece) | Event::Code(piece) => {
                if let Some(line) = &mut line {
                    line.push_str(&piece);
                }
            }
            Event::Start(_) => depth += 1,
            Event::End(_) if !in_paragraph => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// What is said to Usher in a line that begins with one of its handles.
fn addressed<'a>(line: &'a str, handles: &[String]) -> Option<&'a str> {
    let line = line.trim_start().strip_prefix('@')?;
    handles.iter().find_map(|handle| {
        let rest = strip_prefix_caseless(line, handle)?;
        let rest = rest.strip_prefix("[bot]").unwrap_or(rest);
        // `@usher-bot` and `@usherette` are somebody else.
        let ends = rest.chars().next().is_none_or(|next| next.is_whitespace() || ":,".contains(next));
        ends.then(|| rest.trim_start_matches([':', ',']).trim())
    })
}

/// Understands what follows the handle. The bare handle asks for help.
fn command(said: &str) -> Command {
    let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let word = word.trim_end_matches(['.', ',', ':', '!', '?']).to_lowercase();
    let rest = rest.trim();
    match word.as_str() {
        "" | "help" => Command::Help,
        "accept" => Command::Accept,
        "decline" => Command::Decline { note: (!rest.is_empty()).then(|| cut(rest, NOTE_CHARS_MAX)) },
        "snooze" => match span(first(rest)) {
            Some(span) => Command::Snooze { span },
            None => unknown(said, Some("snooze 2d")),
        },
        "reassign" => {
            let to = first(rest).trim_start_matches('@');
            Command::Reassign { to: (!to.is_empty()).then(|| cut(to, NAME_CHARS_MAX)) }
        }
        "pool" => match first(rest) {
            "" => unknown(said, Some("pool NAME")),
            name => Command::Pool { name: cut(name, NAME_CHARS_MAX) },
        },
        "skip" => Command::Skip,
        "resume" => Command::Resume,
        "sponsor" => Command::Sponsor,
        "why" => Command::Why,
        other => unknown(said, nearest(other)),
    }
}

fn unknown(said: &str, nearest: Option<&str>) -> Command {
    Command::Unknown { text: cut(said, UNKNOWN_CHARS_MAX), nearest: nearest.map(str::to_owned) }
}

/// The first word, without the punctuation that ends a sentence.
fn first(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ',', ';', '!', '?'])
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// Reads `2d`, `4h` or `90m`; a day is a business day. `None` for anything else, for nothing and
/// for more than [`SNOOZE_DAYS_MAX`] days.
fn span(text: &str) -> Option<Budget> {
    let unit = text.chars().next_back()?;
    let number = &text[..text.len() - unit.len_utf8()];
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = number.parse().ok().filter(|number| digits && *number > 0)?;
    let minutes_max = SNOOZE_DAYS_MAX * 24 * 60;
    match unit.to_ascii_lowercase() {
        'd' if number <= SNOOZE_DAYS_MAX => Some(Budget::Days(number)),
        'h' => number.checked_mul(60).filter(|minutes| *minutes <= minutes_max).map(Budget::Minutes),
        'm' if number <= minutes_max => Some(Budget::Minutes(number)),
        _ => None,
    }
}

/// The command that was probably meant: one slip away in a short word, two in a longer one.
fn nearest(word: &str) -> Option<&'static str> {
    let word = cut(word, 20);
    let close = WORDS.iter().map(|known| (strsim::osa_distance(&word, known), *known));
    let (distance, known) = close.min_by_key(|(distance, _)| *distance)?;
    let slips_max = if known.len() <= 4 { 1 } else { 2 };
    (distance <= slips_max).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Command> {
        commands(text, &["usher".into()])
    }

    fn one(text: &str) -> Command {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text:?} gave {found:?}");
        found[0].clone()
    }

    #[test]
    fn every_word_is_understood() {
        assert_eq!(one("@usher help"), Command::Help);
        assert_eq!(one("@usher"), Command::Help);
        assert_eq!(one("@usher accept"), Command::Accept);
        assert_eq!(one("@usher decline"), Command::Decline { note: None });
        assert_eq!(
            one("@usher decline on call this week"),
            Command::Decline { note: Some("on call this week".into()) }
        );
        assert_eq!(one("@usher snooze 2d"), Command::Snooze { span: Budget::Days(2) });
        assert_eq!(one("@usher snooze 4h"), Command::Snooze { span: Budget::Minutes(240) });
        assert_eq!(one("@usher snooze 90m."), Command::Snooze { span: Budget::Minutes(90) });
        assert_eq!(one("@usher reassign"), Command::Reassign { to: None });
        assert_eq!(one("@usher reassign @ravi_k"), Command::Reassign { to: Some("ravi_k".into()) });
        assert_eq!(one("@usher pool docs"), Command::Pool { name: "docs".into() });
        assert_eq!(one("@usher pool `docs`"), Command::Pool { name: "docs".into() });
        assert_eq!(one("@usher skip"), Command::Skip);
        assert_eq!(one("@usher resume"), Command::Resume);
        assert_eq!(one("@usher sponsor"), Command::Sponsor);
        assert_eq!(one("@usher why?"), Command::Why);
    }

    #[test]
    fn the_handle_is_found_as_people_write_it() {
        for text in [
            "@Usher why",
            "  @usher why",
            "@usher: why",
            "@usher, why",
            "@USHER WHY",
            "@usher[bot] why",
            "Thanks!\n@usher why",
            "Thanks!  \n@usher why\nBye",
            "# Heading\n\n@usher why",
            "@usher\twhy",
            "<details>\n\ntext\n\n</details>\n\n@usher why\r\n",
        ] {
            assert_eq!(one(text), Command::Why, "{text:?}");
        }
        assert_eq!(commands("@acme-usher why", &["usher".into(), "acme-usher".into()]), [Command::Why]);
    }

    #[test]
    fn talk_about_commands_is_no_command() {
        for text in [
            "try @usher why",
            "`@usher why`",
            "```\n@usher why\n```",
            "~~~text\n@usher why",
            "    @usher why",
            "> @usher why",
            "> somebody said\n@usher why",
            "- @usher why",
            "1. item\n\n   @usher why",
            "<!-- @usher why -->",
            "<!--\n@usher why\n-->",
            "<!--\n@usher why",
            "text <!--\n@usher why\n--> text",
            "<div>\n@usher why\n</div>",
            "[@usher why](https://example.com)",
            "**@usher why**",
            "![@usher why](https://example.com/x.png)",
            "# @usher why",
            "@usher-bot why",
            "@usherette why",
            "@ usher why",
            "mail@usher why",
            "",
        ] {
            assert_eq!(read(text), [], "{text:?}");
        }
    }

    #[test]
    fn usher_does_not_obey_itself() {
        assert_eq!(read("<!-- usher:status -->\n\n@usher skip"), []);
        assert_eq!(read("@usher skip\n\n<!-- usher:ping:abc -->"), []);
    }

    #[test]
    fn what_is_not_understood_is_kept_with_the_nearest_word() {
        let unknown = |text: &str, nearest: Option<&str>| Command::Unknown {
            text: text.into(),
            nearest: nearest.map(str::to_owned),
        };
        assert_eq!(one("@usher declin busy"), unknown("declin busy", Some("decline")));
        assert_eq!(one("@usher resasign @x"), unknown("resasign @x", Some("reassign")));
        assert_eq!(one("@usher wy"), unknown("wy", Some("why")));
        assert_eq!(one("@usher make coffee"), unknown("make coffee", None));
        assert_eq!(one("@usher merge"), unknown("merge", None));
        assert_eq!(one("@usher pool"), unknown("pool", Some("pool NAME")));
        for text in [
            "snooze",
            "snooze soon",
            "snooze 0d",
            "snooze -2d",
            "snooze 2",
            "snooze 2é",
            "snooze 91d",
            "snooze 99999999999h",
            "snooze 71582789h",
            "snooze +2d",
        ] {
            assert_eq!(one(&format!("@usher {text}")), unknown(text, Some("snooze 2d")), "{text}");
        }
    }

    #[test]
    fn there_is_a_limit_on_everything() {
        assert_eq!(read(&"@usher skip\n".repeat(50)).len(), COMMANDS_MAX);
        let Command::Decline { note: Some(note) } = one(&format!("@usher decline {}", "é".repeat(5_000)))
        else {
            panic!("no decline")
        };
        assert_eq!(note.chars().count(), NOTE_CHARS_MAX);
        let Command::Unknown { text, nearest: None } = one(&format!("@usher {}", "x".repeat(5_000))) else {
            panic!("no unknown")
        };
        assert_eq!(text.len(), UNKNOWN_CHARS_MAX);
        let far = format!("{}\n\n@usher skip", "é ".repeat(COMMENT_BYTES_MAX));
        assert_eq!(read(&far), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "(@usher|[`>*_#~\\-<!\\[\\]()@ \\n]|snooze|\\PC){0,60}") {
            assert!(read(&text).len() <= COMMANDS_MAX);
        }
    }
}
