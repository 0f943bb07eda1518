//! What `explain` and `replay` need to decide without writing anything, and how they show it.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::engine::{Preview, PreviewDraft, SharedState};
use crate::forge::{Client, Hint};
use crate::service::client;
use crate::store::{Store, StoreError};
use usher_core::model::action::{Action, Comment, Write};
use usher_core::model::assignment::{Assignment, Origin};
use usher_core::model::candidate::{Candidate, Judgement};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::people::{Roster, RosterWish};
use usher_words as words;

/// One forge, to be looked at only.
pub(super) struct Looker {
    preview: Preview,
    pub(super) client: Client,
    clock: Clock,
}

/// A decision, and what is told beside it.
pub(super) struct Sketch {
    draft: PreviewDraft,
    /// Every pool's members, judged as of now.
    judged: Vec<(String, Vec<Candidate>)>,
    /// Why time boxes are as long as they are, where it is not as everywhere.
    notes: Vec<String>,
}

impl Looker {
    /// Reads what is known of `forge`; asks the forge itself where the store has no roster.
    pub(super) async fn open(config: &Config, forge: &Forge) -> anyhow::Result<Looker> {
        let (store, kept) = kept(config, forge).await?;
        let unknown = match kept {
            Some(_) => None,
            None => {
                let wish = RosterWish::new(&config.policy, &forge.name);
                let roster = client(forge, &Clock::system())?.roster(&wish).await;
                Some(roster.with_context(|| format!("`{}` did not tell who is who", forge.name))?)
            }
        };
        Looker::with(config, forge, store, unknown).await
    }

    /// Reads what is known of `forge`, and asks nobody: none where the store has no roster.
    pub(super) async fn remembered(config: &Config, forge: &Forge) -> anyhow::Result<Option<Looker>> {
        match kept(config, forge).await? {
            (store, Some(_)) => Looker::with(config, forge, store, None).await.map(Some),
            (_, None) => Ok(None),
        }
    }

    /// The login of Usher's own account.
    pub(super) fn me(&self) -> Option<&str> {
        self.preview.directory().me.as_ref().map(|me| me.login.as_str())
    }

    /// With the `roster` that was just read, where the store has none.
    async fn with(
        config: &Config,
        forge: &Forge,
        store: Option<Store>,
        roster: Option<Roster>,
    ) -> anyhow::Result<Looker> {
        let clock = Clock::system();
        let client = client(forge, &clock)?;
        client.set_tickets(config.policy.tickets.clone());
        let policy = Arc::new(config.policy.clone());
        let shared = match &store {
            Some(store) => SharedState::remembered(store, policy, clock.now()).await?,
            // Without a store nothing is held back because it is old.
            None => {
                let forge = (forge.name.clone(), Roster::default(), Timestamp::UNIX_EPOCH);
                SharedState::new(policy, vec![forge])
            }
        };
        if let Some(roster) = roster {
            shared.learn(&forge.name, roster);
        }
        let preview = Preview::of(store, &shared, &forge.name);
        let preview = preview.with_context(|| format!("the policy does not know `{}`", forge.name))?;
        Ok(Looker { preview, client, clock })
    }

    /// Decides facts one after another, reading changed files where the decision asks for them.
    pub(super) async fn decide(&self, change: &ChangeKey, facts: &[Fact]) -> anyhow::Result<Sketch> {
        let told = facts.iter().filter_map(Fact::snapshot).find_map(|snapshot| snapshot.project_id);
        let mut draft = self.preview.begin(change, told, self.clock.now()).await?;
        draft.take(facts);
        if let Some(codeowners) = draft.take_files_wish() {
            let write = Write::ReadFiles { codeowners };
            let read = self.client.perform(change, &write, Hint::default()).await;
            draft.take(&read.context("the changed files could not be read")?.facts);
        }
        let notes = draft.policy().box_notes(draft.review());
        let (judged, notes) = (draft.judged(), notes.iter().map(words::box_note).collect());
        Ok(Sketch { draft, judged, notes })
    }
}

