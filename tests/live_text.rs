//! What users write never becomes live: hostile strings go in wherever a user can put text, and
//! every comment that comes out is read by the forges' rules ([`crate::support::markup`]).

use proptest::collection::vec;
use proptest::prelude::*;
use usher_core::model::action::Action;
use usher_core::model::change::{Account, ForgeKind};
use usher_core::model::fact::{Act, Actor, Command, CommentPlace, Fact};

use crate::support::company::{ACCOUNTS, Company, account};
use crate::support::forge::Forge;
use crate::support::markup::live;
use crate::support::play::{Play, body};

/// HTML that Usher's own comments are made of.
const OWN_HTML: [&str; 6] =
    ["<details>", "<summary>Why this choice?</summary>", "</details>", "<sub>", "</sub>", "<summary>"];
/// GitHub refuses comments of more than 65,536 characters.
const BODY_CHARS_MAX: usize = 60_000;

/// Text that would do something if it were live.
const HOSTILE: [&str; 44] = [
    "@all",
    "@everyone",
    "@channel",
    "@here",
    "@acme/support",
    "@torvalds",
    "cc @lena",
    "<!-- usher:status -->",
    "<!-- usher:ping:x -->",
    "-->",
    "<!--",
    "<!-- usher:status",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<details open>",
    "</details>",
    "<a href=\"javascript:x\">y</a>",
    "[click](javascript:alert(1))",
    "[x](data:text/html;base64,xx)",
    "![x](https://evil.example/pixel.png)",
    "<https://evil.example>",
    "https://evil.example/?q=1",
    "www.evil.example",
    "mailto:x@evil.example",
    "/close",
    "/merge",
    "/assign @lena",
    "/label ~bug",
    "#1",
    "!1",
    "acme/shop#1",
    "GH-1",
    "~bug",
    "%1",
    "&1",
    "$1",
    "`",
    "``",
    "```\n",
    "\n",
    "\r\n/approve\n",
    "\u{202e}txt.exe\u{202c}",
    "a\u{200b}\u{2066}b\u{feff}",
    "\u{2028}/close\u{2029}",
];

fn hostile() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        8 => prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        2 => "\\PC{0,12}",
        1 => "[\\x00-\\x7f]{0,20}",
        1 => (prop::sample::select(HOSTILE.to_vec()), 1_usize..400).prop_map(|(text, times)| text.repeat(times)),
    ];
    (vec(fragment, 1..5), prop::sample::select(vec!["", " ", "\n", "`", "\\"]))
        .prop_map(|(parts, between)| parts.join(between))
}

/// A change on which everything that a user can name is hostile.
fn hostile_play(github: bool, text: &[String]) -> Play {
    let kind = if github { ForgeKind::GitHub } else { ForgeKind::GitLab };
    let mut company = Company::new();
    company.policy.forges[0].kind = kind;
    let mut forge = Forge::new(kind, account("sam").unwrap());
    forge.title.clone_from(&text[0]);
    forge.target_branch.clone_from(&text[1]);
    forge.labels.insert(text[2].clone());
    forge.reviewers.push(Account::new(99, text[3].clone()));
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut play = Play::new(company, forge, now);
    let fact = play.forge.opened(now);
    play.tell(fact);
    play
}

fn commands(text: &str) -> Vec<Command> {
    let owned = text.to_owned();
    vec![
        Command::Unknown { text: owned.clone(), nearest: None },
        Command::Unknown { text: owned.clone(), nearest: Some("decline".into()) },
        Command::Pool { name: owned.clone() },
        Command::Reassign { to: Some(owned.clone()) },
        Command::Decline { note: Some(owned) },
        Command::Why,
    ]
}

fn bodies(play: &Play) -> Vec<String> {
    let actions = play.ledger.iter().flat_map(|entry| &entry.actions);
    actions.filter_map(|action| body(action, &play.company.templates)).collect()
}

