//! Every sentence that Usher says, built by pure functions: warm, short and plain.
//!
//! Names are written with `@` only when they come from the roster or a pool, and at most where
//! somebody is really asked for something. Text that users wrote is never live: it goes into code
//! spans, where neither forge looks for mentions, references or commands.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::action::{STATUS_MARKER, ping_marker};
use super::change::ChangeState;
use super::fact::Refusal;
use super::obey::{Allowed, COMMANDS};
use super::policy::Policy;
use super::reason::{Candidate, PingHeld, Reason, Standing};
use super::review::{Assignment, Hold, Origin, Review, Stage};

/// Longest piece of a user's text that is repeated.
const QUOTE_CHARS_MAX: usize = 120;

/// What the status comment is made of.
pub struct Status<'a> {
    pub review: &'a Review,
    pub policy: &'a Policy,
    pub reviewers: Vec<StatusReviewer<'a>>,
    /// The author is on the roster and may be named.
    pub author_known: bool,
    pub author_due: Option<Timestamp>,
    pub author_zone: TimeZone,
    pub merge_due: Option<Timestamp>,
}

/// One active reviewer in the status comment.
pub struct StatusReviewer<'a> {
    pub assignment: &'a Assignment,
    pub approved: bool,
    pub asks: bool,
    /// When their time box runs out, while it runs.
    pub due: Option<Timestamp>,
    pub zone: TimeZone,
}

/// The one status comment.
pub fn status(status: &Status<'_>) -> String {
    let review = status.review;
    let mut text = format!("{STATUS_MARKER}\n**Support contribution: {}**\n\n", stage_phrase(review));
    let lines = match (review.stage, review.hold) {
        (_, Some(Hold::Snooze { until })) => {
            let until = moment(until, &status.author_zone);
            vec![format!("Snoozed until {until}. Nobody is reminded until then.")]
        }
        (Stage::Done, _) => done_lines(status),
        (Stage::Draft, _) => vec!["The clock stands still until this is marked ready again.".into()],
        (Stage::Waiting, _) => waiting_lines(status),
        (Stage::Reviewing, _) => reviewing_lines(status),
        (Stage::WithAuthor, _) => with_author_lines(status),
        (Stage::ReadyToMerge, _) => merge_lines(status),
    };
    text.push_str(&lines.join("\n\n"));
    text.push_str(&folded_choice(review));
    if review.stage != Stage::Done {
        text.push_str("\n\n<sub>`@usher help` lists what I understand.</sub>");
    }
    text
}

fn stage_phrase(review: &Review) -> &'static str {
    match (review.stage, review.state) {
        (Stage::Draft, _) => "back in draft",
        (Stage::Waiting, _) => "waiting for a reviewer",
        (Stage::Reviewing, _) => "in review",
        (Stage::WithAuthor, _) => "back with the author",
        (Stage::ReadyToMerge, _) => "ready to merge",
        (Stage::Done, ChangeState::Merged) => "merged",
        (Stage::Done, _) => "closed",
    }
}

fn author(status: &Status<'_>) -> String {
    let login = &status.review.author.login;
    if status.author_known { format!("@{login}") } else { quote(login) }
}

/// The author by name, without calling them.
fn author_name(review: &Review) -> String {
    review.author_name.clone().map_or_else(|| quote(&review.author.login), |name| plain(&name))
}

fn reviewing_lines(status: &Status<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for reviewer in &status.reviewers {
        let login = &reviewer.assignment.account.login;
        let pool = plain(&reviewer.assignment.pool);
        lines.push(match (reviewer.approved, reviewer.due) {
            (true, _) => format!("{} ({pool}) has approved.", plain(login)),
            (false, Some(due)) => format!(
                "{} `@usher decline` is fine too.",
                asked_line(reviewer, &pool, &author_name(status.review), &moment(due, &reviewer.zone))
            ),
            (false, None) => format!("{} ({pool}) has been asked, too.", plain(login)),
        });
    }
    for part in &status.review.pools {
        if status.review.active_in(&part.pool).next().is_none() {
            lines.push(format!(
                "Nobody of {} can be asked right now: {}.",
                plain(&part.pool),
                obstacles(&part.candidates)
            ));
        }
    }
    lines.push(format!("{}: nothing to do for you now; the answer comes here.", author(status)));
    lines
}

