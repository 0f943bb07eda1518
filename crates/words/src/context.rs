//! What templates are given. Every value is tame already: names as plain text or code spans, mentions
//! only of whom Usher would mention. `docs/templates.md` explains each of them.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use usher_core::model::candidate::Candidate;
use usher_core::model::change::ChangeState;
use usher_core::model::choice::ChoiceTold;
use usher_core::model::message::{Moment, Ping, PingAbout, PoolView, ReviewerView, StatusView};
use usher_core::model::stage::Stage;

use super::choices;
use super::next::next_line;
use super::status::{author, author_name, folded_choice, headline, lead_lines};
use super::text::{elapsed, most_telling, plain, quote, standing, told};

#[derive(Serialize)]
struct StatusValues {
    stage: &'static str,
    headline: &'static str,
    /// `paused` or `left alone`, while a person wants it so.
    hold: Option<&'static str>,
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
pub(super) fn status_context(status: &StatusView) -> Value {
    let due: Option<&Moment> = match status.stage {
        Stage::WithAuthor => status.author.due.as_ref(),
        Stage::ReadyToMerge => status.merger.as_ref().and_then(|merger| merger.due.as_ref()),
        _ => status.reviewers.iter().filter_map(|one| one.due.as_ref()).min_by_key(|due| due.at),
    };
    Value::from(Serde(StatusValues {
        stage: status.stage.word(),
        headline: headline(status),
        hold: status.hold.0.as_ref().map(|_| headline(status)),
        text: lead_lines(status).join("\n\n"),
        folded: folded_choice(status).trim().to_owned(),
        title: quote(&status.title),
        author: Somebody { name: author_name(status), mention: author(status) },
        reviewers: status.reviewers.iter().map(reviewer).collect(),
        due: due.map(told),
        next: next_line(status.stage, &status.next),
        choice: status.pools.iter().flat_map(judged_all).collect(),
        merged: status.state == ChangeState::Merged,
        took: status.opened_at.zip(status.done_at).map(|(opened, done)| elapsed(opened, done)),
        me: status.me.clone(),
    }))
}

fn reviewer(one: &ReviewerView) -> Reviewer {
    Reviewer {
        name: plain(&one.person),
        mention: format!("@{}", one.login),
        pool: plain(&one.pool),
        due: one.due.as_ref().map(told),
        approved: one.approved,
        accepted: one.accepted,
        overdue: one.late,
    }
}

/// Those of a choice who are told by name.
fn judged_all(part: &PoolView) -> Vec<Judged> {
    let in_full = most_telling(choices::in_full(&part.candidates)).into_iter();
    let mut all: Vec<Judged> = in_full.map(|one| judged(&part.pool, one)).collect();
    if let ChoiceTold::Counts(counts) = &part.candidates {
        all.extend(counts.asked.iter().map(|one| Judged {
            pool: plain(&part.pool),
            person: plain(&one.person),
            verdict: choices::asked(one),
        }));
    }
    all
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

/// The values of the templates `remind`, `escalate` and `ask`.
pub(super) fn ping_context(ping: &Ping) -> Value {
    let values = PingValues {
        stage: Stage::Reviewing.word(),
        person: format!("@{}", ping.login),
        text: super::pings::ping(ping),
        due: None,
        over: false,
        pool: None,
        holder: None,
        obstacles: None,
        me: ping.me.clone(),
    };
    Value::from(Serde(match &ping.about {
        PingAbout::Ask
        | PingAbout::Refused { .. }
        | PingAbout::Back { .. }
        | PingAbout::AuthorSilent { .. }
        | PingAbout::AuthorAway { .. }
        | PingAbout::HandOver { .. }
        | PingAbout::NoRoute => values,
        PingAbout::Remind { stage, due, over } => {
            PingValues { stage: stage.word(), due: due.as_ref().map(told), over: *over, ..values }
        }
        PingAbout::Escalate { stage, pool, holder, candidates } => PingValues {
            stage: stage.word(),
            over: true,
            pool: Some(plain(pool)),
            holder: holder.as_deref().map(plain),
            obstacles: choices::why_nobody(candidates).filter(|_| *stage == Stage::Waiting),
            ..values
        },
    }))
}
