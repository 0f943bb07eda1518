//! The pages: what the templates are given. Everything is text by now; askama escapes all of it.

use askama::Template;
use jiff::Timestamp;

pub(super) use super::clockface::{Clockface, Due, TimeCell};
use super::forges::ForgeRow;
use super::history::{HistoryEntry, last_sentences};
use super::view::{self, Eyes, View, WhoseTurn};
use crate::engine::StateSnapshot;
use crate::store::{Ailment, OutboxRow, OutboxState, Stored};
use usher_core::model::change::ChangeState;
use usher_core::model::review::{Hold, Review, Stage};
use usher_words as words;

/// `GET /`
#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview {
    pub(super) clock: Clockface,
    pub(super) tiles: Vec<Tile>,
    pub(super) forges: Vec<ForgeRow>,
    pub(super) inbox: u64,
    /// Facts that were tried and could not be decided yet.
    pub(super) put_off: u64,
    /// What is wrong with the store, if anything.
    pub(super) ailment: Option<Ailment>,
    pub(super) outbox: u64,
    pub(super) dead: u64,
    pub(super) dead_letters: Vec<DeadLetter>,
    /// There are more dead letters than are shown.
    pub(super) dead_letters_hidden: bool,
    pub(super) groups: Vec<Group>,
    pub(super) done: Vec<DoneRow>,
    /// The page shows one stage only.
    pub(super) stage: Option<&'static str>,
}

/// `GET /reviews/{id}`
#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct ReviewPage {
    pub(super) clock: Clockface,
    pub(super) row: ReviewRow,
    pub(super) stage: &'static str,
    /// Newest first.
    pub(super) ledger: Vec<LedgerLine>,
    /// The ledger is longer than what is shown.
    pub(super) cut: bool,
}

/// One count in the header.
pub(super) struct Tile {
    pub(super) word: &'static str,
    pub(super) name: &'static str,
    pub(super) count: u64,
    pub(super) current: bool,
}

/// Reviews that wait for the same kind of turn.
pub(super) struct Group {
    pub(super) word: &'static str,
    pub(super) heading: &'static str,
    pub(super) total: u64,
    pub(super) rows: Vec<ReviewRow>,
    pub(super) previous: Option<u32>,
    pub(super) next: Option<u32>,
    /// Rows that a page of their own shows.
    pub(super) elsewhere: u64,
}

/// One review.
pub(super) struct ReviewRow {
    pub(super) id: i64,
    pub(super) reference: String,
    pub(super) forge: String,
    pub(super) href: Option<String>,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) stage: &'static str,
    /// What stands before the name, as in `waits for`.
    pub(super) lead: &'static str,
    /// Who must act; empty where that is no question.
    pub(super) turn: String,
    pub(super) since: Option<TimeCell>,
    pub(super) due: Option<Due>,
    pub(super) overdue: bool,
    pub(super) hold: Option<String>,
    /// Customer tickets, as `zendesk 12`.
    pub(super) tickets: Vec<String>,
    /// Advice about its scope, its sponsor, its place in the queue and its time box.
    pub(super) notes: Vec<Prose>,
    pub(super) why: Vec<Prose>,
    pub(super) reviewers: Vec<ReviewerLine>,
    pub(super) choices: Vec<ChoiceLine>,
    pub(super) lines: Vec<LedgerLine>,
}

/// A reviewer of a row.
pub(super) struct ReviewerLine {
    pub(super) person: String,
    pub(super) pool: String,
    pub(super) state: String,
    pub(super) since: TimeCell,
}

/// The last choice of a pool.
pub(super) struct ChoiceLine {
    pub(super) pool: String,
    pub(super) verdicts: Vec<(String, Prose)>,
}

/// One ledger entry.
pub(super) struct LedgerLine {
    pub(super) at: TimeCell,
    pub(super) fact: Prose,
    pub(super) reasons: Vec<Prose>,
    pub(super) actions: String,
}

