//! Reading glasses: what `explain` and `replay` need to decide on paper, without writing anything.

use anyhow::Context;

use super::service::client;
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::forge::{Client, Hint};
use crate::store::{Store, StoreError};
use usher_core::choose::pick::pick;
use usher_core::decide;
use usher_core::model::absence::BusyPeople;
use usher_core::model::action::{Action, Comment, Write};
use usher_core::model::candidate::Candidate;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::people::{Directory, Roster, RosterWish, Workloads};
use usher_core::model::reason::Reason;
use usher_core::model::review::Review;
use usher_core::model::world::{Decision, World};
use usher_words as words;

/// One forge as it is known, and the store if there is one, both only to be looked at.
pub(super) struct Paper {
    config: Config,
    store: Option<Store>,
    pub(super) client: Client,
    pub(super) directory: Directory,
    first_seen: jiff::Timestamp,
    clock: Clock,
}

/// A decision on paper.
pub(super) struct Sketch {
    pub(super) review: Review,
    pub(super) reasons: Vec<Reason>,
    pub(super) actions: Vec<Action>,
    pub(super) wake: Option<jiff::Timestamp>,
    /// Whether the store knew the change.
    pub(super) known: bool,
    /// Every pool's members, judged as of now.
    pub(super) judged: Vec<(String, Vec<Candidate>)>,
    /// Why time boxes are as long as they are, where it is not as everywhere.
    notes: Vec<String>,
}

impl Paper {
    /// Reads what is known of `forge`; asks the forge itself where the store has no roster.
    pub(super) async fn open(config: Config, forge: &Forge) -> anyhow::Result<Paper> {
        let (store, kept) = kept(&config, forge).await?;
        let roster = match kept {
            Some(roster) => roster,
            None => {
                let wish = RosterWish::new(&config.policy, &forge.name);
                let roster = client(forge, &Clock::system())?.roster(&wish).await;
                roster.with_context(|| format!("`{}` did not tell who is who", forge.name))?
            }
        };
        Paper::with(config, forge, store, &roster).await
    }

    /// Reads what is known of `forge`, and asks nobody: none where the store has no roster.
    pub(super) async fn remembered(config: Config, forge: &Forge) -> anyhow::Result<Option<Paper>> {
        match kept(&config, forge).await? {
            (store, Some(roster)) => Paper::with(config, forge, store, &roster).await.map(Some),
            (_, None) => Ok(None),
        }
    }

    /// The login of Usher's own account.
    pub(super) fn me(&self) -> Option<&str> {
        self.directory.me.as_ref().map(|me| me.login.as_str())
    }

    async fn with(
        config: Config,
        forge: &Forge,
        store: Option<Store>,
        roster: &Roster,
    ) -> anyhow::Result<Paper> {
        let clock = Clock::system();
        let client = client(forge, &clock)?;
        client.set_tickets(config.policy.tickets.clone());
        let first_seen = match &store {
            Some(store) => store.first_seen(&forge.name, clock.now()).await?,
            // On paper nothing is held back because it is old.
            None => jiff::Timestamp::UNIX_EPOCH,
        };
        let mut directory = Directory::new(&config.policy, &forge.name, roster);
        heed(&mut directory, &config, &forge.name, store.as_ref()).await?;
        Ok(Paper { config, store, client, directory, first_seen, clock })
    }

    /// Decides facts one after another, reading changed files where the decision asks for them.
    pub(super) async fn decide(&self, change: &ChangeKey, facts: Vec<Fact>) -> anyhow::Result<Sketch> {
        let stored = match &self.store {
            Some(store) => store.load(change).await?,
            None => None,
        };
        let workloads = match &self.store {
            Some(store) => store.workloads(self.clock.now()).await?,
            None => Workloads::default(),
        };
        let world = World {
            policy: &self.config.policy,
            directory: &self.directory,
            workloads: &workloads,
            first_seen: self.first_seen,
            now: self.clock.now(),
        };
        let known = stored.is_some();
        let review = stored.map_or_else(|| Review::new(change.clone()), |stored| stored.review);
        let mut sketch = Sketch {
            review,
            reasons: Vec::new(),
            actions: Vec::new(),
            wake: None,
            known,
            judged: Vec::new(),
            notes: Vec::new(),
        };
        for fact in facts {
            sketch.add(decide(&world, &sketch.review, &fact));
        }
        let reads = |action: &Action| matches!(action, Action::ReadFiles { .. });
        if let Some(index) = sketch.actions.iter().position(reads)
            && let Action::ReadFiles { codeowners } = sketch.actions.remove(index)
        {
            let write = Write::ReadFiles { codeowners };
            let read = self.client.perform(change, &write, Hint::default()).await;
            let read = read.context("the changed files could not be read")?;
            for fact in read.facts {
                sketch.add(decide(&world, &sketch.review, &fact));
            }
        }
        sketch.notes = self.config.policy.box_notes(&sketch.review).iter().map(words::box_note).collect();
        for part in &sketch.review.pools {
            if let Some(pool) = self.config.policy.pool(&part.pool) {
                let chosen_now = part.candidates.clone();
                let fresh = pick(&world, &sketch.review, pool, None).candidates;
                // What was decided a moment ago on paper says more than "is asked already".
                let candidates = if known || chosen_now.is_empty() { fresh } else { chosen_now };
                sketch.judged.push((part.pool.clone(), candidates));
            }
        }
        Ok(sketch)
    }
}

