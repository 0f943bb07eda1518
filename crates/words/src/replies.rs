//! Answers to commands.

use std::fmt::Write;

use usher_core::model::change::ChangeState;
use usher_core::model::commands::{Allowed, COMMANDS};
use usher_core::model::message::{Answer, BoxNote, ChoiceView, Reply};

use super::absence::{away_over, away_too_long, away_unclear, away_until, still_away};
use super::boxes::{box_note, budget};
use super::choices;
use super::text::{plain, quote, standing, told};

/// The words of a reply, without its hidden marker.
pub(super) fn reply(reply: &Reply) -> String {
    let answers: Vec<String> = reply.answers.iter().map(|one| answer(one, &reply.me)).collect();
    answers.join("\n\n")
}

/// The answer to one command. `me` is how people call Usher here, without `@`.
pub fn answer(answer: &Answer, me: &str) -> String {
    match answer {
        Answer::Help => help(me),
        Answer::Why { pools, boxes } => why(pools, boxes),
        Answer::StillAway { leave, busy, in_private, zone } => still_away(*leave, *busy, *in_private, zone),
        Answer::NotAllowed { command, allowed } => not_allowed(command, *allowed),
        Answer::Stranger { ask } => stranger(ask),
        Answer::Finished { state } => finished(*state),
        Answer::AlreadyApproved { people } => already_approved(people, me),
        Answer::AwayUntil { last } => away_until(*last, me),
        Answer::SnoozeCapped { max, until } => {
            format!("Paused until {}: {} is the most at once.", told(until), budget(*max))
        }
        Answer::Overtaken => "Something newer was said since, so I left everything as it is.".into(),
        Answer::NotUnderstood { text, nearest } => not_understood(text, nearest.as_deref(), me),
        Answer::SnoozeTooLong => "Sorry, that is further ahead than the calendar goes.".into(),
        Answer::SnoozeSkipped => format!("I leave this change alone already, until `@{me} resume`."),
        Answer::SnoozeFirstRun => {
            "I have not begun with this change: it was open before I came and waits for its turn.".into()
        }
        Answer::NoPoolYet => {
            format!("Sorry, no pool claims this change yet. `@{me} pool NAME` sends it to one.")
        }
        Answer::NobodyElse { candidates } => format!(
            "Sorry, there is nobody else to ask{}. `@{me} reassign @person` asks somebody all the same.",
            choices::why_nobody(candidates).map(|why| format!(": {why}")).unwrap_or_default()
        ),
        Answer::NotInSupport { person } => format!(
            "Sorry, {} is not in support. `@{me} handover @person` names a support engineer, `@{me} reassign @person` a reviewer.",
            plain(person)
        ),
        Answer::ReviewsIt { person } => {
            format!("Sorry, {} reviews this change, so it cannot be theirs as well.", plain(person))
        }
        Answer::NobodyToHandOverTo => format!(
            "Sorry, nobody is named whom I could ask to find a colleague. `@{me} handover @person` names a support engineer."
        ),
        Answer::NothingToOverrule { person } => {
            format!("{} asks for no changes here, so there is nothing to overrule.", plain(person))
        }
        Answer::UnknownPerson { handle } => format!("Sorry, I do not know {} on this forge.", quote(handle)),
        Answer::NotInPool { person, pool } => {
            format!(
                "{} is not in *{}*. Add them as a reviewer by hand, or send the change to their pool: `@{me} pool NAME`.",
                plain(person),
                plain(pool)
            )
        }
        Answer::CannotBeAsked { person, why } => {
            format!("Sorry, {} cannot be asked: {}.", plain(person), standing(why))
        }
        Answer::UnknownPool { name, pools } => {
            let pools: Vec<_> = pools.iter().map(|pool| plain(pool)).collect();
            format!("Sorry, there is no pool {}. There are: {}.", quote(name), pools.join(", "))
        }
        Answer::AwayUnclear { today } => away_unclear(*today, me),
        Answer::AwayOver { last, today } => away_over(*last, *today, me),
        Answer::AwayTooLong { latest } => away_too_long(*latest),
    }
}