/// What is asked of a reviewer whose turn it is.
fn asked_line(reviewer: &StatusReviewer<'_>, pool: &str, author: &str, due: &str) -> String {
    let assignment = reviewer.assignment;
    let login = &assignment.account.login;
    if assignment.reviewing_box.ran_out {
        return format!("@{login} ({pool}): an answer was hoped for by **{due}** and is still very welcome.");
    }
    if assignment.accepted {
        return format!("{} ({pool}) is on it. An answer is hoped for by **{due}**.", plain(login));
    }
    let from = match assignment.origin {
        Origin::Widened => "you are asked as well, to help out the first reviewer.".to_owned(),
        _ => format!("this comes from {author}, a colleague in support who fixes what customers report."),
    };
    format!("@{login} ({pool}): {from} Please answer by **{due}**.")
}

fn with_author_lines(status: &Status<'_>) -> Vec<String> {
    let asking: Vec<String> =
        status.reviewers.iter().filter(|r| r.asks).map(|r| plain(&r.assignment.account.login)).collect();
    let what = match asking.as_slice() {
        [] => "this was handed back to you.".to_owned(),
        asking => format!("{} left you an answer.", asking.join(" and ")),
    };
    let by = status
        .author_due
        .map(|due| format!(" Until **{}** would be good.", moment(due, &status.author_zone)));
    vec![format!(
        "{}: {what} Push a change or reply, and I pass the ball back.{}",
        author(status),
        by.unwrap_or_default()
    )]
}

fn merge_lines(status: &Status<'_>) -> Vec<String> {
    let merger = status.review.merger();
    let zone = merger
        .and_then(|m| status.reviewers.iter().find(|r| r.assignment.person == m.person))
        .map(|r| &r.zone);
    let by = match (status.merge_due, zone) {
        (Some(due), Some(zone)) => format!(" by **{}**", moment(due, zone)),
        _ => String::new(),
    };
    // A person may have set the stage before anybody approved.
    let what = match merger.is_some_and(|merger| status.review.has_approved(merger)) {
        true => "everything is approved.",
        false => "a person marked this as ready to merge.",
    };
    match merger {
        Some(merger) => vec![
            format!("@{}: {what} Please merge it{by}, or say what is missing.", merger.account.login),
            format!("{}: nothing to do for you now.", author(status)),
        ],
        None => vec!["This is ready; it only needs merging.".into()],
    }
}

fn waiting_lines(status: &Status<'_>) -> Vec<String> {
    let review = status.review;
    let mut lines = Vec::new();
    if matches!(review.stage_set, Some((Stage::Waiting, _))) && !status.reviewers.is_empty() {
        return vec!["A person set it to wait. Nobody is reminded until somebody acts.".into()];
    }
    if review.pools.is_empty() {
        lines.push("No route of the configuration claims this change, so I know nobody to ask. `@usher pool NAME` sends it to a pool.".into());
    }
    for part in &review.pools {
        lines.push(match part.not_before {
            Some(_) => format!(
                "A reviewer was taken off; somebody else of {} is asked in a few minutes.",
                plain(&part.pool)
            ),
            None => format!(
                "Nobody of {} can be asked right now: {}.",
                plain(&part.pool),
                obstacles(&part.candidates)
            ),
        });
        let lead = status.policy.pool(&part.pool).and_then(|pool| pool.lead.as_deref());
        if part.escalated && lead.is_none() {
            lines.push(format!("{} has no lead whom I could tell.", plain(&part.pool)));
        }
    }
    lines.push(format!("{}: nothing to do for you now; I keep trying.", author(status)));
    lines
}