/// The store, if there is one, and the roster that it has of `forge`.
pub(super) async fn kept(config: &Config, forge: &Forge) -> anyhow::Result<(Option<Store>, Option<Roster>)> {
    let store = match Store::open_read_only(&config.store_url).await {
        Ok(store) => store,
        // A store that does not exist yet is no fault: then nothing is known, and nothing is made.
        Err(StoreError::Missing { .. }) => return Ok((None, None)),
        Err(error) => return Err(error.into()),
    };
    let roster = store.roster(&forge.name).await?;
    Ok((Some(store), roster))
}

impl Sketch {
    /// The whole sketch for a person.
    pub(super) fn print(&self) {
        let review = self.draft.review();
        anstream::println!("{}  {}", review.change, words::visible(&review.seen.title));
        if !review.tracked {
            anstream::println!("\nUsher leaves it alone:");
        } else {
            let author = review.author_name.as_deref().unwrap_or(&review.author.login);
            anstream::println!("by {author}, {}", words::stage_name(review.done.stage));
            let asked: Vec<&str> = review.active().map(|assignment| assignment.person.as_str()).collect();
            if !asked.is_empty() {
                anstream::println!("reviewers: {}", asked.join(", "));
            }
            self.print_holders();
        }
        for (pool, candidates) in &self.judged {
            anstream::println!("\nPool {pool}:");
            for candidate in candidates {
                let next = if self.is_next(pool, candidate) { "next would be: " } else { "" };
                anstream::println!("  {:<16} {next}{}", candidate.person, words::candidate(candidate));
            }
        }
        let notes = words::standing_notes(review);
        let tickets =
            review.seen.tickets.iter().map(|ticket| format!("{} {}", ticket.system, ticket.reference));
        let tickets: Vec<String> = tickets.collect();
        if !tickets.is_empty() {
            anstream::println!("\ncustomer tickets: {}", tickets.join(", "));
        }
        if !notes.is_empty() {
            anstream::println!("\n{}", notes.join("\n"));
        }
        for note in &self.notes {
            anstream::println!("\n{note}");
        }
        let reasons = self.draft.reasons();
        if !reasons.is_empty() {
            anstream::println!("\nWhy:");
        }
        for reason in reasons {
            anstream::println!("  {}", words::sentence(reason));
        }
        anstream::println!("\nWhat would be done on the forge:");
        for action in self.draft.actions() {
            anstream::println!("  {}", action_words(action));
        }
        if self.draft.actions().is_empty() {
            anstream::println!("  nothing");
        }
        if let Some(wake) = review.planned.wake {
            anstream::println!("\nLooked at again: {wake}");
        }
        anstream::println!("\nNothing was written.");
    }

    /// Who has it, since when, how they came to it, and what was known of them as they were chosen.
    fn print_holders(&self) {
        let review = self.draft.review();
        for assignment in review.active().filter(|_| self.draft.is_known) {
            let (person, pool) = (&assignment.person, &assignment.pool);
            let how = origin_words(assignment.origin);
            // Where it is known what was known of them then, that names what decided, too.
            let chosen = self.as_chosen(assignment);
            let decided = assignment.decided_by.0.filter(|_| chosen.is_none());
            let decided = decided.map(|why| format!(", {}", words::criterion(why))).unwrap_or_default();
            anstream::println!("\n{person} has it for {pool} since {}: {how}{decided}", assignment.since);
            if let Some(candidate) = chosen {
                anstream::println!("  then: {}", words::candidate(candidate));
            }
        }
    }

    /// How the person was judged as they were chosen, where they were.
    fn as_chosen(&self, assignment: &Assignment) -> Option<&Candidate> {
        let part = self.draft.review().planned.pools.iter().find(|part| part.pool == assignment.pool)?;
        let chosen = |candidate: &&Candidate| matches!(candidate.standing, Judgement::Chosen { .. });
        part.candidates.iter().filter(chosen).find(|candidate| candidate.person == assignment.person)
    }