/// An action that the forge will not take.
pub(super) struct DeadLetter {
    pub(super) id: i64,
    pub(super) wish: String,
    pub(super) reference: String,
    /// The page of its review.
    pub(super) review: Option<i64>,
    pub(super) since: Option<TimeCell>,
    pub(super) attempts: u32,
    pub(super) answer: String,
}

/// A finished change.
pub(super) struct DoneRow {
    pub(super) id: i64,
    pub(super) reference: String,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) end: &'static str,
    pub(super) at: Option<TimeCell>,
    pub(super) took: Option<String>,
}

impl ReviewRow {
    pub(super) fn new(
        known: &StateSnapshot,
        clock: &Clockface,
        stored: &Stored,
        entries: &[HistoryEntry],
    ) -> ReviewRow {
        let review = &stored.review;
        let forge = known.forge(&review.change.forge).map(|forge| &*forge.directory);
        let view = Eyes { policy: &known.policy, directory: forge, now: clock.now }.view(review);
        let (lead, turn) = phrased(&view.turn, review);
        ReviewRow {
            id: stored.id,
            reference: view::reference(&review.change, forge.map(|forge| forge.kind)),
            forge: review.change.forge.clone(),
            href: view::link(&review.seen.url).map(str::to_owned),
            title: titled(&review.seen.title),
            author: view::author(review),
            stage: review.done.stage.word(),
            lead,
            turn,
            since: view.since.map(|since| clock.moment(since)),
            // A snooze says by itself until when.
            due: if review.said.hold.is_some() { None } else { clock.due(&view) },
            overdue: view.overdue,
            hold: review.said.hold.filter(|_| review.is_open()).map(|hold| held(clock, hold)),
            tickets: review.seen.tickets.iter().map(|t| format!("{} {}", t.system, t.reference)).collect(),
            notes: notes(known, review),
            why: last_sentences(entries).iter().map(|sentence| Prose::new(sentence)).collect(),
            reviewers: reviewers(clock, &view),
            choices: choices(review),
            lines: entries.iter().rev().map(|entry| LedgerLine::new(clock, entry)).collect(),
        }
    }

    /// For the order of rows: overdue first, then by deadline, those left alone last.
    pub(super) fn order(known: &StateSnapshot, now: Timestamp, stored: &Stored) -> impl Ord + use<> {
        let directory = known.forge(&stored.review.change.forge).map(|forge| &*forge.directory);
        let view = Eyes { policy: &known.policy, directory, now }.view(&stored.review);
        let until = view.until.unwrap_or(Timestamp::MAX);
        (stored.review.is_paused(), !view.overdue, until, stored.id)
    }
}

/// What else is to be known: scope, sponsor, queue, and why the time box is as long as it is.
fn notes(known: &StateSnapshot, review: &Review) -> Vec<Prose> {
    let boxes: Vec<String> = known.policy.box_notes(review).iter().map(words::box_note).collect();
    words::standing_notes(review).iter().chain(&boxes).map(|note| Prose::new(note)).collect()
}

pub(super) fn titled(title: &str) -> String {
    let title = words::visible(title);
    if title.trim().is_empty() { "(without a title)".into() } else { title }
}

/// Who must act, as `waits for` and a name.
fn phrased(turn: &WhoseTurn, review: &Review) -> (&'static str, String) {
    let (lead, phrase) = match turn {
        _ if review.done.stage == Stage::Done || review.said.hold.is_some() => return ("", String::new()),
        WhoseTurn::Nobody => return ("", "Nobody has to act".into()),
        WhoseTurn::Pool(_) => ("waits for somebody of", turn.phrase()),
        WhoseTurn::Merger(_) => ("may be merged by", turn.phrase()),
        WhoseTurn::Reviewer(_) | WhoseTurn::Author(_) => ("waits for", turn.phrase()),
    };
    (lead, phrase)
}

fn held(clock: &Clockface, hold: Hold) -> String {
    match hold {
        Hold::Skip => "skipped: Usher leaves it alone".into(),
        Hold::Snooze { until } => format!("snoozed until {}", clock.moment(until).absolute),
        Hold::FirstRun => "waits for its turn in the first roll-out".into(),
    }
}

