//! `then` lines: what must be so. What was said, done and pinged is looked for since the last thing that
//! happened, or since the last such line.

use usher_core::model::action::{Action, Announcement};
use usher_words as words;

use super::Story;
use super::language::{Chapter, Line, Told, fit, lines, run};
use super::read::{names, number, time};
use crate::support::company::london;
use crate::support::notices::Got;

pub(super) const CHAPTERS: &[Chapter<()>] = &[
    Chapter { title: "Who reviews", lines: REVIEWERS },
    Chapter { title: "Stage and labels", lines: SEEN },
    Chapter { title: "Comments", lines: SAID },
    Chapter { title: "Who was notified", lines: NOTIFIED },
    Chapter { title: "What Usher did, and why", lines: DONE },
];

const REVIEWERS: &[Line<()>] = lines! {
    "{rita} is asked" => is_asked, "Rita has to review, and nobody else.";
    "{rita and ravi} are asked" => is_asked, "These have to review, and nobody else.";
    "nobody is asked" => |story, []| same(vec![], story.play.asked()), "Nobody has to review.";
    "{rita} is not asked" => is_not_asked, "Rita does not have to review.";
    "the forge lists {rita and ravi}" => forge_lists, "The forge shows these reviewers and no others.";
    "the load of {rita} is {0.5}" => |story, [who, reviews]| same(reviews.to_owned(), load(story, who)),
        "So much she carries now, in reviews: half of one for what is with its author.";
    "the forge lists no reviewers" => |story, []| same(vec![], reviewers(story)),
        "The forge shows no reviewers.";
};

const SEEN: &[Line<()>] = lines! {
    "the stage is {reviewing}" => |story, [stage]| same(stage, story.play.review.done.stage.word()),
        "The change is in this stage; also `draft`, `waiting`, `with_author`, `ready_to_merge`, `done`.";
    "the labels are {bug, support-contribution}" => labels_are, "The change has these labels and no others.";
    "there are no labels" => |story, []| same(vec![], labels(story)), "The change has no labels.";
    "the label {bug} is on" => label_is_on, "The change has this label.";
    "the label {bug} is off" => label_is_off, "The change does not have this label.";
};

const SAID: &[Line<()>] = lines! {
    "there is {1} comment in all" => comments_in_all,
        "People and Usher wrote so many comments since the beginning.";
    "there are {2} comments in all" => comments_in_all, "The same for several.";
    "the status says {rita reviews}" => |story, [text]| contains(story.play.forge.status(), text),
        "The status comment has these words.";
    "the status does not say {rita reviews}" => status_does_not_say,
        "The status comment does not have these words.";
    "there is no status comment" => |story, []| same(None, story.play.forge.status()),
        "Usher wrote no status comment.";
    "the ping says {a small nudge}" => ping_says, "The last ping has these words.";
    "the reply says {does not know}" => reply_says, "The last reply to what just happened has these words.";
    "the reply does not say {does not know}" => reply_does_not_say,
        "No reply to what just happened has these words.";
    "there is {1} reply" => replies_are, "Usher replied so often to what just happened.";
    "there are {2} replies" => replies_are, "The same for several.";
    "there is no reply" => |story, []| same(None, replies(story).pop()),
        "Usher did not reply to what just happened.";
    "the command is acknowledged" => is_acknowledged, "Usher reacts to the command with an emoji.";
    "the merge was announced once, for {jira SUP-7, zendesk 12}" => was_announced,
        "Usher announced the merge for these tickets and no others.";
    "nothing was announced" => |story, []| same(vec![], announced(story)),
        "Usher announced nothing since the beginning.";
};

const NOTIFIED: &[Line<()>] = lines! {
    "{rita} was pinged" => was_pinged, "Usher pinged her, and nobody else, since the last such line.";
    "{rita and ravi} were pinged" => was_pinged,
        "Usher pinged these and nobody else; a name stands twice for two pings.";
    "nobody was pinged" => |story, []| pinged(story, vec![]), "Usher pinged nobody since the last such line.";
    "{rita} got {1 request, 2 comments by name and 0 others}" => got,
        "The forge notified her so often of what Usher wrote, by its own rules.";
    "only {rita and sam} were notified" =>
        |story, [who]| same(names(who), story.play.forge.notices.notified()),
        "The forge notified nobody else of what Usher wrote.";
};

