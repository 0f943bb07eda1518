//! The one status comment of a change.

use std::fmt::Write;

use usher_core::model::change::ChangeState;
use usher_core::model::message::{LackingView, MergerView, OtherVerdict, PoolView, ReviewerView, StatusView};
use usher_core::model::stage::Stage;

use super::boxes::box_note;
use super::choices;
use super::next::next_line;
use super::scope;
use super::text::{date_of, elapsed, plain, quote, told};

/// Room for most status comments.
const STATUS_BYTES_USUAL: usize = 1024;

/// The one status comment, without its hidden marker.
pub(super) fn status(status: &StatusView) -> String {
    let mut text = String::with_capacity(STATUS_BYTES_USUAL);
    let _ = write!(text, "**Support contribution: {}**", headline(status));
    for line in lead_lines(status) {
        let _ = write!(text, "\n\n{line}");
    }
    text.push_str(&folded_choice(status));
    if status.stage != Stage::Done {
        let _ = write!(text, "\n\n<sub>`@{} help` lists what I understand.</sub>", status.me);
    }
    text
}

/// Who has the ball, until when, and what happens next.
pub(super) fn lead_lines(status: &StatusView) -> Vec<String> {
    if let Some(line) = held_line(status) {
        return vec![line];
    }
    if let (Some(since), true) = (&status.refused_since.0, status.stage != Stage::Done) {
        let since = told(since);
        return vec![format!(
            "Since {since} the forge does not let me set reviewers and labels here, so nobody is asked and no clock runs. I try again by myself."
        )];
    }
    let mut lines = match status.stage {
        Stage::Done => done_lines(status),
        Stage::Draft => vec!["The clock stands still until this is marked ready again.".into()],
        Stage::Waiting => waiting_lines(status),
        Stage::Reviewing => reviewing_lines(status),
        Stage::WithAuthor => with_author_lines(status),
        Stage::ReadyToMerge => merge_lines(status),
    };
    lines.extend(others_line(status));
    lines.extend(next_line(status.stage, &status.next));
    lines.extend(scope::lines(status));
    lines
}

/// What people said whom nobody asked.
fn others_line(status: &StatusView) -> Option<String> {
    let said = |other: &OtherVerdict| match other.approves {
        true => format!("{} approved", plain(&other.person)),
        false => format!("{} asked for changes", plain(&other.person)),
    };
    let said: Vec<String> = status.others.0.iter().map(said).collect();
    (!said.is_empty()).then(|| format!("Not of the pool: {}.", said.join(", ")))
}

/// That the change is snoozed or left alone: by whom, since when or until when, and how that ends.
fn held_line(status: &StatusView) -> Option<String> {
    let hold = status.hold.0.as_ref();
    let by = hold.and_then(|hold| hold.by.as_deref()).map(plain);
    let me = &status.me;
    if let Some(until) = &status.snoozed_until {
        let often = match hold.map_or(0, |hold| hold.snoozes) {
            0 | 1 => String::new(),
            2 => " This is the second time.".to_owned(),
            times => format!(" It has been paused {times} times."),
        };
        let until = told(until);
        let by = by.as_deref().unwrap_or("Somebody");
        return Some(format!("{by} paused this until {until}; `@{me} resume` ends it.{often}"));
    }
    let hold = hold.filter(|hold| hold.skipped)?;
    let since = hold.since.as_ref().map(|since| format!(", {}", date_of(since))).unwrap_or_default();
    let by = by.as_deref().unwrap_or("somebody");
    Some(format!("Usher leaves this alone ({by}{since}); `@{me} resume` ends it."))
}

pub(super) fn headline(status: &StatusView) -> &'static str {
    match &status.hold.0 {
        Some(hold) if hold.skipped => return "left alone",
        Some(_) => return "paused",
        None => {}
    }
    match (status.stage, status.state) {
        (Stage::Draft, _) => "back in draft",
        (Stage::Waiting, _) => "waiting for a reviewer",
        (Stage::Reviewing, _) => "in review",
        (Stage::WithAuthor, _) => "back with the author",
        (Stage::ReadyToMerge, _) => "ready to merge",
        (Stage::Done, ChangeState::Merged) => "merged",
        (Stage::Done, _) => "closed",
    }
}

/// The author as they are spoken to.
pub(super) fn author(status: &StatusView) -> String {
    let login = &status.author.login;
    if status.author.name.is_some() { format!("@{login}") } else { quote(login) }
}

/// The author by name, without calling them.
pub(super) fn author_name(status: &StatusView) -> String {
    let author = &status.author;
    author.name.as_deref().map_or_else(|| quote(&author.login), plain)
}

