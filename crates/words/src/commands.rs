//! Commands in comments: lines that begin with `@usher`, as the Markdown is rendered. What is in
//! code, quotes, lists, tables, headings, folds and HTML (comments included) is talk about commands,
//! not a command.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::away;
use super::spans::span;
use usher_core::model::fact::Command;

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

/// Begins every hidden marker in Usher's own comments.
const OWN_MARKER: &str = "<!-- usher:";

/// The words, as people type them.
const WORDS: [&str; 15] = [
    "help", "accept", "decline", "snooze", "reassign", "pool", "skip", "resume", "away", "back", "sponsor",
    "why", "ready", "overrule", "handover",
];

/// Reads the commands of a comment in Markdown, in their order, at most [`COMMANDS_MAX`]. A command
/// is a line that begins with `@` and one of `handles` (case does not matter). A comment that begins
/// with one of Usher's hidden markers is one of its own, and has none; a marker further on is a quote.
/// Of several lines that are not understood the first is enough.
pub fn commands(text: &str, handles: &[String]) -> Vec<Command> {
    let text = head(text, COMMENT_BYTES_MAX);
    if !mentions(text, handles) || text.trim_start().starts_with(OWN_MARKER) {
        return Vec::new();
    }
    let text = without_fenced_quotes(text);
    let lines = lines(&text);
    let addressed = lines.iter().filter_map(|line| addressed(line, handles));
    let mut puzzled = false;
    let mut commands = Vec::new();
    for command in addressed.filter_map(command).take(COMMANDS_MAX) {
        let again = matches!(command, Command::Unknown { .. }) && std::mem::replace(&mut puzzled, true);
        if !again {
            commands.push(command);
        }
    }
    commands
}

