//! What templates are given. Every value is tame already: names as plain text or code spans, mentions
//! only of whom Usher would mention. `docs/templates.md` explains each of them.

use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::next::next_line;
use super::pings::{Escalation, Reminder};
use super::status::{Status, StatusReviewer, author, author_name, folded_choice, headline, lead_lines};
use super::text::{elapsed, moment, most_telling, obstacles, plain, quote, standing};
use crate::model::candidate::Candidate;
use crate::model::change::ChangeState;
use crate::model::review::Stage;

#[derive(Serialize)]
struct StatusValues {
    stage: &'static str,
    headline: &'static str,
    /// Built-in sentences: who has the ball, until when, what happens next.
    text: String,
    /// Built-in, folded: why these reviewers. May be empty.
    folded: String,
    title: String,
    author: Somebody,
    reviewers: Vec<Reviewer>,
    /// When the first of those who have the ball should have acted.
    due: Option<String>,
    next: Option<String>,
    choice: Vec<Judged>,
    merged: bool,
    /// From opening to the end, once it is done.
    took: Option<String>,
    me: String,
}

#[derive(Serialize)]
struct Somebody {
    name: String,
    mention: String,
}

#[derive(Serialize)]
struct Reviewer {
    name: String,
    mention: String,
    pool: String,
    due: Option<String>,
    approved: bool,
    accepted: bool,
    overdue: bool,
}

#[derive(Serialize)]
struct Judged {
    pool: String,
    person: String,
    verdict: String,
}

/// The values of the template `status`.
pub fn status_context(status: &Status<'_>) -> Value {
    let review = status.review;
    let zone_of_merger = || {
        let merger = review.merger()?;
        let own = status.reviewers.iter().find(|one| one.assignment.person == merger.person);
        own.map(|one| one.zone.clone())
    };
    let due = match review.stage {
        Stage::WithAuthor => status.author_due.map(|due| (due, status.author_zone.clone())),
        Stage::ReadyToMerge => status.merge_due.zip(zone_of_merger()),
        _ => {
            let dues = status.reviewers.iter().filter_map(|one| Some((one.due?, one.zone.clone())));
            dues.min_by_key(|(due, _)| *due)
        }
    };
    let candidates = review.pools.iter();
    let candidates =
        candidates.flat_map(|part| most_telling(&part.candidates).into_iter().map(|one| (&part.pool, one)));
    Value::from(Serde(StatusValues {
        stage: review.stage.word(),
        headline: headline(review),
        text: lead_lines(status).join("\n\n"),
        folded: folded_choice(status.policy, review).trim().to_owned(),
        title: quote(&review.title),
        author: Somebody { name: author_name(review), mention: author(status) },
        reviewers: status.reviewers.iter().map(reviewer).collect(),
        due: due.map(|(due, zone)| moment(due, &zone)),
        next: next_line(review.stage, &status.next, &status.next_zone),
        choice: candidates.map(|(pool, one)| judged(pool, one)).collect(),
        merged: review.state == ChangeState::Merged,
        took: review.opened_at.zip(review.done_at).map(|(opened, done)| elapsed(opened, done)),
        me: status.me.to_owned(),
    }))
}

fn reviewer(one: &StatusReviewer<'_>) -> Reviewer {
    Reviewer {
        name: plain(&one.assignment.person),
        mention: format!("@{}", one.assignment.account.login),
        pool: plain(&one.assignment.pool),
        due: one.due.map(|due| moment(due, &one.zone)),
        approved: one.approved,
        accepted: one.assignment.accepted,
        overdue: one.assignment.reviewing_box.ran_out,
    }
}

fn judged(pool: &str, one: &Candidate) -> Judged {
    Judged { pool: plain(pool), person: plain(&one.person), verdict: standing(&one.standing) }
}

#[derive(Serialize)]
struct PingValues {
    stage: &'static str,
    /// The mention of the person who is pinged.
    person: String,
    /// The built-in text.
    text: String,
    due: Option<String>,
    over: bool,
    pool: Option<String>,
    holder: Option<String>,
    obstacles: Option<String>,
    me: String,
}

/// The values of the template `remind`.
pub fn remind_context(handle: &str, about: &Reminder) -> Value {
    let zone: &TimeZone = &about.zone;
    Value::from(Serde(PingValues {
        stage: about.stage.word(),
        person: format!("@{handle}"),
        text: super::pings::remind(handle, about),
        due: about.due.map(|due| moment(due, zone)),
        over: about.over,
        pool: None,
        holder: None,
        obstacles: None,
        me: about.me.clone(),
    }))
}

/// The values of the template `escalate`.
pub fn escalate_context(handle: &str, about: &Escalation) -> Value {
    let waiting = about.stage == Stage::Waiting;
    Value::from(Serde(PingValues {
        stage: about.stage.word(),
        person: format!("@{handle}"),
        text: super::pings::escalate(handle, about),
        due: None,
        over: true,
        pool: Some(plain(&about.pool)),
        holder: about.holder.as_deref().map(plain),
        obstacles: waiting.then(|| obstacles(&about.candidates)),
        me: about.me.clone(),
    }))
}

/// The values of the template `ask`.
pub fn ask_context(handle: &str, me: &str) -> Value {
    Value::from(Serde(PingValues {
        stage: Stage::Reviewing.word(),
        person: format!("@{handle}"),
        text: super::pings::asked_by_name(handle),
        due: None,
        over: false,
        pool: None,
        holder: None,
        obstacles: None,
        me: me.to_owned(),
    }))
}
