//! The courier drains the outbox: every action goes to its forge, and the forge's answer comes back
//! as a fact. Announcements go to the ticket system, in a loop of their own. The one retry layer of
//! Usher.

mod outbound;
mod settle;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::{Parts, SharedState};
use crate::forge::{Client, ForgeFault, Hint, Performed, Urgency};
use crate::metrics::Metrics;
use crate::store::{self, OutboxItem, Settlement, Store, StoreError, Within};
use crate::tasks::Tasks;
use crate::wakeups::Wakeups;
use usher_core::model::action::{Action, Write, ping_marker};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_words as words;
use usher_words::templates::{TemplateFault, Templates};

pub use outbound::{Outbound, OutboundTarget};

/// Announcements taken from the outbox at once: nothing is leased that is not being done.
const BATCH: u32 = 1;
/// A hand that found nothing to do looks again no sooner, unless it is woken.
const IDLE: SignedDuration = SignedDuration::from_secs(1);
/// The loop looks at least this often, because `usher deliveries retry` wakes nobody.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// So long after a forge has told it a path is taken for the project's.
const PATH_BELIEVED_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How long the loop waits after the store has failed.
const STORE_PATIENCE: SignedDuration = SignedDuration::from_secs(1);

/// Performs actions through the clients of the forges.
pub struct Courier {
    store: Store,
    shared: Arc<SharedState>,
    clients: BTreeMap<String, Client>,
    outbound: Arc<Outbound>,
    clock: Clock,
    wakeups: Arc<Wakeups>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    templates: Arc<ArcSwap<Templates>>,
    /// How many changes of a forge are served at once, by its name; one where it is not named.
    hands: BTreeMap<String, usize>,
}

impl Courier {
    /// `clients` by the forge's name. A forge that is closed is left alone: what it answers in its
    /// maintenance may look like a refusal for good. `templates` are the company's own words; a reload
    /// swaps them.
    pub fn new(
        parts: Parts,
        clients: BTreeMap<String, Client>,
        outbound: Arc<Outbound>,
        templates: Arc<ArcSwap<Templates>>,
    ) -> Courier {
        let Parts { store, shared, clock, wakeups, metrics, tasks, .. } = parts;
        let hands = BTreeMap::new();
        Courier { store, shared, clients, outbound, clock, wakeups, metrics, tasks, templates, hands }
    }

    /// Serves so many changes of each forge at once, by the forge's name; never a change by two hands.
    #[must_use]
    pub fn with_hands(self, hands: BTreeMap<String, usize>) -> Courier {
        Courier { hands, ..self }
    }

    fn hands(&self, forge: &str) -> usize {
        self.hands.get(forge).copied().unwrap_or(1).max(1)
    }

    fn closed_until(&self, forge: &str) -> Option<Timestamp> {
        self.shared.snapshot().policy.closed_until(forge, self.clock.now())
    }

