//! What is live in a comment, by the forges' documented rules, read independently of how Usher
//! writes: pulldown-cmark says what is text and what is code, and small readers find mentions,
//! references and quick actions in it.
//!
//! Sources: GitHub Docs "Basic writing and formatting syntax" (mentions, autolinked references);
//! GitLab Docs "GitLab Flavored Markdown" (special references) and "Quick actions" (a line that
//! begins with `/`, outside of code).

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Everything in a comment that does something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Handles, without `@`: people, groups (`acme/support`), `all`.
    pub mentions: Vec<String>,
    /// `#1`, `!1`, `GH-1`, `~label` and their like.
    pub references: Vec<String>,
    /// Lines that GitLab would obey.
    pub quick_actions: Vec<String>,
    /// Addresses of links and images, autolinks included.
    pub links: Vec<String>,
    /// HTML, comments included.
    pub html: Vec<String>,
    /// Characters that nobody sees, or that turn the direction of text.
    pub unseen: Vec<char>,
}

/// What is live in `body`.
pub fn live(body: &str) -> Live {
    let mut live = Live { quick_actions: quick_actions(body), ..Live::default() };
    live.unseen = body.chars().filter(|c| is_unseen(*c)).collect();
    let mut in_block = false;
    let mut text = String::new();
    for event in Parser::new_ext(body, Options::ENABLE_GFM | Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                live.links.push(dest_url.to_string());
            }
            Event::Text(piece) if !in_block => text.push_str(&piece),
            // What is in code touches nothing, and neither does what stands on both sides of it.
            Event::Code(_) => text.push('\u{fffc}'),
            Event::Html(piece) | Event::InlineHtml(piece) => live.html.push(piece.to_string()),
            Event::Start(_) | Event::End(_) | Event::SoftBreak | Event::HardBreak => text.push('\n'),
            _ => {}
        }
    }
    live.links.extend(bare_links(&text));
    live.mentions = mentions(&text);
    live.references = references(&text);
    live
}

/// Both forges link a bare address in text.
fn bare_links(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "(<>\u{fffc}".contains(c));
    let bare = |word: &&str| word.contains("://") || word.starts_with("www.") || word.starts_with("mailto:");
    words.filter(bare).map(str::to_owned).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `@` that does not follow a word, and the handle or path after it.
fn mentions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let inside = text[..at].chars().next_back().is_some_and(is_word);
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !(is_word(c) || "-./".contains(c))).unwrap_or(rest.len());
        let handle = rest[..end].trim_end_matches(['.', '-', '/']);
        if !inside && !handle.is_empty() {
            found.push(handle.to_owned());
        }
    }
    found
}

/// GitLab: `#1 !1 $1 %1 &1 ~1 ^alert#1`, names after `~` and `%`; GitHub: `#1`, `GH-1`.
fn references(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, sigil) in text.match_indices(|c: char| "#!$%&~^".contains(c)) {
        let rest = &text[at + sigil.len()..];
        let next = rest.chars().next();
        let named = matches!(sigil, "~" | "%") && next.is_some_and(|c| is_word(c) || c == '"');
        if named || next.is_some_and(|c| c.is_ascii_digit()) {
            found.push(format!("{sigil}{}", rest.split_whitespace().next().unwrap_or_default()));
        }
    }
    let lower = text.to_lowercase();
    found.extend(lower.match_indices("gh-").filter_map(|(at, _)| {
        let rest = &lower[at + 3..];
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| "GH-".to_owned())
    }));
    found
}

/// Lines that begin with `/` and a letter, outside of fenced code. GitLab looks at the raw text,
/// before Markdown.
fn quick_actions(body: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in body.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let word = line.trim_start().strip_prefix('/').and_then(|rest| rest.chars().next());
        if !fenced && word.is_some_and(char::is_alphabetic) {
            found.push(line.to_owned());
        }
    }
    found
}

/// Controls other than a line's end, zero-width and bidirectional formatting characters (Unicode
/// Cc and Cf as far as they matter, and the two separators that end a line).
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[test]
fn the_reader_sees_what_the_forges_would() {
    let seen =
        live("hello @all and @acme/support, see #1, !2, GH-3, ~bug\n/close\n<b>x</b> [a](javascript:x)");
    assert_eq!(seen.mentions, ["all", "acme/support"]);
    assert_eq!(seen.references, ["#1,", "!2,", "~bug", "GH-"]);
    assert_eq!(seen.quick_actions, ["/close"]);
    assert_eq!(seen.links, ["javascript:x"]);
    assert_eq!(seen.html, ["<b>", "</b>"]);
    let seen = live("`@all #1 <b> /close` and me@example.com, 1/2\n\n```\n/close @all\n```\n");
    assert_eq!(seen, Live::default());
    assert_eq!(live("a\u{202e}b\u{200b}").unseen, ['\u{202e}', '\u{200b}']);
    assert_eq!(live("see https://evil.example/x").links, ["https://evil.example/x"]);
}