/// GitLab's quotes over several lines, from a line `>>>` to the next one, are blanked. CommonMark and
/// GitHub would show what is between them as ordinary text, but nobody writes `>>>` to be obeyed.
fn without_fenced_quotes(text: &str) -> String {
    let is_fence = |line: &&str| line.trim_end() == ">>>";
    let fences = text.lines().filter(is_fence).count();
    let mut passed = 0;
    let lines = text.lines().map(|line| {
        let fence = is_fence(&line);
        passed += usize::from(fence);
        // One without a partner is no quote.
        let quoted = passed % 2 == 1 && passed < fences;
        if fence || quoted { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
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

/// Elements of HTML whose content is not said but shown: folded, quoted, or as it is.
const SHOWN: [&str; 6] = ["details", "blockquote", "pre", "code", "table", "ul"];

/// The lines of the paragraphs that stand on their own, without those that begin with markup.
fn lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut shown = 0_usize;
    let mut block = String::new();
    let mut line: Option<String> = None;
    let mut in_paragraph = false;
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Paragraph) if depth == 0 && shown == 0 => {
                in_paragraph = true;
                line = Some(String::new());
            }
            Event::End(TagEnd::Paragraph) if in_paragraph => {
                in_paragraph = false;
                found.extend(line.take());
            }
            // A block comes line by line, and a comment in it may have several.
            Event::Html(html) => block.push_str(&html),
            Event::End(TagEnd::HtmlBlock) => {
                shown = nesting(shown, &std::mem::take(&mut block));
                depth = depth.saturating_sub(1);
            }
            Event::InlineHtml(html) => {
                shown = nesting(shown, &html);
                line = line.filter(|line| !line.is_empty());
            }
            Event::SoftBreak | Event::HardBreak if in_paragraph => {
                found.extend(line.replace(String::new()));
            }
            // A line that begins with markup is no command; later on markup is decoration.
            Event::Start(_) if in_paragraph => line = line.filter(|line| !line.is_empty()),
            Event::Code(_) if line.as_ref().is_some_and(String::is_empty) => line = None,
            // Who writes `\@usher` or `&#64;usher` means the word, not the address.
            Event::Text(_) if line.as_ref().is_some_and(String::is_empty) && is_escaped(text, &range) => {
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
        if shown > 0 {
            line = None;
        }
    }
    found
}

/// How deep in [`SHOWN`] elements the text is after a piece of HTML.
fn nesting(depth: usize, html: &str) -> usize {
    // What is commented out opens and closes nothing.
    let open = |part: &str| part.split_once("-->").map_or("", |(_, rest)| rest).to_owned();
    let parts = html.split("<!--").enumerate();
    let html: String = parts.map(|(at, part)| if at == 0 { part.to_owned() } else { open(part) }).collect();
    let html = html.to_ascii_lowercase();
    let named = |tag: &str, name: &str| {
        let rest = tag.strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let mut depth = depth;
    for tag in html.split('<').skip(1) {
        let (close, tag) = (tag.starts_with('/'), tag.trim_start_matches('/'));
        if SHOWN.iter().any(|name| named(tag, name)) {
            depth = if close { depth.saturating_sub(1) } else { depth + 1 };
        }
    }
    depth
}

/// Whether a piece of text stands in the source as an escape or entity.
fn is_escaped(text: &str, range: &std::ops::Range<usize>) -> bool {
    text[..range.start].ends_with('\\') || text[range.start..].starts_with('&')
}

/// Words with which people turn to somebody.
const GREETINGS: [&str; 6] = ["hey", "hi", "hello", "dear", "ok", "please"];

/// What is said to Usher in a line that begins with one of its handles, after a greeting or not.
fn addressed<'a>(line: &'a str, handles: &[String]) -> Option<&'a str> {
    let line = line.trim_start();
    let greeted = line.split_once(char::is_whitespace).filter(|(word, _)| {
        let word = word.trim_end_matches([',', '!', '.']);
        GREETINGS.iter().any(|greeting| word.eq_ignore_ascii_case(greeting))
    });
    let line = greeted.map_or(line, |(_, rest)| rest.trim_start()).strip_prefix('@')?;
    handles.iter().find_map(|handle| {
        let rest = strip_prefix_caseless(line, handle)?;
        let rest = rest.strip_prefix("[bot]").unwrap_or(rest);
        // `@usher-bot` and `@usherette` are somebody else.
        let ends = rest.chars().next().is_none_or(|next| next.is_whitespace() || ":,".contains(next));
        ends.then(|| rest.trim_start_matches([':', ',']).trim())
    })
}

/// Understands what follows the handle. The bare handle asks for help; who only says thanks asks for
/// nothing.
fn command(said: &str) -> Option<Command> {
    let (word, rest) = word_of(said);
    let (word, rest) = if word == "please" && !rest.is_empty() { word_of(rest) } else { (word, rest) };
    let thanks = matches!(word.as_str(), "thanks" | "thank" | "thx" | "ty");
    (!thanks).then(|| understood(said, &word, rest))
}

/// The first word, in lower case and without the punctuation behind it, and the rest.
fn word_of(said: &str) -> (String, &str) {
    let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    (word.trim_end_matches(['.', ',', ';', ':', '!', '?']).to_lowercase(), rest.trim())
}

fn understood(said: &str, word: &str, rest: &str) -> Command {
    match word {
        "" | "help" => Command::Help,
        "accept" => Command::Accept,
        "decline" => Command::Decline { note: (!rest.is_empty()).then(|| cut(rest, NOTE_CHARS_MAX)) },
        "snooze" | "pause" => match span(rest) {
            Some(span) => Command::Snooze { span },
            None => unknown(said, Some("snooze 2d")),
        },
        "reassign" | "assign" => Command::Reassign { to: person(rest) },
        "pool" => match first(rest) {
            "" => unknown(said, Some("pool NAME")),
            name => Command::Pool { name: cut(name, NAME_CHARS_MAX) },
        },
        "skip" => Command::Skip,
        "resume" => Command::Resume,
        "away" | "vacation" | "holiday" | "holidays" | "pto" | "ooo" => {
            Command::Away { end: away::end(rest) }
        }
        "back" => Command::Back,
        "sponsor" => Command::Sponsor,
        "ready" => Command::Ready,
        "handover" | "hand-over" => Command::Handover { to: person(rest) },
        "overrule" => match first(rest).trim_start_matches('@') {
            "" => unknown(said, Some("overrule @person")),
            whom => {
                let note = rest.split_once(char::is_whitespace).map_or("", |(_, note)| note.trim());
                let note = (!note.is_empty()).then(|| cut(note, NOTE_CHARS_MAX));
                Command::Overrule { whom: cut(whom, NAME_CHARS_MAX), note }
            }
        },
        "why" => Command::Why,
        other => unknown(said, nearest(other).or_else(|| probably(said))),
    }
}

/// What somebody wants who tells of it in their own words.
fn probably(said: &str) -> Option<&'static str> {
    let said = said.to_lowercase();
    ["no time", "busy", "not me"].iter().any(|words| said.contains(words)).then_some("decline")
}

fn unknown(said: &str, nearest: Option<&str>) -> Command {
    Command::Unknown { text: cut(said, UNKNOWN_CHARS_MAX), nearest: nearest.map(str::to_owned) }
}

/// The person that the first word names.
fn person(text: &str) -> Option<String> {
    let name = first(text).trim_start_matches('@');
    (!name.is_empty()).then(|| cut(name, NAME_CHARS_MAX))
}

