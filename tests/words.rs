//! What Usher writes, word for word: `tests/words.txt` is a book of every stage, ping and reply, so
//! that a change of wording is seen when it is reviewed. `UPDATE=1 cargo test words` writes it anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use usher_core::model::calendar::Away;
use usher_core::model::change::{Account, ChangeState, ForgeKind, Verdict};
use usher_core::model::commands::{Allowed, COMMANDS};
use usher_core::model::fact::Fact;
use usher_core::model::message::Answer;
use usher_words::commands::commands;

use crate::support::company::{Company, account, pool};
use crate::support::forge::Forge;
use crate::support::play::Play;
use crate::support::root;

fn in_house(path: &str) -> PathBuf {
    root().join(path)
}

/// A story whose comments are collected.
struct Album {
    play: Play,
    text: String,
    status: String,
    comments: usize,
}

impl Album {
    fn new(title: &str, company: Company) -> Album {
        let forge = Forge::new(ForgeKind::GitLab, account("sam").unwrap());
        let monday: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let text = format!("{title}\n{}\n\n", "=".repeat(title.len()));
        Album { play: Play::new(company, forge, monday), text, status: String::new(), comments: 0 }
    }

    /// Something happens at the company, and what Usher writes then goes into the album.
    fn when(&mut self, title: &str, event: impl FnOnce(&mut Forge, Timestamp) -> Vec<Fact>) {
        self.play.now += SignedDuration::from_mins(10);
        let facts = event(&mut self.play.forge, self.play.now);
        facts.into_iter().for_each(|fact| self.play.tell(fact));
        self.collect(title);
    }

    fn later(&mut self, title: &str, at: &str) {
        self.play.pass(at.parse().unwrap());
        self.collect(title);
    }

    fn says(&mut self, who: &str, text: &str) {
        let by = account(who).unwrap();
        self.when(&format!("{who} says: {text}"), |forge, now| forge.said(now, &by, text));
    }

    fn collect(&mut self, title: &str) {
        let forge = &self.play.forge;
        let status = forge.status().unwrap_or_default().to_owned();
        let new = forge.comments.iter().skip(self.comments).map(|comment| comment.body.clone());
        let mut new: Vec<String> = new.filter(|body| !body.contains("usher:status")).collect();
        self.comments = forge.comments.len();
        if status != self.status {
            new.insert(0, status.clone());
            self.status = status;
        }
        for body in new {
            // Nothing that Usher writes is a command, not even without its marker.
            let bare = body.split_once('\n').map_or("", |(_, bare)| bare);
            assert_eq!(commands(bare, &["usher".to_owned()]), [], "{bare}");
            assert!(bare.lines().all(|line| !line.starts_with('/')), "a quick action: {bare}");
            let _ = writeln!(self.text, "--- {title}\n{body}\n");
        }
    }
}

fn by(name: &str) -> Account {
    account(name).unwrap()
}

fn whole_life() -> String {
    let mut album = Album::new("A life, and everybody takes their time", Company::new());
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    album.says("rita", "@usher accept");
    album.later("rita's time is over", "2026-11-24T10:30:00Z");
    album.later("and half as much again", "2026-11-24T15:00:00Z");
    album.later("and twice as much", "2026-11-25T12:00:00Z");
    let review = |verdict| move |forge: &mut Forge, now| vec![forge.reviewed(now, &by("rita"), verdict)];
    album.when("rita asks for changes", review(Verdict::ChangesRequested));
    album.later("sam's time is over", "2026-12-03T12:00:00Z");
    album.when("sam pushes", |forge, now| vec![forge.pushed(now, &by("sam"))]);
    album.when("rita approves", review(Verdict::Approved));
    album.later("nobody merges", "2026-12-04T16:00:00Z");
    album.later("and nobody merges", "2026-12-07T16:00:00Z");
    album.says("sam", "@usher snooze 1d");
    album.when("sam puts it back to draft", |forge, now| {
        vec![forge.changed(now, &by("sam"), |f| f.draft = true)]
    });
    album.when("and marks it ready", |forge, now| vec![forge.changed(now, &by("sam"), |f| f.draft = false)]);
    let merge = |forge: &mut Forge| forge.state = ChangeState::Merged;
    album.when("rita merges it", |forge, now| vec![forge.changed(now, &by("rita"), merge)]);
    album.text
}

