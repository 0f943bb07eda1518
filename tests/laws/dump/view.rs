//! What a decision says, as lines of text: the only file of the dump that reads the product's answers.
//!
//! It is rewritten whenever those types are arranged anew; the lines stay what they are. So it shows
//! what the world gets to see (who has the turn and until when, what is wanted of the forge, what is
//! said and why), and nothing of how the review remembers it:
//! - Accounts are named by login where a forge reads them, else by id.
//! - Comments are shown as rendered texts, markers included.
//! - Of the status comment the text counts, not how often it is written. What follows from writing it
//!   (a broken template, "brought up to date" as the only reason) goes with it, under [`Part::Status`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use usher_core::decide::suppressed::held;
use usher_core::loads;
use usher_core::model::action::{Action, DesiredState};
use usher_core::model::calendar::Agenda;
use usher_core::model::change::Account;
use usher_core::model::fact::Fact;
use usher_core::model::message::Ping;
use usher_core::model::people::Person;
use usher_core::model::reason::Reason;
use usher_core::model::review::{PoolReview, Review};
use usher_core::model::terms::Turn;
use usher_core::model::timebox::TimeBox;
use usher_core::model::world::{Decision, World};
use usher_words::templates::Templates;

use crate::support::play::body;

/// Which of the three hashes of a seed a line goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// What was decided.
    Judged,
    /// The texts of pings and replies.
    Said,
    /// The text of the status comment and what follows from writing it.
    Status,
}

/// One thing that a decision says.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub part: Part,
    pub field: &'static str,
    pub value: String,
}

/// One decision in lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub lines: Vec<Line>,
    /// The text of the status comment, if it is written.
    pub status: Option<String>,
    /// What occurred, for the coverage: kinds of facts, stages, reasons and actions.
    pub kinds: Vec<String>,
}

/// Everything that the dump knows of one decision.
pub(super) fn seen(world: &World<'_>, templates: &Templates, fact: &Fact, decision: &Decision) -> Seen {
    let mut seen = Seen::default();
    seen.kinds.push(fact_kind(fact));
    seen.standing(world, &decision.review);
    seen.judged("wake", moment(decision.wake));
    seen.wanted(&decision.review);
    seen.others(world, &decision.review);
    decision.actions.iter().for_each(|action| seen.action(action, templates));
    decision.reasons.iter().for_each(|reason| seen.reason(reason));
    if let Some(wish) = &decision.absence {
        let days = wish.absence.days.map(|days| format!("{} to {}", days.first, days.last));
        let days = days.unwrap_or_else(|| "none".into());
        seen.judged("absence", format!("{} {days}, said {}", wish.person, wish.absence.said_at));
        seen.kinds.push("absence".into());
    }
    seen
}

/// The question, for whoever compares two answers.
pub(super) fn question(world: &World<'_>, fact: &Fact) -> String {
    format!("{} {}", world.now, json(fact))
}

impl Seen {
    fn judged(&mut self, field: &'static str, value: String) {
        self.lines.push(Line { part: Part::Judged, field, value });
    }

    /// Where the review stands, who has the turn, and until when.
    fn standing(&mut self, world: &World<'_>, review: &Review) {
        if !review.tracked {
            self.judged("stage", "none of our business".into());
            self.kinds.push("stage.untracked".into());
            return;
        }
        let stage = review.done.stage.word();
        self.judged("stage", stage.into());
        self.kinds.push(format!("stage.{stage}"));
        for turn in turns(world, review) {
            self.kinds.push(format!("turn.{}", turn.court));
            let (court, pool, holder) = (turn.court, turn.pool, turn.holder);
            self.judged("turn", format!("{court} pool={pool} holder={holder} due={}", moment(turn.due)));
        }
        for held in held(review, world.policy) {
            self.kinds.push(format!("held.{}", held.word()));
            self.judged("held", json(&held));
        }
    }