/// Nothing in a comment does anything but what Usher means to do.
fn is_tame(body: &str) -> Result<(), String> {
    let seen = live(body);
    let stranger = seen.mentions.iter().find(|handle| !ACCOUNTS.contains(&handle.as_str()));
    if let Some(handle) = stranger {
        return Err(format!("@{handle} would be called: {body:?}"));
    }
    let (marker, rest) = body.split_once('\n').ok_or("no marker")?;
    if !marker.starts_with("<!-- usher:") || !marker.ends_with(" -->") || rest.contains("<!--") {
        return Err(format!("a marker is not where it belongs: {body:?}"));
    }
    for html in &seen.html {
        let mut html = html.replace(marker, "");
        OWN_HTML.iter().for_each(|own| html = html.replace(own, ""));
        if !html.trim().is_empty() {
            return Err(format!("{html:?} is live HTML: {body:?}"));
        }
    }
    let lively = [
        (!seen.links.is_empty(), "a link"),
        (!seen.references.is_empty(), "a reference"),
        (!seen.quick_actions.is_empty(), "a quick action"),
        (!seen.unseen.is_empty(), "an unseen character"),
        (body.chars().count() > BODY_CHARS_MAX, "too long a text"),
    ];
    lively.iter().find(|(is, _)| *is).map_or(Ok(()), |(_, what)| Err(format!("{what}: {seen:?}\n{body:?}")))
}

proptest! {
    #![proptest_config(crate::laws::config(150))]

    /// Titles, labels, branches, logins, notes and commands: none of it is live in any comment.
    #[test]
    fn what_users_write_is_never_live(github in any::<bool>(), text in vec(hostile(), 6)) {
        let mut play = hostile_play(github, &text);
        let mut comment = 500;
        for text in &text[4..] {
            for command in commands(text) {
                comment += 1;
                let by = Actor { account: account("rita").unwrap(), bot: false };
                let snapshot = play.forge.snapshot();
                play.tell(Fact::Told { act: Act::Commanded { command, comment, place: CommentPlace::Conversation, also: Vec::new() }, by, at: play.now, snapshot });
            }
        }
        // The author leaves the roster: from now on their login is text like any other.
        play.company.policy.support.members.clear();
        play.review.author_name = None;
        play.review.author.login.clone_from(&text[5]);
        play.reload();
        play.pass(play.now + jiff::SignedDuration::from_hours(90));
        let found = bodies(&play);
        prop_assert!(found.len() >= 8, "only {} comments", found.len());
        for body in found {
            if let Err(why) = is_tame(&body) {
                prop_assert!(false, "{why}");
            }
        }
    }

    /// The same by way of a comment's own text: what is a command there is read as Markdown first.
    #[test]
    fn what_users_comment_is_never_live(github in any::<bool>(), text in vec(hostile(), 6)) {
        let mut play = hostile_play(github, &text);
        for (text, word) in text.iter().zip(["", "decline", "pool", "reassign", "snooze", "skipp"]) {
            let facts = play.forge.said(play.now, &account("rita").unwrap(), &format!("@usher {word} {text}"));
            facts.into_iter().for_each(|fact| play.tell(fact));
        }
        for body in bodies(&play) {
            if let Err(why) = is_tame(&body) {
                prop_assert!(false, "{why}");
            }
        }
    }
}

/// The checker itself: each hostile string alone, unquoted, is found out.
#[test]
fn each_hostile_string_would_be_noticed() {
    let harmless = ["-->", "</details>", "<details open>", "`", "``", "```\n", "\n", "mailto:x@evil.example"];
    for text in HOSTILE.iter().filter(|text| !harmless.contains(*text)) {
        let body = format!("<!-- usher:ping:x -->\nSorry:\n\n{text}");
        let known = ["cc @lena"].contains(text);
        assert!(known || is_tame(&body).is_err(), "{text:?} goes unnoticed");
    }
}

/// A command in code, in a quote or in HTML is talk, on both forges.
#[test]
fn commands_in_code_quotes_and_comments_are_not_obeyed() {
    for text in
        ["`@usher skip`", "> @usher skip", "```\n@usher skip\n```", "<!-- @usher skip -->", "    @usher skip"]
    {
        for github in [true, false] {
            let mut play = hostile_play(github, &["t", "main", "bug", "olga"].map(str::to_owned));
            let before = play.ledger.len();
            let facts = play.forge.said(play.now, &account("rita").unwrap(), text);
            facts.into_iter().for_each(|fact| play.tell(fact));
            let actions = play.ledger[before..].iter().flat_map(|entry| &entry.actions);
            assert!(
                !actions.clone().any(|a| matches!(a, Action::React { .. } | Action::Reply(_))),
                "{text:?}"
            );
            assert_eq!(play.review.said.hold, None, "{text:?}");
        }
    }
}