fn nobody_there() -> String {
    let mut company = Company::new();
    for name in ["rita", "ravi"] {
        let (first, last) = ("2026-11-20".parse().unwrap(), "2026-12-30".parse().unwrap());
        company.person_mut(name).away.push(Away { first, last });
    }
    let mut album = Album::new("Nobody is there", company);
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    album.says("sam", "@usher why");
    album.says("sam", "@usher reassign");
    album.later("two hours are over", "2026-11-23T14:00:00Z");
    let close = |forge: &mut Forge| forge.state = ChangeState::Closed;
    album.when("sam closes it", |forge, now| vec![forge.changed(now, &by("sam"), close)]);
    album.text
}

fn no_route() -> String {
    let mut company = Company::new();
    company.policy.routes.clear();
    let mut album = Album::new("No route", company);
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    album.says("sam", "@usher reassign");
    album.says("sam", "@usher why");
    album.text
}

fn one_reviewer() -> String {
    let mut album = Album::new("A forge that keeps one reviewer", Company::new());
    album.play.forge.one_reviewer = true;
    album.play.forge.reviewers.push(by("olga"));
    album.when("sam opens a change, and olga is a reviewer", |forge, now| vec![forge.opened(now)]);
    album.text
}

fn replies() -> String {
    let mut company = Company::new();
    company.policy.pools.push(pool("docs", &["dora"], None));
    let mut album = Album::new("Replies", company);
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    for said in [
        "@usher help",
        "@usher why",
        "@usher declin",
        "@usher make coffee",
        "@usher snooze soon",
        "@usher decline",
        "@usher reassign @nobody",
        "@usher reassign @dora",
        "@usher reassign @sam",
        "@usher pool kitchen",
        "@usher frob\n@usher accept",
    ] {
        album.says("sam", said);
    }
    album.says("siobhan", "@usher skip");
    album.says("otto", "@usher skip");
    album.says("sam", "@usher skip");
    album.says("sam", "@usher snooze 2d");
    album.text
}

fn threads_and_merging() -> String {
    let mut album = Album::new("Threads, and an approver who cannot merge", Company::new());
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    album.when("rita asks for changes in two threads", |forge, now| {
        forge.asks_in_threads(now, &by("rita"), 2)
    });
    album.when("sam resolves one", |forge, now| forge.resolves(now, &by("sam"), &by("rita"), 1));
    album.when("sam pushes", |forge, now| vec![forge.pushed(now, &by("sam"))]);
    album.when("rita approves", |forge, now| vec![forge.reviewed(now, &by("rita"), Verdict::Approved)]);
    album.says("rita", "@usher reassign");
    album.says("ravi", "@usher reassign");
    album.text
}

fn two_approvals() -> String {
    let mut company = Company::new();
    company.policy.pools[0].approvals = 2;
    company.policy.support.lead = Some("siobhan".into());
    let mut album = Album::new("Two approvals, and nobody is left to give the second", company);
    let review = |who, verdict| move |forge: &mut Forge, now| vec![forge.reviewed(now, &by(who), verdict)];
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    album.when("rita approves", review("rita", Verdict::Approved));
    album.says("ravi", "@usher decline");
    album.later("two hours are over", "2026-11-23T15:00:00Z");
    album.when("dora, whom nobody asked, approves", review("dora", Verdict::Approved));
    album.when("lena asks for changes", review("lena", Verdict::ChangesRequested));
    album.says("sam", "@usher handover");
    album.says("sam", "@usher handover @rita");
    album.says("siobhan", "@usher handover @siobhan");
    album.says("lena", "@usher overrule @ravi");
    album.says("lena", "@usher overrule @lena it was a misunderstanding");
    album.text
}