fn done_lines(status: &Status<'_>) -> Vec<String> {
    let review = status.review;
    match (review.state, review.opened_at, review.done_at) {
        (ChangeState::Merged, Some(opened), Some(done)) => {
            let took = elapsed(opened, done);
            vec![format!(
                "Merged {took} after it was opened. Thank you, {}: one customer less is waiting.",
                author_name(review)
            )]
        }
        (ChangeState::Merged, _, _) => vec![format!("Merged. Thank you, {}.", author_name(review))],
        _ => vec![format!("Closed without a merge. Thank you for the work, {}.", author_name(review))],
    }
}

/// Folded: how each reviewer was chosen, so that nobody wonders "why me".
fn folded_choice(review: &Review) -> String {
    let shown: Vec<_> = review.pools.iter().filter(|part| !part.candidates.is_empty()).collect();
    // While it waits, the comment says it all already.
    if shown.is_empty() || matches!(review.stage, Stage::Done | Stage::Waiting) {
        return String::new();
    }
    let mut text = String::from("\n\n<details><summary>Why this choice?</summary>\n");
    for part in shown {
        let _ = write!(text, "\n**{}**\n\n", plain(&part.pool));
        for candidate in &part.candidates {
            let _ = writeln!(text, "- {}: {}", plain(&candidate.person), standing(&candidate.standing));
        }
    }
    text.push_str("\n</details>");
    text
}

/// Why nobody could be asked, in half a sentence.
fn obstacles(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "the pool has no members on this forge".into();
    }
    let each = candidates.iter().map(|c| format!("{} {}", plain(&c.person), standing(&c.standing)));
    each.collect::<Vec<_>>().join("; ")
}

/// The verdict on one candidate as a phrase.
pub fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Chosen { open, capacity, .. } => format!("chosen ({open} of {capacity} open reviews)"),
        Standing::Free { open, capacity, .. } => {
            format!("could have been asked ({open} of {capacity} open reviews)")
        }
        Standing::Author => "is the author".into(),
        Standing::Away { until } => format!("is away until {}", day(*until)),
        Standing::LeaveSoon { from } => format!("goes on leave on {}", day(*from)),
        Standing::AtCapacity { open, capacity } => format!("has {open} open reviews of at most {capacity}"),
        Standing::Declined => "declined".into(),
        Standing::HadTurn => "had their turn".into(),
        Standing::AlreadyAsked => "is asked already".into(),
        Standing::NoAccess => "cannot be a reviewer there".into(),
        Standing::UnknownOnForge => "is not known on this forge".into(),
        Standing::NeverWorks => "has no working time in sight".into(),
    }
}

/// What a reminder is about.
pub struct Reminder {
    pub stage: Stage,
    pub due: Option<Timestamp>,
    /// The time is over already.
    pub over: bool,
    pub zone: TimeZone,
}

/// A reminder to whoever holds the ball.
pub fn remind(key: &str, handle: &str, about: &Reminder) -> String {
    let hoped = if about.over { "was hoped for" } else { "is hoped for" };
    let due =
        about.due.map(|due| format!("; it {hoped} by {}", moment(due, &about.zone))).unwrap_or_default();
    let text = match about.stage {
        Stage::WithAuthor => format!(
            "@{handle}: a small nudge, the reviewer's answer is waiting for you. If it got too much, say so; that is fine."
        ),
        Stage::ReadyToMerge => {
            format!("@{handle}: a small nudge, this is approved and only needs merging{due}.")
        }
        _ => format!(
            "@{handle}: a small nudge, a colleague in support waits for your answer{due}. No time? `@usher decline` hands it on."
        ),
    };
    format!("{}\n{text}", ping_marker(key))
}

/// What an escalation is about.
pub struct Escalation {
    pub stage: Stage,
    pub pool: String,
    pub holder: Option<String>,
    pub candidates: Vec<Candidate>,
}