    /// What was last asked of the forge. Who is meant, not what they were called then.
    fn wanted(&mut self, review: &Review) {
        let ids = |accounts: &BTreeSet<Account>| {
            accounts.iter().map(|account| account.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        let wanted = &review.done.last_applied;
        self.judged("wanted.reviewers", ids(&wanted.reviewers));
        self.judged("wanted.not_reviewers", ids(&wanted.not_reviewers));
        self.judged("wanted.labels", words(&wanted.labels));
        self.judged("wanted.not_labels", words(&wanted.not_labels));
    }

    /// What other changes feel of this one: who is occupied by it, and its places in queues.
    fn others(&mut self, world: &World<'_>, review: &Review) {
        let occupied = loads(world.policy, review, world.now).into_iter();
        let occupied: Vec<String> = occupied.map(|(person, load)| format!("{person}/{load}")).collect();
        if !occupied.is_empty() {
            self.judged("occupies", occupied.join(" "));
        }
        for (pool, queued) in review.queued() {
            let (place, ahead, hopes) = (queued.place, queued.ahead, words(&queued.hopes));
            self.kinds.push("queued".into());
            self.judged("queued", format!("{pool} place={place} ahead={ahead} hopes={hopes}"));
        }
    }

    fn action(&mut self, action: &Action, templates: &Templates) {
        match action {
            Action::ReadFiles { codeowners } => {
                self.judged("read_files", format!("codeowners={codeowners:?}"));
                let owners = if codeowners.is_some() { "_and_owners" } else { "" };
                self.kinds.push(format!("action.read_files{owners}"));
            }
            Action::Look => self.kinds.push("action.look".into()),
            Action::ReadThreads => self.kinds.push("action.threads".into()),
            Action::Desired(shape) => self.shape(shape),
            // How often it is written is no matter, so it is not counted.
            Action::Status(_) => self.status = body(action, templates),
            Action::Ping(ping) => {
                let Ping { key, person, not_after, .. } = &**ping;
                self.judged("ping", format!("{key} to {person} until {not_after}"));
                self.said("ping.text", &body(action, templates).unwrap_or_default());
                let step = ["remind", "escalate", "asked"].into_iter().find(|step| key.contains(step));
                self.kinds.push(format!("action.ping.{}", step.unwrap_or("other")));
            }
            Action::Reply(reply) => {
                self.judged("reply", reply.key.clone());
                self.said("reply.text", &body(action, templates).unwrap_or_default());
                self.kinds.push("action.reply".into());
            }
            Action::React { comment, .. } => {
                self.judged("react", comment.to_string());
                self.kinds.push("action.react".into());
            }
            Action::Comment(_) => panic!("decided in words: {action:?}"),
            Action::Announce(news) => {
                self.judged("announce", json(news));
                self.kinds.push("action.announce".into());
            }
        }
    }

    fn said(&mut self, field: &'static str, text: &str) {
        self.lines.push(Line { part: Part::Said, field, value: json(&text) });
    }

    fn shape(&mut self, shape: &DesiredState) {
        let logins = |accounts: &BTreeSet<Account>| {
            accounts.iter().map(|a| format!("{}#{}", a.login, a.id)).collect::<Vec<_>>().join(" ")
        };
        let (on, off) = (logins(&shape.reviewers), logins(&shape.not_reviewers));
        let (labels, not_labels) = (words(&shape.labels), words(&shape.not_labels));
        self.judged("shape", format!("reviewers +[{on}] -[{off}] labels +[{labels}] -[{not_labels}]"));
        self.kinds.push("action.shape".into());
    }

    fn reason(&mut self, reason: &Reason) {
        let part = match reason {
            Reason::TemplateBroken { .. } | Reason::BroughtUpToDate | Reason::StillOnPaper => Part::Status,
            _ => Part::Judged,
        };
        let text = json(reason);
        self.kinds.extend(reason_kinds(&text));
        self.lines.push(Line { part, field: "reason", value: text });
    }
}

/// A running time box: whose turn it is, and when that is over.
struct Running {
    court: &'static str,
    pool: String,
    holder: String,
    due: Option<Timestamp>,
}

/// All running time boxes.
fn turns(world: &World<'_>, review: &Review) -> Vec<Running> {
    let part_of = |pool: &str| review.planned.pools.iter().find(|part| part.pool == pool);
    let turn = |court: Turn, time_box: &TimeBox, pool: &str, holder: Option<&str>| {
        time_box.running_since?;
        let part = part_of(pool).or(review.planned.pools.first());
        let agenda = match court {
            Turn::Waiting => pool_agenda(world, review, pool),
            _ => agenda(world, review, holder),
        };
        let due = time_box.runs_out(world.policy.terms(review, court, part).budget, &agenda);
        let (court, pool) = (court_word(court), pool.to_owned());
        Some(Running { court, pool, holder: holder.unwrap_or("nobody").to_owned(), due })
    };
    let waiting = |part: &PoolReview| turn(Turn::Waiting, &part.waiting_box, &part.pool, None);
    let reviewing = review
        .planned
        .assignments
        .iter()
        .filter_map(|own| turn(Turn::Reviewing, &own.reviewing_box, &own.pool, Some(&own.person)));
    let author = turn(Turn::WithAuthor, &review.planned.author_box, "", review.author_name.as_deref());
    let merger = review.merger();
    let (pool, person) = merger.map_or(("", None), |own| (own.pool.as_str(), Some(own.person.as_str())));
    let merge = turn(Turn::ReadyToMerge, &review.planned.merge_box, pool, person);
    let mut turns: Vec<Running> = review.planned.pools.iter().filter_map(waiting).chain(reviewing).collect();
    turns.extend(author.into_iter().chain(merge));
    turns
}

fn court_word(court: Turn) -> &'static str {
    match court {
        Turn::Waiting => "waiting",
        Turn::Reviewing => "reviewing",
        Turn::WithAuthor => "with_author",
        Turn::ReadyToMerge => "ready_to_merge",
    }
}

/// A person's working time on this forge, or the default's for somebody unknown.
fn agenda<'a>(world: &World<'a>, review: &Review, holder: Option<&str>) -> Agenda<'a> {
    let closed = world.policy.maintenance(&review.change.forge);
    let person = holder.and_then(|name| world.directory.by_name(name));
    person.map_or_else(|| Agenda::new(&world.policy.default_hours, &[]).outside(closed), Person::agenda)
}