fn odd_replies() -> String {
    let mut album = Album::new("Odd replies", Company::new());
    album.when("sam opens a change", |forge, now| vec![forge.opened(now)]);
    for (who, said) in [
        ("olga", "@usher accept"),
        ("rita", "@usher overrule @sam"),
        ("sam", "@usher snooze 99d"),
        ("sam", "@usher snooze 2 days"),
        ("sam", "@usher resume"),
        ("rita", "@usher away 3d"),
        ("rita", "@usher away soon"),
        ("rita", "@usher away until 2020-01-01"),
        ("rita", "@usher away until 2036-01-01"),
        ("rita", "@usher back"),
        ("sam", "@usher overrule"),
        ("sam", "@usher reassign @olga"),
    ] {
        album.says(who, said);
    }
    album.when("ravi approves", |forge, now| vec![forge.reviewed(now, &by("ravi"), Verdict::Approved)]);
    album.says("sam", "@usher reassign");
    let merge = |forge: &mut Forge| forge.state = ChangeState::Merged;
    album.when("ravi merges it", |forge, now| vec![forge.changed(now, &by("ravi"), merge)]);
    album.says("sam", "@usher reassign");
    album.text
}

#[test]
fn every_text_is_in_the_book() {
    let texts = [
        whole_life(),
        nobody_there(),
        no_route(),
        one_reviewer(),
        replies(),
        threads_and_merging(),
        two_approvals(),
        odd_replies(),
    ]
    .concat();
    let book = in_house("tests/words.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&book, &texts).unwrap();
    }
    let known = std::fs::read_to_string(&book).unwrap_or_default();
    for (number, (now, known)) in texts.lines().zip(known.lines()).enumerate() {
        assert_eq!(now, known, "line {} of tests/words.txt; UPDATE=1 writes it anew", number + 1);
    }
    assert_eq!(texts.lines().count(), known.lines().count(), "tests/words.txt; UPDATE=1 writes it anew");
}

/// The table in the documentation says who may do what, as the code does.
#[test]
fn the_documentation_lists_every_command_with_who_may() {
    let page = std::fs::read_to_string(in_house("docs/commands.md")).unwrap();
    let rows: Vec<(String, String)> = (page.lines())
        .filter_map(|line| line.strip_prefix("| `@usher "))
        .map(|row| {
            let word = row.split([' ', '`']).next().unwrap_or_default().to_owned();
            let who = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default().trim();
            (word, who.to_owned())
        })
        .collect();
    for rule in &COMMANDS {
        let word = rule.usage.split(' ').next().unwrap();
        assert!(
            usher_words::answer(&Answer::Help, "usher").contains(&format!("`@usher {}`", rule.usage)),
            "help forgets `{word}`"
        );
        let who = match rule.allowed {
            Allowed::Anybody => "anybody",
            Allowed::Roster => "everybody on the roster",
            Allowed::Reviewers => "the reviewers who are asked",
            Allowed::Leads => "leads of the change's pools",
            Allowed::Author => "the author and colleagues in support",
            Allowed::Involved => "the people involved",
        };
        let own: Vec<_> = rows.iter().filter(|(known, _)| known == word).collect();
        assert!(!own.is_empty(), "docs/commands.md does not list `{word}`");
        assert!(own.iter().all(|(_, said)| said == who), "`{word}` is for {who}, says the code: {own:?}");
    }
    for (word, _) in &rows {
        let known = COMMANDS.iter().any(|rule| rule.usage.split(' ').next() == Some(word));
        assert!(known, "docs/commands.md lists `{word}`, which is no command");
    }
}

/// Every value that a template is given is explained, and nothing else is promised.
#[test]
fn the_documentation_explains_every_value_of_a_template() {
    let page = std::fs::read_to_string(in_house("docs/templates.md")).unwrap();
    let source = std::fs::read_to_string(in_house("crates/words/src/context.rs")).unwrap();
    let structs = source.split("#[derive(Serialize)]").skip(1);
    let fields = structs.flat_map(|body| body.split('}').next().unwrap_or_default().lines().skip(2));
    let fields: Vec<&str> = fields
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "docs/templates.md does not explain `{field}`");
    }
}