/// Joins in what the store knows of people's absence: what they said, and what other forges showed.
async fn heed(
    directory: &mut Directory,
    config: &Config,
    forge: &str,
    store: Option<&Store>,
) -> anyhow::Result<()> {
    let Some(store) = store else { return Ok(()) };
    let mut busy = BusyPeople::new();
    directory.tell_busy(&mut busy);
    for other in config.forges.iter().filter(|other| other.name != forge) {
        if let Some(roster) = store.roster(&other.name).await? {
            Directory::new(&config.policy, &other.name, &roster).tell_busy(&mut busy);
        }
    }
    directory.heed(&store.absences().await?, &busy);
    Ok(())
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
    fn add(&mut self, decision: Decision) {
        self.review = decision.review;
        self.wake = decision.wake;
        self.reasons.extend(decision.reasons);
        for action in decision.actions {
            self.actions.retain(|earlier| earlier.kind() != action.kind());
            self.actions.push(action);
        }
    }

    /// The whole sketch for a person.
    pub(super) fn print(&self) {
        let review = &self.review;
        anstream::println!("{}  {}", review.change, review.title);
        if !review.tracked {
            anstream::println!("\nUsher leaves it alone:");
        } else {
            let author = review.author_name.as_deref().unwrap_or(&review.author.login);
            anstream::println!("by {author}, {}", words::stage_name(review.stage));
            let asked: Vec<&str> = review.active().map(|assignment| assignment.person.as_str()).collect();
            if !asked.is_empty() {
                anstream::println!("reviewers: {}", asked.join(", "));
            }
        }
        for (pool, candidates) in &self.judged {
            anstream::println!("\nPool {pool}:");
            for candidate in candidates {
                anstream::println!("  {:<16} {}", candidate.person, words::candidate(candidate));
            }
        }
        let notes = words::standing_notes(review);
        let tickets = review.tickets.iter().map(|ticket| format!("{} {}", ticket.system, ticket.reference));
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
        if !self.reasons.is_empty() {
            anstream::println!("\nWhy:");
        }
        for reason in &self.reasons {
            anstream::println!("  {}", words::sentence(reason));
        }
        anstream::println!("\nWhat would be done on the forge:");
        for action in &self.actions {
            anstream::println!("  {}", action_words(action));
        }
        if self.actions.is_empty() {
            anstream::println!("  nothing");
        }
        if let Some(wake) = self.wake {
            anstream::println!("\nLooked at again: {wake}");
        }
        anstream::println!("\nNothing was written.");
    }

    /// The whole sketch for a machine.
    pub(super) fn json(&self) -> serde_json::Value {
        let candidates = self
            .judged
            .iter()
            .map(|(pool, candidates)| serde_json::json!({ "pool": pool, "candidates": candidates }));
        serde_json::json!({
            "change": self.review.change.to_string(),
            "title": self.review.title,
            "tracked": self.review.tracked,
            "known": self.known,
            "stage": self.review.stage,
            "pools": candidates.collect::<Vec<_>>(),
            "tickets": self.review.tickets,
            "out_of_scope": self.review.beyond,
            "sponsor": self.review.sponsor,
            "time_boxes": self.notes,
            "reasons": self.reasons,
            "sentences": self.reasons.iter().map(words::sentence).collect::<Vec<_>>(),
            "actions": self.actions,
            "wake": self.wake,
        })
    }
}

/// An action as one line.
pub(super) fn action_words(action: &Action) -> String {
    let join = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    match action {
        Action::ReadFiles { .. } => "read the changed files".into(),
        Action::Shape(shape) => {
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