fn pool_agenda<'a>(world: &World<'a>, review: &Review, pool: &str) -> Agenda<'a> {
    let closed = world.policy.maintenance(&review.change.forge);
    Agenda::new(world.policy.pool_hours(pool), &[]).outside(closed)
}

/// What the fact is called in the coverage.
fn fact_kind(fact: &Fact) -> String {
    let value = serde_json::to_value(fact).unwrap_or_default();
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let act = value.get("act");
    let detail = act.and_then(|act| Some((word(act, "act")?, act))).map(|(name, act)| {
        let command = act.get("command").and_then(|command| word(command, "command"));
        [Some(name), command, word(act, "verdict")].into_iter().flatten().collect::<Vec<_>>().join(".")
    });
    let detail = detail.or_else(|| word(&value, "why")).or_else(|| word(&value, "refusal"));
    let name = word(&value, "fact").unwrap_or_default();
    ["fact".to_owned(), name].into_iter().chain(detail).collect::<Vec<_>>().join(".")
}

/// What a reason is called in the coverage, and the verdicts on the candidates that it lists.
fn reason_kinds(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let mut name = format!("reason.{}", value["reason"].as_str().unwrap_or_default());
    let told =
        [("why", "why"), ("beyond", "rule"), ("refusal", ""), ("origin", ""), ("stage", ""), ("state", "")];
    for (key, inner) in told {
        let detail = value.get(key).and_then(|detail| detail.as_str().or_else(|| detail[inner].as_str()));
        if let Some(detail) = detail {
            name = format!("{name}.{detail}");
        }
    }
    if let (Some(from), Some(to), true) =
        (value["from"].as_str(), value["to"].as_str(), name == "reason.stage_moved")
    {
        name = format!("{name}.{from}-{to}");
    }
    let candidates = value["candidates"].as_array().map_or(&[][..], Vec::as_slice);
    let standings = candidates.iter().filter_map(|one| one["standing"]["verdict"].as_str());
    let standings = standings.map(|verdict| format!("candidate.{verdict}"));
    std::iter::once(name).chain(standings).collect()
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".into(), |at| at.to_string())
}

fn words(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("not to be written: {error}"))
}