/// The answer to `help`, from the table of commands.
fn help(me: &str) -> String {
    let mut text = format!("Begin a line of a comment with `@{me}` and one of these words.\n");
    for who in [
        Allowed::Reviewers,
        Allowed::Author,
        Allowed::Involved,
        Allowed::Leads,
        Allowed::Roster,
        Allowed::Anybody,
    ] {
        let _ = write!(text, "\nFor {}:\n\n", allowed(who));
        for rule in COMMANDS.iter().filter(|rule| rule.allowed == who) {
            let _ = writeln!(text, "- `@{me} {}`: {}", rule.usage, rule.meaning);
        }
    }
    text.trim_end().into()
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::Anybody => "anybody",
        Allowed::Roster => "everybody on the roster",
        Allowed::Reviewers => "the reviewers who are asked",
        Allowed::Involved => "the author, the reviewers, members and leads of the pool, and maintainers",
        Allowed::Leads => "leads of the pool",
        Allowed::Author => "the author and colleagues in support",
    }
}

/// The answer to `why`: every candidate of the last choice with the judgement, and why the time box is
/// as it is.
fn why(pools: &[ChoiceView], boxes: &[BoxNote]) -> String {
    let mut text = String::new();
    for part in pools {
        let _ = write!(text, "**{}**\n\n", plain(&part.pool));
        if part.candidates.is_empty() {
            let adopted: Vec<_> = part.asked.iter().map(|person| plain(person)).collect();
            let _ = writeln!(text, "- no choice was made; {} came by a person's hand", adopted.join(" and "));
        }
        let list = choices::list(&part.candidates);
        if list.is_empty() && !part.candidates.is_empty() {
            let asked: Vec<_> = part.asked.iter().map(|person| plain(person)).collect();
            let who = if asked.is_empty() { "nobody".to_owned() } else { asked.join(" and ") };
            let _ = writeln!(text, "- asked now: {who}; how that came about is not told in comments here");
        }
        text.push_str(&list);
        text.push('\n');
    }
    for note in boxes {
        let _ = writeln!(text, "{}\n", box_note(note));
    }
    if text.is_empty() {
        "No pool claims this change yet, so no choice was made.".into()
    } else {
        text.trim_end().into()
    }
}

fn not_allowed(command: &str, who: Allowed) -> String {
    format!("Sorry, {} is for {}.", quote(command), allowed(who))
}

/// To somebody whom no roster names.
fn stranger(ask: &[String]) -> String {
    let people: Vec<String> = ask.iter().map(|person| plain(person)).collect();
    match people.is_empty() {
        true => "Only people named in the configuration can do this.".into(),
        false => {
            format!("Only people named in the configuration can do this; ask {}.", people.join(" or "))
        }
    }
}

fn finished(state: ChangeState) -> String {
    match state {
        ChangeState::Merged => {
            "This is merged already, so there is nothing left to do here. Thank you!".into()
        }
        ChangeState::Closed | ChangeState::Open => {
            "This is closed, so there is nothing to do here until somebody opens it again.".into()
        }
    }
}

fn already_approved(people: &[String], me: &str) -> String {
    let people: Vec<String> = people.iter().map(|person| plain(person)).collect();
    format!(
        "{} approved this already, so nobody needs to be asked. For a second opinion: `@{me} reassign @person`.",
        people.join(" and ")
    )
}

fn not_understood(text: &str, nearest: Option<&str>, me: &str) -> String {
    match nearest {
        // Only what has to follow the word is not there.
        Some(usage) if usage.contains(' ') => format!("Please write it like this: `@{me} {usage}`."),
        Some(nearest) => format!("Did you mean `@{me} {nearest}`?"),
        None => format!("Sorry, I do not know {}. `@{me} help` lists what I understand.", quote(text)),
    }
}