fn reviewing_lines(status: &StatusView) -> Vec<String> {
    let mut lines = Vec::new();
    for reviewer in &status.reviewers {
        let login = &reviewer.login;
        let pool = plain(&reviewer.pool);
        lines.push(match (reviewer.approved, &reviewer.due) {
            (true, _) => format!("{} ({pool}) has approved.", plain(login)),
            (false, Some(due)) => format!(
                "{} No time: `@{} decline`, no reason needed.",
                asked_line(status, reviewer, &pool, &told(due)),
                status.me
            ),
            (false, None) => format!("{} ({pool}) has been asked, too.", plain(login)),
        });
    }
    lines.extend(status.pools.iter().filter(|part| !part.staffed).map(nobody_line));
    let lacking = status.pools.iter().filter_map(|part| Some((part, part.lacks.0.as_ref()?)));
    lines.extend(lacking.map(|(part, lacking)| lacking_line(part, lacking, &status.me)));
    let awaited = status.reviewers.iter().filter(|one| !one.approved && one.due.is_some());
    let awaited: Vec<String> = awaited.map(|one| plain(&one.login)).collect();
    lines.push(match awaited.as_slice() {
        [] => format!("{}: you need do nothing now.", author(status)),
        who => format!("{}: you need do nothing until {} answers.", author(status), who.join(" or ")),
    });
    lines
}

/// What is asked of a reviewer whose turn it is.
fn asked_line(status: &StatusView, reviewer: &ReviewerView, pool: &str, due: &str) -> String {
    let (login, author) = (&reviewer.login, author_name(status));
    if reviewer.late {
        return format!(
            "@{login}: an answer for *{pool}* was hoped for by **{due}**; it is welcome at any time."
        );
    }
    if reviewer.accepted {
        return format!("{} (*{pool}*) is on it. An answer is hoped for by **{due}**.", plain(login));
    }
    if reviewer.answered {
        let open = match reviewer.threads.0 {
            0 => String::new(),
            1 => " One of your threads is open.".into(),
            open => format!(" {open} of your threads are open."),
        };
        return format!("@{login}: {author} has answered you. Could you look again by **{due}**?{open}");
    }
    if reviewer.second {
        let firsts = status.reviewers.iter().filter(|one| one.pool == reviewer.pool && !one.second);
        let firsts: Vec<String> = firsts.map(|one| plain(&one.login)).collect();
        let why = match firsts.as_slice() {
            [] => String::new(),
            firsts => format!("{} has not got to this yet. ", firsts.join(" and ")),
        };
        return format!("@{login}: {why}Could you review it for *{pool}* by **{due}**?");
    }
    format!(
        "@{login}, could you review this for *{pool}* by **{due}**? {author} from support fixed something a customer reported. Review it like any colleague's change; it needs no ticket or planning."
    )
}

fn with_author_lines(status: &StatusView) -> Vec<String> {
    let asking = || status.reviewers.iter().filter(|reviewer| reviewer.asks);
    let who: Vec<String> = asking().map(|reviewer| plain(&reviewer.login)).collect();
    let (what, how) = match who.as_slice() {
        [] => ("this was handed back to you.".to_owned(), "Push a change or reply.".to_owned()),
        who if asking().any(|reviewer| reviewer.formally.0) => (
            format!("{} asked for changes.", who.join(" and ")),
            match asking().map(|reviewer| reviewer.threads.0).sum::<u32>() {
                0 => {
                    format!("Push, ask for a review again or write `@{} ready` when it is ready.", status.me)
                }
                open => format!(
                    "Push, resolve the {}, ask for a review again or write `@{} ready` when it is ready.",
                    threads(open),
                    status.me
                ),
            },
        ),
        who => (format!("{} left you an answer.", who.join(" and ")), "Push a change or reply.".to_owned()),
    };
    let by = status.author.due.as_ref().map(|due| {
        let due = told(due);
        if status.author.late {
            format!(" It was hoped for by **{due}**.")
        } else {
            format!(" Until **{due}** would be good.")
        }
    });
    let (author, by, me) = (author(status), by.unwrap_or_default(), &status.me);
    vec![format!("{author}: {what} {how}{by} Too much? `@{me} handover @colleague`.")]
}

fn threads(open: u32) -> String {
    if open == 1 { "open thread".into() } else { format!("{open} open threads") }
}