const DONE: &[Line<()>] = lines! {
    "because: {was chosen}" => because, "A reason for what Usher just did has these words.";
    "not because: {was chosen}" => not_because, "No reason for what Usher just did has these words.";
    "Usher did nothing" => |story, []| same(Vec::<&Action>::new(), did(story)),
        "Usher took no action on what just happened.";
    "Usher wrote nothing" => |story, []| {
        let mut wrote = did(story);
        wrote.retain(|action| !action.is_read());
        same(Vec::<&Action>::new(), wrote)
    },
        "Usher did nothing that anybody could see.";
    "Usher is not interested" => is_not_interested, "Usher does not track the change and did nothing.";
    "Usher looks again {Tue 10:00}" => looks_again, "The next deadline is then.";
    "Usher does not look again" => |story, []| same(None, wake(story)), "Nothing has a deadline.";
};

impl Story {
    pub(super) fn then(&mut self, line: &str) -> Told {
        run(CHAPTERS, self, line).unwrap_or_else(|| Err("no such `then` line".into()))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(expected: T, actual: T) -> Told {
    if expected == actual { Ok(()) } else { Err(format!("expected {expected:?}\n  but it is {actual:?}")) }
}

fn holds(fine: bool, otherwise: impl FnOnce() -> String) -> Told {
    if fine { Ok(()) } else { Err(otherwise()) }
}

fn contains(text: Option<&str>, wanted: &str) -> Told {
    let flat = text.unwrap_or("(nothing)").split_whitespace().collect::<Vec<_>>().join(" ");
    holds(flat.contains(wanted), || format!("it says: {flat}"))
}

// ---------------------------------------------------------------------------- who reviews

fn is_asked(story: &mut Story, [who]: [&str; 1]) -> Told {
    same(names(who), story.play.asked())
}

fn is_not_asked(story: &mut Story, [who]: [&str; 1]) -> Told {
    let asked = story.play.asked();
    holds(!asked.contains(&who.to_owned()), || format!("{asked:?} are asked"))
}

fn reviewers(story: &Story) -> Vec<String> {
    let mut list: Vec<_> = story.play.forge.reviewers.iter().map(|account| account.login.clone()).collect();
    list.sort();
    list
}

fn load(story: &Story, who: &str) -> String {
    story.play.workloads().of(who).open.to_string()
}

fn forge_lists(story: &mut Story, [who]: [&str; 1]) -> Told {
    same(names(who), reviewers(story))
}

// ---------------------------------------------------------------------------- stage and labels

fn labels(story: &Story) -> Vec<String> {
    story.play.forge.labels.iter().cloned().collect()
}

fn labels_are(story: &mut Story, [wanted]: [&str; 1]) -> Told {
    same(names(wanted), labels(story))
}

fn label_is_on(story: &mut Story, [label]: [&str; 1]) -> Told {
    holds(story.play.forge.labels.contains(label), || format!("the labels are {:?}", labels(story)))
}

fn label_is_off(story: &mut Story, [label]: [&str; 1]) -> Told {
    holds(!story.play.forge.labels.contains(label), || format!("the labels are {:?}", labels(story)))
}

// ---------------------------------------------------------------------------- comments

fn comments_in_all(story: &mut Story, [count]: [&str; 1]) -> Told {
    same(number(count)? as usize, story.play.forge.comments.len())
}

fn status_does_not_say(story: &mut Story, [text]: [&str; 1]) -> Told {
    let status = story.play.forge.status();
    holds(contains(status, text).is_err(), || format!("it says: {}", status.unwrap_or_default()))
}

fn ping_says(story: &mut Story, [text]: [&str; 1]) -> Told {
    contains(story.play.pings.last().map(|ping| ping.body.as_str()), text)
}

/// What Usher did about the last thing that happened.
fn did(story: &Story) -> Vec<&Action> {
    story.play.ledger[story.ledger_seen..].iter().flat_map(|entry| &entry.actions).collect()
}

/// What was replied to the last thing that happened.
fn replies(story: &Story) -> Vec<String> {
    let replies = did(story).into_iter().filter_map(|action| match action {
        Action::Reply(reply) => Some(words::reply(reply).body().to_owned()),
        _ => None,
    });
    replies.collect()
}

fn reply_says(story: &mut Story, [text]: [&str; 1]) -> Told {
    contains(replies(story).pop().as_deref(), text)
}

fn reply_does_not_say(story: &mut Story, [text]: [&str; 1]) -> Told {
    holds(!replies(story).iter().any(|reply| reply.contains(text)), || format!("a reply says {text}"))
}

fn replies_are(story: &mut Story, [count]: [&str; 1]) -> Told {
    same(number(count)? as usize, replies(story).len())
}

fn is_acknowledged(story: &mut Story, []: [&str; 0]) -> Told {
    let reacted = did(story).iter().any(|action| matches!(action, Action::React { .. }));
    holds(reacted, || "there is no reaction".into())
}

/// What was announced, ticket by ticket.
fn announced(story: &Story) -> Vec<String> {
    let actions = story.play.ledger.iter().flat_map(|entry| &entry.actions);
    let news = actions.filter_map(|action| match action {
        Action::Announce(news) => Some(news),
        _ => None,
    });
    let tickets = news.map(|news: &Announcement| {
        let tickets = news.tickets.iter().map(|ticket| format!("{} {}", ticket.system, ticket.reference));
        tickets.collect::<Vec<_>>().join(", ")
    });
    tickets.collect()
}

fn was_announced(story: &mut Story, [tickets]: [&str; 1]) -> Told {
    same(vec![tickets.to_owned()], announced(story))
}

// ---------------------------------------------------------------------------- who was notified

fn was_pinged(story: &mut Story, [who]: [&str; 1]) -> Told {
    pinged(story, names(who))
}

fn pinged(story: &mut Story, expected: Vec<String>) -> Told {
    let pings = story.play.pings.iter().skip(story.pings_seen).filter(|ping| !ping.withdrawn);
    let mut pinged: Vec<_> = pings.map(|ping| ping.person.clone()).collect();
    pinged.sort();
    story.pings_seen = story.play.pings.len();
    same(expected, pinged)
}

fn got(story: &mut Story, [who, what]: [&str; 2]) -> Told {
    let one = what.replace("requests", "request").replace("comments", "comment").replace("others", "other");
    let [requests, by_name, others] = fit("{1} request, {1} comment by name and {0} other", &one)
        .ok_or_else(|| format!("`{what}`: write `1 request, 2 comments by name and 0 others`"))?;
    let expected = Got { requests: number(requests)?, by_name: number(by_name)?, others: number(others)? };
    same(expected, story.play.forge.notices.of(who))
}

// ---------------------------------------------------------------------------- what was done, and why

fn reasons(story: &Story) -> Vec<String> {
    let recent = &story.play.ledger[story.ledger_seen..];
    recent.iter().flat_map(|entry| &entry.reasons).map(words::sentence).collect()
}

fn because(story: &mut Story, [sentence]: [&str; 1]) -> Told {
    let reasons = reasons(story);
    let said = reasons.iter().any(|reason| reason.contains(sentence));
    holds(said, || format!("the reasons are {reasons:#?}"))
}

fn not_because(story: &mut Story, [sentence]: [&str; 1]) -> Told {
    let reasons = reasons(story);
    let said = reasons.iter().any(|reason| reason.contains(sentence));
    holds(!said, || format!("the reasons are {reasons:#?}"))
}

fn is_not_interested(story: &mut Story, []: [&str; 0]) -> Told {
    let did = did(story);
    holds(!story.play.review.tracked && did.is_empty(), || format!("it did {did:?}"))
}

fn wake(story: &Story) -> Option<String> {
    story.play.review.planned.wake.map(|wake| words::moment(wake, &london()))
}

fn looks_again(story: &mut Story, [when]: [&str; 1]) -> Told {
    let wanted = time(when, story.play.now)?;
    same(Some(words::moment(wanted, &london())), wake(story))
}