/// Tells the pool's lead.
pub fn escalate(key: &str, handle: &str, about: &Escalation) -> String {
    let pool = plain(&about.pool);
    let text = match (about.stage, &about.holder) {
        (Stage::Waiting, _) => format!(
            "@{handle}: nobody of {pool} could be asked to review this yet ({}). `@usher reassign @person` asks somebody all the same.",
            obstacles(&about.candidates)
        ),
        (Stage::ReadyToMerge, _) => {
            format!("@{handle}: this is approved and has waited long to be merged. Can you help?")
        }
        (_, Some(holder)) => format!(
            "@{handle}: this has waited long for an answer from {}. Can you help, or name somebody with `@usher reassign @person`?",
            plain(holder)
        ),
        (_, None) => format!("@{handle}: this is stuck. Can you help?"),
    };
    format!("{}\n{text}", ping_marker(key))
}

/// Asks a reviewer whom the forge cannot list.
pub fn asked_by_name(key: &str, handle: &str) -> String {
    format!(
        "{}\n@{handle}: could you review this? The forge keeps one reviewer per change only, so I ask you this way.",
        ping_marker(key)
    )
}

/// A key for a ping's hidden marker: nothing in it can end the HTML comment.
pub fn key(parts: &[&str]) -> String {
    let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '_' };
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.chars().map(tame).collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

/// The frame of a reply.
pub fn reply(key: &str, text: &str) -> String {
    format!("{}\n{text}", ping_marker(key))
}

/// The answer to `help`, from the table of commands.
pub fn help() -> String {
    let mut text = String::from("Start a line with:\n");
    for rule in &COMMANDS {
        let _ = write!(text, "\n- `@usher {}`: {} ({})", rule.usage, rule.meaning, allowed(rule.allowed));
    }
    text
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::Roster => "everybody on the roster",
        Allowed::Reviewers => "the reviewers who are asked",
        Allowed::Involved => "author, reviewers, members and leads of the pool",
    }
}

/// The answer to `why`: every candidate of the last choice with the verdict.
pub fn why(review: &Review) -> String {
    let mut text = String::new();
    for part in &review.pools {
        let _ = write!(text, "**{}**\n\n", plain(&part.pool));
        if part.candidates.is_empty() {
            let adopted: Vec<_> = review.active_in(&part.pool).map(|a| plain(&a.person)).collect();
            let _ = writeln!(text, "- no choice was made; {} came by a person's hand", adopted.join(" and "));
        }
        for candidate in &part.candidates {
            let _ = writeln!(text, "- {}: {}", plain(&candidate.person), standing(&candidate.standing));
        }
        text.push('\n');
    }
    if text.is_empty() {
        "No pool claims this change yet, so no choice was made.".into()
    } else {
        text.trim_end().into()
    }
}

pub fn not_allowed(command: &str, who: Allowed) -> String {
    format!("Sorry, `{}` is for {}.", plain(command), allowed(who))
}

pub fn not_understood(text: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!(
            "Sorry, I do not know {}. Did you mean `{nearest}`? `@usher help` lists what I understand.",
            quote(text)
        ),
        None => format!("Sorry, I do not know {}. `@usher help` lists what I understand.", quote(text)),
    }
}

pub fn snooze_too_long() -> String {
    "Sorry, that is further ahead than the calendar goes.".into()
}

pub fn no_pool_yet() -> String {
    "Sorry, no pool claims this change yet. `@usher pool NAME` sends it to one.".into()
}

pub fn nobody_else(candidates: &[Candidate]) -> String {
    format!("Sorry, there is nobody else to ask: {}.", obstacles(candidates))
}

pub fn unknown_person(handle: &str) -> String {
    format!("Sorry, I do not know {} on this forge.", quote(handle))
}

pub fn not_in_pool(person: &str, pool: &str) -> String {
    format!("Sorry, {} is not in the pool {}.", plain(person), plain(pool))
}

pub fn cannot_be_asked(person: &str, why: &Standing) -> String {
    format!("Sorry, {} cannot be asked: {}.", plain(person), standing(why))
}