fn reviewers(clock: &Clockface, view: &View) -> Vec<ReviewerLine> {
    let reviewers = view.reviewers.iter().map(|reviewer| ReviewerLine {
        person: reviewer.person.clone(),
        pool: reviewer.pool.clone(),
        state: view::state_phrase(reviewer.state).to_owned(),
        since: clock.moment(reviewer.since),
    });
    reviewers.collect()
}

fn choices(review: &Review) -> Vec<ChoiceLine> {
    let judged = review.planned.pools.iter().filter(|part| !part.candidates.is_empty());
    let choices = judged.map(|part| ChoiceLine {
        pool: part.pool.clone(),
        verdicts: part
            .candidates
            .iter()
            .map(|c| (c.person.clone(), Prose::new(&words::candidate(c))))
            .collect(),
    });
    choices.collect()
}

impl LedgerLine {
    pub(super) fn new(clock: &Clockface, entry: &HistoryEntry) -> LedgerLine {
        LedgerLine {
            at: clock.moment(entry.at),
            fact: Prose::new(&entry.fact),
            reasons: entry.reasons.iter().map(|told| Prose::new(&told.sentence)).collect(),
            actions: entry.actions.join(", "),
        }
    }
}

impl DeadLetter {
    pub(super) fn new(
        clock: &Clockface,
        known: &StateSnapshot,
        row: OutboxRow,
        review: Option<i64>,
    ) -> DeadLetter {
        let kind = known.forge(&row.change.forge).map(|forge| forge.directory.kind);
        let since = match row.state {
            OutboxState::Dead { since } => Some(clock.moment(since)),
            OutboxState::Pending { .. } | OutboxState::Leased { .. } => None,
        };
        DeadLetter {
            id: row.id,
            wish: super::history::wish(&row.action),
            reference: view::reference(&row.change, kind),
            review,
            since,
            attempts: row.attempts,
            answer: row.error.unwrap_or_else(|| "no answer".into()),
        }
    }
}

impl DoneRow {
    pub(super) fn new(known: &StateSnapshot, clock: &Clockface, stored: &Stored) -> DoneRow {
        let review = &stored.review;
        let kind = known.forge(&review.change.forge).map(|forge| forge.directory.kind);
        let took = review.seen.opened_at.zip(review.seen.ended_at);
        DoneRow {
            id: stored.id,
            reference: view::reference(&review.change, kind),
            title: titled(&review.seen.title),
            author: view::author(review),
            end: if review.seen.state == ChangeState::Merged { "merged" } else { "closed" },
            at: review.seen.ended_at.map(|at| clock.moment(at)),
            took: took.map(|(opened, done)| words::elapsed(opened, done)),
        }
    }
}

/// A sentence with its code spans. Sentences are written for Markdown, so what Markdown would
/// swallow is taken off here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prose(pub(super) Vec<Span>);

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) code: bool,
    pub(super) text: String,
}

impl Prose {
    pub(super) fn new(sentence: &str) -> Prose {
        let pieces = sentence.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
        let spans = pieces.map(|(index, piece)| match index % 2 {
            0 => Span { code: false, text: unescaped(piece) },
            _ => Span { code: true, text: piece.to_owned() },
        });
        Prose(spans.collect())
    }
}

/// Takes Markdown's backslashes off.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match rest.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {
                plain.push(*next);
                rest.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_shows_what_markdown_would_show() {
        let span = |code, text: &str| Span { code, text: text.into() };
        assert_eq!(
            Prose::new(r"a\_b declined: `so\_much <b>`."),
            Prose(vec![span(false, "a_b declined: "), span(true, r"so\_much <b>"), span(false, ".")])
        );
        assert_eq!(Prose::new(""), Prose(Vec::new()));
        assert_eq!(Prose::new(r"C:\x"), Prose(vec![span(false, r"C:\x")]));
    }
}