    /// Whether the pool has somebody, and this is who would be asked in their place.
    fn is_next(&self, pool: &str, candidate: &Candidate) -> bool {
        let has_somebody = self.draft.is_known && self.draft.review().active_in(pool).next().is_some();
        has_somebody && matches!(candidate.standing, Judgement::Chosen { .. })
    }

    /// The whole sketch for a machine.
    pub(super) fn json(&self) -> serde_json::Value {
        let (review, reasons) = (self.draft.review(), self.draft.reasons());
        let candidates = self
            .judged
            .iter()
            .map(|(pool, candidates)| serde_json::json!({ "pool": pool, "candidates": candidates }));
        serde_json::json!({
            "change": review.change.to_string(),
            "title": review.seen.title,
            "tracked": review.tracked,
            "known": self.draft.is_known,
            "stage": review.done.stage,
            "pools": candidates.collect::<Vec<_>>(),
            "holders": review.active().map(|assignment| serde_json::json!({
                "person": assignment.person,
                "pool": assignment.pool,
                "since": assignment.since,
                "origin": assignment.origin,
                "decided_by": assignment.decided_by,
                "chosen": self.as_chosen(assignment).map(words::candidate),
            })).collect::<Vec<_>>(),
            "next": self.judged.iter().filter_map(|(pool, candidates)| {
                let next = candidates.iter().find(|candidate| self.is_next(pool, candidate))?;
                Some((pool.clone(), next.person.clone().into()))
            }).collect::<serde_json::Map<_, _>>(),
            "tickets": review.seen.tickets,
            "out_of_scope": review.planned.out_of_scope,
            "sponsor": review.said.sponsor,
            "time_boxes": self.notes,
            "reasons": reasons,
            "sentences": reasons.iter().copied().map(words::sentence).collect::<Vec<_>>(),
            "actions": self.draft.actions(),
            "wake": review.planned.wake,
        })
    }
}

fn origin_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Picked => "chosen by Usher",
        Origin::Adopted => "put there by a person, or reviewed unasked",
        Origin::Widened => "asked beside somebody who took long or went away",
        Origin::Named => "asked for by name",
    }
}

/// An action as one line.
pub(super) fn action_words(action: &Action) -> String {
    let join = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    match action {
        Action::ReadFiles { .. } => "read the changed files".into(),
        Action::Look => "look at the whole change".into(),
        Action::ReadThreads => "read the threads".into(),
        Action::Desired(shape) => {
            let mut parts = Vec::new();
            let logins = |set: &std::collections::BTreeSet<usher_core::model::change::Account>| {
                set.iter().map(|account| account.login.clone()).collect::<Vec<_>>().join(", ")
            };
            if !shape.reviewers.is_empty() {
                parts.push(format!("reviewers {}", logins(&shape.reviewers)));
            }
            if !shape.not_reviewers.is_empty() {
                parts.push(format!("no longer {}", logins(&shape.not_reviewers)));
            }
            if !shape.labels.is_empty() {
                parts.push(format!("labels {}", join(&shape.labels)));
            }
            if !shape.not_labels.is_empty() {
                parts.push(format!("without {}", join(&shape.not_labels)));
            }
            parts.join("; ")
        }
        Action::Status(_) | Action::Comment(Comment::Status { .. }) => "write the status comment".into(),
        Action::Ping(ping) => format!("ping {}", ping.person),
        Action::Comment(Comment::Ping { person, .. }) => format!("ping {person}"),
        Action::Reply(_) | Action::Comment(Comment::Reply { .. }) => "reply in a comment".into(),
        Action::React { .. } => "react to the comment".into(),
        Action::Announce(_) => "tell the ticket system".into(),
    }
}