pub fn unknown_pool(name: &str, policy: &Policy) -> String {
    let pools: Vec<_> = policy.pools.iter().map(|pool| plain(&pool.name)).collect();
    format!("Sorry, there is no pool {}. There are: {}.", quote(name), pools.join(", "))
}

/// A moment in somebody's own terms: `Tue 24 Nov, 17:30 (Europe/London)`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("local time");
    format!("{} ({name})", local.strftime("%a %-d %b, %H:%M"))
}

/// A date in a sentence: `Tue 24 Nov`.
fn day(date: jiff::civil::Date) -> String {
    date.strftime("%a %-d %b").to_string()
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

/// A user's text in a code span: nothing in it is live.
pub fn quote(text: &str) -> String {
    let mut tame: String = text
        .chars()
        .map(|c| if c == '`' || c.is_control() { '\'' } else { c })
        .take(QUOTE_CHARS_MAX)
        .collect();
    if text.chars().count() > QUOTE_CHARS_MAX {
        tame.push('…');
    }
    let tame = tame.trim();
    if tame.is_empty() { "`(nothing)`".into() } else { format!("`{tame}`") }
}

/// A configured name as plain text: Markdown and mentions in it are disarmed.
fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !c.is_control()) {
        if matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#' | '!' | '~' | '|') {
            text.push('\\');
        }
        if c != '@' {
            text.push(c);
        }
    }
    text
}

/// A reason as one English sentence, the same on every surface.
pub fn sentence(reason: &Reason) -> String {
    match reason {
        Reason::NotSupport { author } => {
            format!("{} is no support engineer, so this is none of Usher's business.", or_somebody(author))
        }
        Reason::NotWatched => "The project is not among the watched ones.".into(),
        Reason::OlderSnapshot => {
            "This news is older than what is known already, so it changed nothing.".into()
        }
        Reason::Tracked { author } => format!("A support contribution by {author} came into view."),
        Reason::IsDraft => "It is a draft and is left in peace.".into(),
        Reason::Ready => "It is ready for review; the clock starts.".into(),
        Reason::ReadingFiles => "A route has paths, so the changed files are read first.".into(),
        Reason::Routed { pools } => format!("It belongs to {}.", pools.join(" and ")),
        Reason::NoRoute => "No route claims it, so nobody can be asked.".into(),
        Reason::Picked { pool, person, origin, candidates } => picked(pool, person, *origin, candidates),
        Reason::NobodyFree { pool, candidates } => {
            format!("Nobody of {pool} can be asked: {}.", obstacles(candidates))
        }
        Reason::Adopted { pool, person } => format!("{person} of {pool} was chosen by a person, and stays."),
        Reason::Declined { person, note: Some(note) } => format!("{person} declined: {}.", quote(note)),
        Reason::Declined { person, note: None } => format!("{person} declined."),
        Reason::Accepted { person } => format!("{person} is on it; the clock starts anew."),
        Reason::Reassigned { from: Some(from), by } => format!("{by} asked for somebody else than {from}."),
        Reason::Reassigned { from: None, by } => format!("{by} asked for another reviewer."),
        Reason::Refused { person, refusal } => refused(person, *refusal),
        Reason::ReviewerAway { person, until } => {
            format!("{person} is away until {}, so somebody else is asked as well.", day(*until))
        }
        Reason::Approved { person } => format!("{person} approved."),
        Reason::ApprovalWithdrawn { person } => format!("{person}'s verdict no longer stands."),
        Reason::ChangesRequested { person } => format!("{person} asked for changes."),
        Reason::ReviewerCommented { person } => format!("{person} commented."),
        Reason::AuthorActed => "The author answered.".into(),
        Reason::StageMoved { from, to } => {
            format!("It moved from {} to {}.", stage_name(*from), stage_name(*to))
        }
        Reason::StageSet { stage } => format!("A person set it to {} by label.", stage_name(*stage)),
        Reason::LabelTakenOff { label } => {
            format!("A person took the label {} off; it stays off.", quote(label))
        }
        Reason::ReviewerTakenOff { person } => format!("A person took {person} off; they stay off."),
        Reason::BoxRanOut { stage, holder } => {
            format!("The time box of {holder} ran out ({}).", stage_name(*stage))
        }
        Reason::Reminded { person } => format!("{person} was reminded."),
        Reason::Widened { pool, person } => {
            format!("{person} of {pool} is asked as well; the first reviewer stays.")
        }
        Reason::NobodyToWiden { pool, candidates } => {
            format!("A second reviewer of {pool} was due, but nobody is left: {}.", obstacles(candidates))
        }
        Reason::Escalated { pool, lead } => format!("{lead}, who leads {pool}, was told."),
        Reason::NoLead { pool } => {
            format!("The lead of {pool} should be told, but there is none on this forge.")
        }
        Reason::PingHeld { person, why } => ping_held(person, *why),
        Reason::Skipped { by: Some(by) } => format!("{by} asked Usher to leave it alone."),
        Reason::Skipped { by: None } => "It has the skip label and is left alone.".into(),
        Reason::Resumed { by: Some(by) } => format!("{by} asked Usher to go on."),
        Reason::Resumed { by: None } => "Usher goes on with it.".into(),
        Reason::Snoozed { by, until } => {
            format!("{by} snoozed it until {}.", moment(*until, &TimeZone::UTC))
        }
        Reason::HeldForFirstRun => {
            "It was open before Usher came and waits for its turn in the first roll-out.".into()
        }
        Reason::PoolChosen { pool, by } => format!("{by} sent it to {pool}."),
        Reason::Answered { by, command } => format!("{by} asked for {}.", quote(command)),
        Reason::CommandRefused { by, command } => {
            format!("{by} asked for {}, which was refused.", quote(command))
        }
        Reason::OnlyABot { login } => {
            format!("Only the bot {} did this; the court does not move.", quote(login))
        }
        Reason::Ended { state: ChangeState::Merged } => "It was merged.".into(),
        Reason::Ended { .. } => "It was closed.".into(),
        Reason::Reopened => "It was opened again.".into(),
        Reason::BroughtUpToDate => {
            "A calendar or a rule has changed, so what is shown is brought up to date.".into()
        }
        Reason::Reshaped => "Labels or reviewers were not as they should be and are set again.".into(),
    }
}