    /// Performs everything that may be done now, with one hand. Returns how many attempts were made.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let (mut attempts, never) = (0, CancellationToken::new());
        for client in self.clients.values() {
            attempts += self.serve(client, &never).await?;
        }
        Ok(attempts + self.drain_announcements(&never).await?)
    }

    /// When something can be done next that is in the outbox now: due by itself, and let through by
    /// its forge. In the past when there is something now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut next = self.store.next_announcement_due().await?;
        for client in self.clients.values() {
            next = next.into_iter().chain(self.next_due_of(client).await?).min();
        }
        Ok(next)
    }

    /// The due announcements, one after another.
    async fn drain_announcements(&self, stop: &CancellationToken) -> Result<usize, StoreError> {
        let mut attempts = 0;
        loop {
            if stop.is_cancelled() {
                return Ok(attempts);
            }
            let items = self.store.claim_announcements(self.clock.now(), BATCH).await?;
            if items.is_empty() {
                return Ok(attempts);
            }
            attempts += items.len();
            for item in items {
                let told = match &item.action {
                    Action::Announce(news) => self.outbound.tell(&item.change, news, self.clock.now()).await,
                    _ => Err(ForgeFault::Refused { status: 0, answer: "this is no announcement".into() }),
                };
                let settlement = match told {
                    Ok(()) => Settlement::Done { comment: None, facts: Vec::new() },
                    Err(fault) => settle::of_announcement(&self.clock, &item, fault),
                };
                self.metrics.performed(&item.change.forge, &item.kind, settle::outcome(&settlement));
                self.settle(&item, settlement).await?;
            }
        }
    }

    /// One hand at work for a forge: takes one action after another, and none before the forge would let
    /// it through, so that waiting costs no disk and nothing is leased that is not being done.
    async fn serve(&self, client: &Client, stop: &CancellationToken) -> Result<usize, StoreError> {
        let forge = client.name();
        let mut attempts = 0;
        while self.closed_until(forge).is_none() && !stop.is_cancelled() {
            // Whether a forge is well that was left alone is asked before anything is taken.
            if client.ask_again().await.is_err() {
                break;
            }
            let Some(least) = least_urgent(client) else { break };
            let paused: Vec<String> = client.health().paused_projects.into_keys().collect();
            let within = Within { least, not_of: &paused };
            let Some(item) = self.store.claim_next(forge, self.clock.now(), &within).await? else { break };
            attempts += 1;
            let settlement = match self.attempt(client, &item).await {
                Ok(settlement) => settlement,
                Err(error) => self.not_begun(&item, &error),
            };
            self.metrics.performed(forge, &item.kind, settle::outcome(&settlement));
            self.settle(&item, settlement).await?;
            self.wakeups.inbox.wake();
        }
        Ok(attempts)
    }

    /// When a hand finds something to do for a forge next.
    async fn next_due_of(&self, client: &Client) -> Result<Option<Timestamp>, StoreError> {
        let paused = client.health().paused_projects;
        let names: Vec<String> = paused.keys().cloned().collect();
        let due = self.store.next_outbox_due_of(client.name(), &names).await?;
        let now = self.clock.now();
        let opens = match client.may_begin(Urgency::Now) {
            Some(at) => at,
            None => client.may_begin(Urgency::Ordinary).unwrap_or(now),
        };
        let due = due.map(|due| if due <= now && opens <= now { due } else { due.max(opens) });
        let next = due.into_iter().chain(paused.into_values().min().map(|at| at.max(opens))).min();
        Ok(next.map(|at| self.closed_until(client.name()).map_or(at, |open| open.max(at))))
    }

    /// Empties the outbox until `stop`, each forge by hands of its own: one that is slow or down must not
    /// hold up the other. Actions for a forge that is not configured stay where they are.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut loops = tokio::task::JoinSet::new();
        let of_forges = self.clients.values().flat_map(|client| {
            let hands = 1..=self.hands(client.name());
            hands.map(|hand| (format!("courier of {} ({hand})", client.name()), Some(client.clone())))
        });
        for (name, client) in of_forges.chain([("courier of announcements".to_owned(), None)]) {
            let (courier, until) = (self.clone(), stop.clone());
            loops.spawn(self.tasks.clone().keep(name, stop.clone(), move || {
                let (courier, client, until) = (courier.clone(), client.clone(), until.clone());
                async move { courier.run_lane(client.as_ref(), until).await }
            }));
        }
        loops.join_all().await;
    }

    /// Writes down how an action went. While the store is busy or fails this is tried again here: the
    /// row is leased, so nobody else would for minutes.
    async fn settle(&self, item: &OutboxItem, settlement: Settlement) -> Result<(), StoreError> {
        loop {
            let settled = self.store.settle(item, settlement.clone(), self.clock.now()).await;
            match settled {
                Err(error) if error.may_pass() && self.clock.now() < item.leased_until => {
                    let (change, kind) = (&item.change, &item.kind);
                    tracing::warn!(%change, kind, %error, "how an action went cannot be kept yet; trying again");
                    self.clock.sleep_until(self.clock.now() + STORE_PATIENCE).await;
                }
                settled => return settled,
            }
        }
    }

    /// An action for which the store could not be asked: nothing was sent.
    fn not_begun(&self, item: &OutboxItem, error: &StoreError) -> Settlement {
        let at = self.clock.now() + SignedDuration::from_secs(1);
        let outcome_unknown = item.outcome_unknown;
        Settlement::Retry { at, error: error.to_string(), outcome_unknown, counts: false, facts: Vec::new() }
    }

    /// Drains one forge's actions, or the announcements, and says when there is more to do.
    async fn drain_lane(
        &self,
        client: Option<&Client>,
        stop: &CancellationToken,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(client) = client else {
            self.drain_announcements(stop).await?;
            return self.store.next_announcement_due().await;
        };
        let served = self.serve(client, stop).await?;
        let next = self.next_due_of(client).await?;
        // Whatever keeps it from being taken: nobody looks again and again at what is due.
        let soonest = if served == 0 { self.clock.now() + IDLE } else { Timestamp::MIN };
        Ok(next.map(|next| next.max(soonest)))
    }

    /// Drains one lane whenever it is woken or a retry is due.
    async fn run_lane(&self, client: Option<&Client>, stop: CancellationToken) {
        let lane = client.map_or("announcements", Client::name);
        let mut wakeup = self.wakeups.outbox.listen();
        while !stop.is_cancelled() {
            let next = match self.drain_lane(client, &stop).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(lane, %error, "the courier cannot reach the store; trying again");
                    tokio::select! {
                        () = self.clock.sleep_until(self.clock.now() + STORE_PATIENCE) => continue,
                        () = stop.cancelled() => return,
                    }
                }
            };
            let due = async {
                match next {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wakeup.woken() => {}
                () = due => {}
                () = tokio::time::sleep(LONGEST_NAP) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// How the forge is asked for the change of an action. Another project may have the path by now: what is
    /// written by a path that nobody told of in the last hour is written after the project was looked up by
    /// its number, and so is whatever is asked where the path is not known.
    async fn called(
        &self,
        client: &Client,
        item: &OutboxItem,
        write: &Write,
    ) -> Result<Result<ChangeKey, ForgeFault>, StoreError> {
        let (change, now) = (self.store.called(item)?, self.clock.now());
        let Some(known) = self.store.project_of(&change)? else { return Ok(Ok(change)) };
        let reads = write.is_read();
        if known.seen_at.is_some_and(|at| reads || now.duration_since(at) <= PATH_BELIEVED_FOR) {
            return Ok(Ok(change));
        }
        let place = match client.whereabouts(&change.project, Some(known.number)).await {
            Ok(place) => place.project,
            Err(fault) => return Ok(Err(fault)),
        };
        if self.store.learn_project(&change.forge, known.number, &place, now).await? {
            self.wakeups.alarm.wake();
        }
        Ok(Ok(ChangeKey { project: place, ..change }))
    }

    /// What becomes of a ping whose hours are over, or, after a clock was set back, have not come yet: nobody was
    /// told, and the core decides again by the clock that is right now.
    async fn out_of_time(
        &self,
        client: &Client,
        item: &OutboxItem,
    ) -> Result<Option<Settlement>, StoreError> {
        let now = self.clock.now();
        let Some(named) = item.action.names() else { return Ok(None) };
        if (item.created_at..=named.not_after).contains(&now) {
            return Ok(None);
        }
        if item.outcome_unknown {
            // Who was told already must not be told again, nor be taken for somebody whom nobody told.
            let marker = ping_marker(named.key);
            let change = self.store.called(item)?;
            match client.find_comment(&change, &marker).await {
                Ok(None) => {}
                Ok(Some(id)) => {
                    return Ok(Some(Settlement::Done { comment: Some((marker, id)), facts: Vec::new() }));
                }
                Err(fault) => return Ok(Some(settle::fault(&self.clock, item, fault))),
            }
        }
        tracing::info!(change = %item.change, named.person, "a ping was not sent in its hours");
        let not_after = now.min(named.not_after);
        let lapsed = Fact::Lapsed { key: named.key.to_owned(), not_after };
        Ok(Some(Settlement::Dropped { facts: vec![lapsed] }))
    }

    /// One attempt at one action.
    async fn attempt(&self, client: &Client, item: &OutboxItem) -> Result<Settlement, StoreError> {
        if let Some(settled) = self.out_of_time(client, item).await? {
            return Ok(settled);
        }
        let Some((write, broken)) = write_of(&item.action, &self.templates.load()) else {
            return Ok(settle::fault(&self.clock, item, ForgeFault::misdirected()));
        };
        let marker = match &write {
            Write::Comment(comment) => Some(comment.marker()),
            Write::ReadFiles { .. }
            | Write::Look
            | Write::ReadThreads
            | Write::Desired(_)
            | Write::React { .. } => None,
        };
        let comment_id = match &marker {
            Some(marker) => self.store.comment_of(item, marker).await?,
            None => None,
        };
        let change = match self.called(client, item, &write).await? {
            Ok(change) => change,
            Err(fault) => return Ok(settle::fault(&self.clock, item, fault)),
        };
        let hint = Hint { comment_id, look_up: item.outcome_unknown };
        Ok(match client.perform(&change, &write, hint).await {
            Ok(Performed { comment, mut facts }) => {
                facts.extend(broken.map(|broken| template_broken(&broken)));
                Settlement::Done { comment: marker.zip(comment), facts }
            }
            Err(fault) => settle::fault(&self.clock, item, fault),
        })
    }
}

/// A template that breaks stops nothing: the built-in words went out, and the fault comes back.
fn template_broken(broken: &TemplateFault) -> Fact {
    Fact::TemplateBroken { template: broken.text.word().to_owned(), fault: broken.to_string() }
}

/// What is asked of a forge for an action: here its words are made. Also why a template of the company
/// was not used. `None`: it is not for a forge.
fn write_of(action: &Action, templates: &Templates) -> Option<(Write, Option<TemplateFault>)> {
    let worded = |words::Worded { comment, fault }| (Write::Comment(comment), fault);
    Some(match action {
        Action::ReadFiles { codeowners } => (Write::ReadFiles { codeowners: codeowners.clone() }, None),
        Action::Look => (Write::Look, None),
        Action::ReadThreads => (Write::ReadThreads, None),
        Action::Desired(shape) => (Write::Desired(shape.clone()), None),
        Action::Status(view) => worded(words::status(templates, view)),
        Action::Ping(ping) => worded(words::ping(templates, ping)),
        Action::Reply(reply) => (Write::Comment(words::reply(reply)), None),
        Action::Comment(comment) => (Write::Comment(comment.clone()), None),
        Action::React { comment, place } => (Write::React { comment: *comment, place: *place }, None),
        Action::Announce(_) => return None,
    })
}

/// The least urgent action that the forge would let through now, if any.
fn least_urgent(client: &Client) -> Option<store::OutboxUrgency> {
    if client.may_begin(Urgency::Ordinary).is_none() {
        return Some(store::OutboxUrgency::Edit);
    }
    client.may_begin(Urgency::Now).is_none().then_some(store::OutboxUrgency::Ping)
}
