//! Pings: short new comments that name one person.

use usher_core::model::choice::ChoiceTold;
use usher_core::model::message::{Moment, Ping, PingAbout};
use usher_core::model::stage::Stage;

use super::choices::why_nobody;
use super::text::{plain, told};

/// The built-in words of a ping, without its hidden marker.
pub(super) fn ping(ping: &Ping) -> String {
    let (handle, me) = (ping.login.as_str(), ping.me.as_str());
    match &ping.about {
        PingAbout::Remind { stage, due, over } => remind(handle, me, *stage, due.as_ref(), *over),
        PingAbout::Escalate { stage, pool, holder, candidates } => {
            escalate(handle, me, *stage, pool, holder.as_deref(), candidates)
        }
        PingAbout::Refused { since } => refused(handle, since),
        PingAbout::Ask => asked_by_name(handle),
        PingAbout::AuthorSilent { author, since } => format!(
            "@{handle}: {} has not answered since {}. Can somebody in support take it over? `@{me} handover @person` names them.",
            named(author.as_deref()),
            told(since)
        ),
        PingAbout::AuthorAway { author } => format!(
            "@{handle}: {} is away, and a reviewer's answer waits here. `@{me} handover @person` names somebody in support who carries on; else it waits for them.",
            named(author.as_deref())
        ),
        PingAbout::HandOver { author } => format!(
            "@{handle}: {} asks for somebody in support who carries on here. `@{me} handover @person` names them.",
            named(author.as_deref())
        ),
        PingAbout::NoRoute => format!(
            "@{handle}: no route sends this change to a pool, so nobody is asked to review it. `@{me} pool NAME` sends it to one; a `[[route]]` of the configuration does it for the next."
        ),
        PingAbout::Back { author, due } => back(handle, me, author.as_deref(), due.as_ref()),
    }
}

/// A reminder to whoever holds the ball, without its hidden marker.
fn remind(handle: &str, me: &str, stage: Stage, due: Option<&Moment>, over: bool) -> String {
    let hoped = if over { "was hoped for" } else { "is hoped for" };
    let due = due.map(|due| format!("; it {hoped} by {}", told(due))).unwrap_or_default();
    match stage {
        Stage::WithAuthor => format!(
            "@{handle}: a small nudge, a reviewer's answer waits for you. Need longer? `@{me} snooze 3d`. Too much? `@{me} handover @colleague`."
        ),
        Stage::ReadyToMerge => {
            format!("@{handle}: a small nudge, this only needs merging{due}. Cannot merge? `@{me} reassign`.")
        }
        _ => format!(
            "@{handle}: a small nudge, a colleague in support waits for your answer{due}. No time? `@{} decline` hands it on.",
            me
        ),
    }
}

/// Tells the pool's lead; without the hidden marker.
fn escalate(
    handle: &str,
    me: &str,
    stage: Stage,
    pool: &str,
    holder: Option<&str>,
    candidates: &ChoiceTold,
) -> String {
    let pool = plain(pool);
    match (stage, holder) {
        (Stage::Waiting, _) => format!(
            "@{handle}: nobody of {pool} could be asked to review this yet{}. `@{} reassign @person` asks somebody all the same.",
            why_nobody(candidates).map(|why| format!(" ({why})")).unwrap_or_default(),
            me
        ),
        (Stage::ReadyToMerge, _) => {
            format!("@{handle}: this has waited long to be merged. Can you help?")
        }
        (_, Some(holder)) => format!(
            "@{handle}: there is no answer from {} yet. Could you review it yourself, or name somebody with `@{} reassign @person`?",
            plain(holder),
            me
        ),
        (_, None) => format!(
            "@{handle}: an answer of {pool} is missing here, and nobody is free to give it{}. Could you review it yourself, or name somebody with `@{me} reassign @person`?",
            why_nobody(candidates).map(|why| format!(" ({why})")).unwrap_or_default()
        ),
    }
}

/// Tells whoever looks after Usher; without the hidden marker.
fn refused(handle: &str, since: &Moment) -> String {
    format!(
        "@{handle}: since {} I may not set reviewers and labels here, so nobody is asked. Does my account still have the rights it needs in this project? I go on by myself once it has.",
        told(since)
    )
}

fn named(author: Option<&str>) -> String {
    author.map_or_else(|| "the author".into(), plain)
}

/// Tells a reviewer that the author has answered; without the hidden marker.
fn back(handle: &str, me: &str, author: Option<&str>, due: Option<&Moment>) -> String {
    let author = named(author);
    let by = due.map(|due| format!(" by {}", told(due))).unwrap_or_default();
    format!(
        "@{handle}: {author} has answered what you asked for. Could you look again{by}? No time? `@{me} decline` hands it on."
    )
}

/// Asks a reviewer whom the forge cannot list; without the hidden marker.
fn asked_by_name(handle: &str) -> String {
    format!(
        "@{handle}: could you review this? The forge keeps one reviewer per change only, so I ask you this way."
    )
}