fn or_somebody(login: &str) -> String {
    if login.is_empty() { "The author".into() } else { quote(login) }
}

fn picked(pool: &str, person: &str, origin: Origin, candidates: &[Candidate]) -> String {
    let others = candidates.len().saturating_sub(1);
    let word = if origin == Origin::Widened { "chosen as a second reviewer" } else { "chosen" };
    match others {
        0 => format!("{person} of {pool} was {word}, the only one there is."),
        1 => format!("{person} of {pool} was {word}; one other was considered."),
        n => format!("{person} of {pool} was {word}; {n} others were considered."),
    }
}

fn refused(person: &str, refusal: Refusal) -> String {
    match refusal {
        Refusal::NotAllowed => format!("The forge does not allow {person} as a reviewer."),
        Refusal::Dropped => {
            format!("The forge left {person} out silently; they probably cannot read the project.")
        }
        Refusal::OneReviewerOnly => {
            format!("The forge keeps one reviewer only, so {person} is asked by name instead.")
        }
    }
}

fn ping_held(person: &str, why: PingHeld) -> String {
    let until = |until: Option<Timestamp>| match until {
        Some(at) => format!(" It goes out on {}.", moment(at, &TimeZone::UTC)),
        None => String::new(),
    };
    match why {
        PingHeld::NotWorking { until: at } => {
            format!("A ping for {person} is kept until they work again.{}", until(at))
        }
        PingHeld::DayLimit { until: at } => format!("{person} had enough pings for today.{}", until(at)),
        PingHeld::ChangeLimit => format!("The change had its pings, so {person} is not pinged."),
        PingHeld::Overtaken => format!("{person} is not reminded, because a later step is due as well."),
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