fn merge_lines(status: &StatusView) -> Vec<String> {
    let Some(MergerView { login, approved, by_others, due, late }) = &status.merger else {
        return vec!["This is ready; it only needs merging.".into()];
    };
    let by = match due {
        Some(due) if *late => format!(" (it was hoped for by **{}**)", told(due)),
        Some(due) => format!(" by **{}**", told(due)),
        None => String::new(),
    };
    // A person may have set the stage before anybody approved.
    let what = match approved {
        true if by_others.0 => "this is approved.",
        true => "approved, thank you.",
        false => "a person marked this as ready to merge.",
    };
    let pushed = if status.pushed_since.0 {
        format!(" {} has pushed since it was approved.", author_name(status))
    } else {
        String::new()
    };
    let cannot = if *approved { format!(" Cannot merge? `@{} reassign`.", status.me) } else { String::new() };
    vec![
        format!("@{login}: {what}{pushed} Please merge it{by}.{cannot} Not ready? Ask for changes."),
        format!("{}: you need do nothing now.", author(status)),
    ]
}

fn waiting_lines(status: &StatusView) -> Vec<String> {
    let mut lines = Vec::new();
    if status.set_to_wait {
        return vec!["A person set it to wait; it goes on when somebody acts.".into()];
    }
    if status.pools.is_empty() {
        return vec![
            "No route of the configuration claims this change, so I know nobody to ask.".into(),
            format!("{}: if you know the pool, `@{} pool NAME` sends it there.", author(status), status.me),
        ];
    }
    for part in &status.pools {
        lines.push(nobody_line(part));
        if part.leadless {
            lines.push(format!("{} has no lead whom I could tell.", plain(&part.pool)));
        }
    }
    lines.push(format!(
        "{}: you need do nothing; somebody is asked as soon as there is room.",
        author(status)
    ));
    lines
}

/// What a pool lacks although people are asked: nobody of these can give it.
fn lacking_line(part: &PoolView, lacking: &LackingView, me: &str) -> String {
    let pool = plain(&part.pool);
    let mut parts = Vec::new();
    if !lacking.against.is_empty() {
        let who: Vec<String> = lacking.against.iter().map(|person| plain(person)).collect();
        parts.push(format!(
            "A request for changes by {} stands until it is approved or withdrawn; a lead may write `@{me} overrule @person`.",
            who.join(" and ")
        ));
    }
    match lacking.approvals {
        0 => {}
        1 => parts.push(format!("One more approval is needed, and nobody of {pool} is free to give it.")),
        more => parts
            .push(format!("{more} more approvals are needed, and nobody of {pool} is free to give them.")),
    }
    parts.join(" ")
}

/// Why nobody of a pool is asked at the moment.
fn nobody_line(part: &PoolView) -> String {
    let pool = plain(&part.pool);
    if part.on_hold {
        return format!("A reviewer was taken off; somebody else of {pool} is asked in a few minutes.");
    }
    let why = choices::why_nobody(&part.candidates).map(|why| format!(": {why}")).unwrap_or_default();
    let place = scope::place(part.ahead);
    format!("Nobody of {pool} can be asked right now{why}.{place}")
}

fn done_lines(status: &StatusView) -> Vec<String> {
    let author = author_name(status);
    let approvers: Vec<String> =
        status.reviewers.iter().filter(|one| one.approved).map(|one| plain(&one.login)).collect();
    let thanks = match approvers.as_slice() {
        [] => format!("Thank you, {author}."),
        who => format!("Thank you, {author}; and thank you, {}, for the review.", who.join(" and ")),
    };
    vec![match (status.state, status.opened_at, status.done_at) {
        (ChangeState::Merged, Some(opened), Some(done)) => {
            format!("Merged {} after it was opened. {thanks}", elapsed(opened, done))
        }
        (ChangeState::Merged, _, _) => format!("Merged. {thanks}"),
        _ => format!("Closed without a merge. Thank you for the work, {author}."),
    }]
}

/// Folded: how each reviewer was chosen, so that nobody wonders "why me".
pub(super) fn folded_choice(status: &StatusView) -> String {
    let shown: Vec<_> = (status.pools.iter().map(|part| (part, choices::list(&part.candidates))))
        .filter(|(_, list)| !list.is_empty())
        .collect();
    if status.hold.0.is_some() {
        return String::new();
    }
    // While it waits, the comment says it all already.
    if (shown.is_empty() && status.boxes.is_empty()) || matches!(status.stage, Stage::Done | Stage::Waiting) {
        return String::new();
    }
    let mut text = String::from("\n\n<details><summary>Why this choice?</summary>\n");
    for (part, list) in shown {
        let _ = write!(text, "\n**{}**\n\n{list}", plain(&part.pool));
    }
    for note in &status.boxes {
        let _ = writeln!(text, "\n{}", box_note(note));
    }
    text.push_str("\n</details>");
    text
}