/// The first word, without the punctuation that ends a sentence.
fn first(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ',', ';', '!', '?'])
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
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
    use usher_core::model::timebox::Budget;

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
        assert_eq!(one("@usher pause for 2 days"), Command::Snooze { span: Budget::Days(2) });
        assert_eq!(one("@usher snooze 90m."), Command::Snooze { span: Budget::Minutes(90) });
        assert_eq!(one("@usher reassign"), Command::Reassign { to: None });
        assert_eq!(one("@usher reassign @ravi_k"), Command::Reassign { to: Some("ravi_k".into()) });
        assert_eq!(one("@usher assign @ravi_k"), Command::Reassign { to: Some("ravi_k".into()) });
        assert_eq!(one("@usher pool docs"), Command::Pool { name: "docs".into() });
        assert_eq!(one("@usher pool `docs`"), Command::Pool { name: "docs".into() });
        assert_eq!(one("@usher skip"), Command::Skip);
        assert_eq!(one("@usher resume"), Command::Resume);
        assert_eq!(one("@usher back!"), Command::Back);
        assert_eq!(one("@usher away 3d"), Command::Away { end: away::end("3d") });
        assert_eq!(one("@usher away for ever"), Command::Away { end: None });
        assert_eq!(one("@usher vacation until 2026-12-01"), Command::Away { end: away::end("2026-12-01") });
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
            "<!-- <details> -->\n\n@usher why",
            "<!--\n<details>\n<pre>\n-->\n\n@usher why",
            "text <!-- <pre> -->\n\n@usher why",
            "@usher why | not a table",
            ">>> print(1)\n\n@usher why",
            ">>>\n\n@usher why",
            "@usher **why**",
            "![x](https://example.com/x.png)\n\n@usher why",
            "@usher Why?!",
            "hey @usher why?",
            "Hi, @usher, why?",
        ] {
            assert_eq!(one(text), Command::Why, "{text:?}");
        }
        assert_eq!(commands("@acme-usher why", &["usher".into(), "acme-usher".into()]), [Command::Why]);
    }

    #[test]
    fn talk_about_commands_is_no_command() {
        for text in [
            "try @usher why",
            "heyday @usher why",
            "thanks @usher why not",
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
            "| a | b |\n|---|---|\n| @usher why | x |",
            "a | b\n--|--\n@usher why | x",
            "~~@usher why~~",
            "_@usher why_",
            "\\\\@usher why",
            "&#64;usher why",
            "[^1]: @usher why\n\ntext[^1]",
            ">>>\n\n@usher why\n\n>>>",
            ">>>\nrita said\n\n@usher why\n>>>\ntext",
            "> [!NOTE]\n> @usher why",
            "<details><summary>Log</summary>\n\n@usher why\n\n</details>",
            "<details>\n\n<details>\n\na\n\n</details>\n\n@usher why\n\n</details>",
            "<blockquote>\n\n@usher why\n\n</blockquote>",
            "<pre>\n\n@usher why\n</pre>",
            "text <code>\n@usher why\n</code>",
            "* [ ] @usher why",
            "@usher-bot why",
            "@usherette why",
            "@usher/devs why",
            "@usher.example why",
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
        assert_eq!(read("  <!-- usher:ping:abc -->\n@usher skip"), []);
        // A person who quotes Usher, marker and all, is obeyed.
        assert_eq!(one("> <!-- usher:ping:abc -->\n> rita: a nudge\n\n@usher accept"), Command::Accept);
        assert_eq!(one("@usher skip\n\n<!-- usher:ping:abc -->"), Command::Skip);
    }

    #[test]
    fn courtesy_is_understood() {
        assert_eq!(one("@usher please decline no time"), Command::Decline { note: Some("no time".into()) });
        assert_eq!(one("@usher, please: why?"), Command::Why);
        assert_eq!(read("@usher thanks!"), []);
        assert_eq!(read("@usher thank you"), []);
    }

    /// GitLab takes quick actions out of a note before it tells of it; where it does not, they are
    /// lines like any other.
    #[test]
    fn other_lines_of_a_comment_do_not_matter() {
        let decline = Command::Decline { note: None };
        assert_eq!(read("/label ~bug\n@usher decline\n/cc @ravi"), [decline]);
        assert_eq!(read("Two things:\n\n@usher why\n@usher skip"), [Command::Why, Command::Skip]);
        assert_eq!(read("@usher skip\n\n- a\n- b\n\n> c\n\n@usher why"), [Command::Skip, Command::Why]);
        assert_eq!(read("@usher decline\n- no time"), [Command::Decline { note: None }]);
        let several = read("@usher foo\n@usher bar\n@usher why");
        assert!(
            matches!(&several[..], [Command::Unknown { text, .. }, Command::Why] if text == "foo"),
            "{several:?}"
        );
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
        assert_eq!(one("@usher I have no time"), unknown("I have no time", Some("decline")));
        assert_eq!(one("@usher merge"), unknown("merge", None));
        assert_eq!(one("@usher pool"), unknown("pool", Some("pool NAME")));
        for text in ["snooze", "snooze soon", "snooze 0d", "pause"] {
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

    /// Whatever Usher writes would be obeyed by nobody, not even without its marker.
    #[test]
    fn own_texts_have_no_commands_in_them() {
        use usher_core::model::message::Answer;
        let unknown = Answer::NotUnderstood { text: "@usher skip".into(), nearest: Some("decline".into()) };
        for answer in [Answer::Help, unknown, Answer::Stranger { ask: vec!["sam".into()] }] {
            let text = crate::answer(&answer, "usher");
            assert_eq!(read(&text), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "(@usher|[`>*_#~\\-<!\\[\\]()@ \\n]|snooze|\\PC){0,60}") {
            assert!(read(&text).len() <= COMMANDS_MAX);
        }
    }
}
