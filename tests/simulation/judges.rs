//! The laws, as they show from outside: on the forges, in the store, and from one look to the next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::Connection;
use usher_core::model::change::{Account, ChangeKey, ChangeState};
use usher_core::model::reason::Reason;
use usher_core::model::review::{Ended, Origin, Review, Routing, Stage};
use usher_sandbox::{ChangeRef, ChangeSnapshot, Forge};

use super::standing;
use super::world::{Broken, World};
use crate::company::{BOT, BOTH, name};

/// One change, by forge and number: its project may be renamed.
type Which = (Forge, u64);

/// So many deliveries come again at the end.
const TOLD_AGAIN: usize = 5;
/// No row waits longer than this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(26);

#[derive(Default)]
pub struct Judges {
    /// Entries of the sandbox's log that were looked at.
    seen: usize,
    /// Who asked this person last: a human, or Usher.
    asked_by_human: BTreeMap<(Which, String), bool>,
    /// Labels that a human put on last.
    labels_by_human: BTreeSet<(Which, String)>,
    /// Who declined, or was refused, and was asked by no human since.
    declined: BTreeSet<(Which, String)>,
    /// Comments by Usher so far.
    comments: BTreeMap<Which, usize>,
    /// What humans did to a change, in the log's words, and how often.
    human: BTreeMap<(Which, String), u64>,
    /// What Usher took for a human's act, in the same words.
    taken_for_human: BTreeMap<(Which, String), u64>,
    /// The last ledger row that was looked at.
    ledger: i64,
}

impl Judges {
    /// After every step.
    pub async fn look(&mut self, world: &mut World) -> Result<(), Broken> {
        self.read_log(world)?;
        for forge in BOTH {
            for change in world.company.sandbox.changes(forge) {
                let shown =
                    world.company.sandbox.snapshot(&change).map_err(|refusal| format!("{refusal:?}"))?;
                no_comment_twice(&change, &shown)?;
                if let Some(review) = world.review(&change).await? {
                    self.look_at(&change, &review)?;
                    let policy = world.running().service.shared.snapshot().policy.clone();
                    let laws = standing::somebody_has_the_ball(&review, &policy)
                        .and_then(|()| standing::ready_is_ready(&review, &policy));
                    laws.map_err(|broken| format!("{change}: {broken}"))?;
                }
            }
        }
        Ok(())
    }

    /// Laws 1, 2 and 4, by what happened on the forges.
    fn read_log(&mut self, world: &World) -> Result<(), Broken> {
        let log = world.company.sandbox.log_since(self.seen);
        self.seen += log.len();
        for entry in log {
            let which = (entry.change.forge, entry.change.number);
            let by_usher = entry.actor == BOT;
            let of = |person: &str| (which, person.to_owned());
            if !by_usher {
                *self.human.entry(of(&entry.what)).or_default() += 1;
            }
            let author = world.opened.iter().find(|(forge, number, _)| (*forge, *number) == which);
            let author = author.map_or("", |(_, _, author)| author);
            if let Some(person) =
                entry.what.strip_prefix("requested a review from ").or(entry.what.strip_prefix("asked "))
            {
                let person = person.strip_suffix(" again").unwrap_or(person);
                if by_usher && person == author {
                    return Err(format!("law 1: {person} was asked to review {}", entry.change));
                }
                self.asked_by_human.insert(of(person), !by_usher);
                if !by_usher {
                    self.declined.remove(&of(person));
                }
            }
            if let Some(person) = entry.what.strip_prefix("removed the review request for ")
                && by_usher
                && self.asked_by_human.get(&of(person)) == Some(&true)
            {
                return Err(format!("law 4: {person}, whom a person asked, was taken off {}", entry.change));
            }
            if let Some(label) = entry.what.strip_prefix("added the label ") {
                if by_usher {
                    self.labels_by_human.remove(&of(label));
                } else {
                    self.labels_by_human.insert(of(label));
                }
            }
            if let Some(label) = entry.what.strip_prefix("removed the label ")
                && by_usher
                && self.labels_by_human.contains(&of(label))
                && !label.contains("::")
                && label != "support-review-skip"
            {
                return Err(format!("law 4: the label {label}, by a person, came off {}", entry.change));
            }
            if by_usher && entry.what.starts_with("commented: ") {
                let nth = self.comments.entry(which).or_default();
                *nth += 1;
                let shown =
                    world.change(which.0, which.1).map(|change| world.company.sandbox.snapshot(&change));
                let Some(Ok(shown)) = shown else { continue };
                let comments = shown.comments_by(BOT);
                let Some(comment) = comments.get(*nth - 1) else { continue };
                // An answer to a question is wanted at any hour.
                let pings =
                    comment.body.contains("usher:ping:") && !comment.body.contains("usher:ping:reply-");
                if pings && !is_working(entry.at) {
                    return Err(format!("law 2: {} at {}: {}", entry.change, entry.at, comment.body));
                }
            }
        }
        Ok(())
    }

    /// Laws 1 and 3, by what Usher has written down.
    fn look_at(&mut self, change: &ChangeRef, review: &Review) -> Result<(), Broken> {
        let which = (change.forge, change.number);
        for assignment in &review.planned.assignments {
            let person = (which, assignment.account.login.clone());
            if assignment.account == review.author {
                return Err(format!("law 1: the author of {change} is to review it"));
            }
            match assignment.ended {
                Some((_, Ended::Declined | Ended::Refused(_))) => {
                    self.declined.insert(person);
                }
                None if matches!(assignment.origin, Origin::Picked | Origin::Widened)
                    && self.declined.contains(&person) =>
                {
                    return Err(format!("law 3: {} is asked for {change} again", person.1));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Law 12: what Usher took for a human's act, a human did, and as often.
    fn take_for_human(&mut self, world: &World, change: &str, reason: &Reason) -> Result<(), Broken> {
        let policy = world.running().service.shared.snapshot().policy.clone();
        let labels = &policy.labels;
        let act = match reason {
            Reason::LabelTakenOff { label } => format!("removed the label {label}"),
            Reason::ReviewerTakenOff { person } => format!("removed the review request for {person}"),
            Reason::StageSet { stage } => {
                format!("added the label {}", labels.of(*stage).unwrap_or_default())
            }
            Reason::Skipped { by: None } => format!("added the label {}", labels.skip),
            _ => return Ok(()),
        };
        let known = change.split_once(':').zip(change.rsplit_once('!'));
        let forge = known.and_then(|((forge, _), _)| BOTH.into_iter().find(|one| name(*one) == forge));
        let number = known.and_then(|(_, (_, number))| number.parse().ok());
        let (Some(forge), Some(number)) = (forge, number) else {
            return Err(format!("the ledger speaks of {change}"));
        };
        let of = ((forge, number), act);
        let done = self.human.get(&of).copied().unwrap_or_default();
        let taken = self.taken_for_human.entry(of.clone()).or_default();
        *taken += 1;
        if *taken > done {
            return Err(format!(
                "law 12: {change}: Usher believes that a human {}, {taken} times of {done}",
                of.1
            ));
        }
        Ok(())
    }

    /// Laws 7, 9 and 12, by what is stored: an action has a reason, an acknowledged delivery is there, and
    /// nothing was taken for a human's act that no human did. Before anything is thrown away, and at quiet.
    pub async fn read_store(&mut self, world: &World) -> Result<(), Broken> {
        self.read_log(world)?;
        let failed = |error: sqlx::Error| format!("the store cannot be looked at: {error}");
        let mut look = world.look_into_store().await?;
        let rows: Vec<(i64, String, String, String)> =
            sqlx::query_as("SELECT seq, change, reasons, actions FROM ledger WHERE seq > $1 ORDER BY seq")
                .bind(self.ledger)
                .fetch_all(&mut look)
                .await
                .map_err(failed)?;
        for (seq, change, reasons, actions) in rows {
            self.ledger = seq;
            let why: Vec<Reason> = serde_json::from_str(&reasons)
                .map_err(|error| format!("the ledger cannot be read: {error}: {reasons}"))?;
            for reason in &why {
                self.take_for_human(world, &change, reason)?;
            }
            if actions != "[]" && reasons == "[]" {
                return Err(format!("law 7: {actions} without a reason"));
            }
        }
        let kept: Vec<String> =
            sqlx::query_scalar("SELECT delivery_id FROM inbox WHERE delivery_id IS NOT NULL")
                .fetch_all(&mut look)
                .await
                .map_err(failed)?;
        let kept: BTreeSet<String> = kept.into_iter().collect();
        let young = world.now() - SignedDuration::from_hours(7 * 24);
        for (id, at) in &world.acknowledged {
            if *at > young && !kept.contains(id) {
                return Err(format!("law 9: the delivery {id} was acknowledged and is gone"));
            }
        }
        look.close().await.map_err(failed)
    }

    /// Law 5: what was told already is told again, under other names and in another order, and nothing
    /// more is done.
    pub async fn told_again(&mut self, world: &mut World) -> Result<(), Broken> {
        let sandbox = world.company.sandbox.clone();
        let last: Vec<String> = world.delivered.iter().rev().take(TOLD_AGAIN).cloned().collect();
        let again = last.iter().filter(|id| sandbox.redeliver(id)).count();
        sandbox.duplicate_pending_under_new_ids();
        sandbox.shuffle_pending(again as u64);
        world.settle().await?;
        match sandbox.log_since(self.seen).into_iter().find(|entry| entry.actor == BOT) {
            Some(entry) => {
                Err(format!("law 5: {} {} when it was told the same again", entry.change, entry.what))
            }
            None => Ok(()),
        }
    }

    /// When nobody has anything left to do.
    pub async fn at_quiet(&self, world: &mut World) -> Result<(), Broken> {
        let store = world.running().service.store.clone();
        let counts = store.counts().await.map_err(|error| error.to_string())?;
        if counts.undecided > world.unreadable {
            return Err(format!("{} facts wait for ever", counts.undecided - world.unreadable));
        }
        let next = world.running().service.next_due().await.map_err(|error| error.to_string())?;
        if counts.pending > 0 && next.is_none_or(|next| next > world.now() + LONGEST_WAIT) {
            return Err(format!("{} actions wait for ever", counts.pending));
        }
        for (forge, number, author) in world.opened.clone() {
            let Some(change) = world.change(forge, number) else { continue };
            let shown = world.company.sandbox.snapshot(&change).map_err(|refusal| format!("{refusal:?}"))?;
            let Some(review) = world.review(&change).await? else {
                let key = ChangeKey::new(name(forge), change.project.clone(), number);
                let listed = !world.archived.contains(name(forge));
                if listed
                    && is_support(world, forge, author)
                    && shown.state == usher_sandbox::ChangeState::Open
                {
                    return Err(format!("law 6: nothing is known of {key} by {author}"));
                }
                continue;
            };
            if !is_given_up(world, &change).await? {
                agrees(world, &change, &shown, &review)?;
            }
            verdicts_are_true(&change, &shown, &review)?;
            threads_are_true(&change, &shown, &review)?;
            somebody_acts(world, &change, &review)?;
        }
        Ok(())
    }
}

/// What was given up, or fails again and again, is shown to the operator with its reason.
async fn is_given_up(world: &World, change: &ChangeRef) -> Result<bool, Broken> {
    let failed = |error: sqlx::Error| format!("the store cannot be looked at: {error}");
    let mut look = world.look_into_store().await?;
    let dead: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE error IS NOT NULL AND change LIKE $1")
            .bind(format!("{}:%!{}", name(change.forge), change.number))
            .fetch_one(&mut look)
            .await
            .map_err(failed)?;
    look.close().await.map_err(failed)?;
    Ok(dead > 0)
}

fn is_support(world: &World, forge: Forge, author: &str) -> bool {
    let known = world.running().service.shared.snapshot();
    let person = known.forge(name(forge)).and_then(|forge| forge.directory.by_name(author).cloned());
    person.is_some_and(|person| person.support)
}

/// Monday to Friday, 09:00 to 17:30 in London, as everybody here works.
fn is_working(at: Timestamp) -> bool {
    let there = at.to_zoned_datetime(TimeZone::get("Europe/London").expect("a zone of the bundled database"));
    let minute = i32::from(there.hour()) * 60 + i32::from(there.minute());
    there.weekday().to_monday_one_offset() <= 5 && (540..=1_050).contains(&minute)
}

/// Law 9: by the hidden markers.
fn no_comment_twice(change: &ChangeRef, shown: &ChangeSnapshot) -> Result<(), Broken> {
    let mut markers: BTreeMap<&str, usize> = BTreeMap::new();
    for comment in shown.comments_by(BOT) {
        *markers.entry(comment.body.lines().next().unwrap_or_default()).or_default() += 1;
    }
    match markers.iter().find(|(_, times)| **times > 1) {
        Some((marker, times)) => Err(format!("law 9: {change} has {marker} {times} times")),
        None => Ok(()),
    }
}

/// Law 8: the forge shows what the review wants.
fn agrees(world: &World, change: &ChangeRef, shown: &ChangeSnapshot, review: &Review) -> Result<(), Broken> {
    let ended = shown.state != usher_sandbox::ChangeState::Open;
    if review.seen.unreachable.is_some() {
        return Ok(());
    }
    if ended != (review.seen.state != ChangeState::Open) {
        return Err(format!("law 8: {change} is {:?}, Usher believes {:?}", shown.state, review.seen.state));
    }
    if review.said.hold.is_some()
        || review.done.applied_again >= 3
        || review.seen.blocked.is_some()
        || review.planned.routing == Routing::ReadingFiles
    {
        return Ok(());
    }
    let wanted = &review.done.last_applied;
    let labels: BTreeSet<String> = shown.labels.iter().cloned().collect();
    let reviewers: BTreeSet<&str> = shown.reviewer_logins().into_iter().collect();
    let listed = |account: &Account| reviewers.contains(account.login.as_str());
    // On GitHub who has reviewed is taken off the list.
    let spoke =
        |account: &Account| change.forge == Forge::Github && shown.reviewed_by.contains(&account.login);
    let unheard = review.active().find(|assignment| {
        let known = review.said.verdicts.get(&assignment.account.id).and_then(|verdicts| verdicts.verdict);
        known.is_none() && shown.approved_by.contains(&assignment.account.login)
    });
    let policy = world.running().service.shared.snapshot().policy.clone();
    let stage = policy.labels.of(review.done.stage).map(str::to_owned);
    let stage = stage.filter(|label| !review.said.hands_off.contains(label));
    let checks = [
        (wanted.labels.is_subset(&labels), "labels are missing"),
        (wanted.not_labels.is_disjoint(&labels), "labels are there still"),
        (wanted.reviewers.iter().all(|one| listed(one) || spoke(one)), "reviewers are missing"),
        (!wanted.not_reviewers.iter().any(listed), "reviewers are there still"),
        (unheard.is_none() || ended, "an approval was not heard"),
        (stage.is_none_or(|label| labels.contains(&label)), "the label of the stage is missing"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(format!(
            "law 8: {change}, {:?}: {what}: {labels:?}, {reviewers:?}, wanted {wanted:?}",
            review.done.stage
        )),
        None => Ok(()),
    }
}

/// Law 11 by what the forge shows: what is called ready has an approval there, and nobody's request for changes
/// stands.
fn verdicts_are_true(change: &ChangeRef, shown: &ChangeSnapshot, review: &Review) -> Result<(), Broken> {
    if !standing::is_called_ready(review) || shown.state != usher_sandbox::ChangeState::Open {
        return Ok(());
    }
    for own in &review.planned.assignments {
        let overruled = review.verdicts_of(&own.account).is_overruled();
        if !overruled && shown.changes_requested_by.contains(&own.account.login) {
            return Err(format!(
                "law 11: {} asks for changes on {change}, and it is called ready",
                own.person
            ));
        }
    }
    for part in &review.planned.pools {
        let mut asked = review.active_in(&part.pool);
        if !asked.any(|own| shown.approved_by.contains(&own.account.login)) {
            return Err(format!("law 11: {change} is called ready, and nobody of {} approves", part.pool));
        }
    }
    Ok(())
}

/// Law 13 by what the forge shows: the threads that are said to be open are open there.
fn threads_are_true(change: &ChangeRef, shown: &ChangeSnapshot, review: &Review) -> Result<(), Broken> {
    for own in review.requesters().filter(|_| review.is_live()) {
        let theirs = shown.comments.iter().filter(|comment| comment.author == own.account.login);
        let open = theirs.filter(|comment| comment.resolved == Some(false)).count();
        let said = review.verdicts_of(&own.account).threads.open;
        if said.is_some_and(|said| said as usize != open) {
            return Err(format!("law 13: {change}: {open} threads of {} are open, not {said:?}", own.person));
        }
    }
    Ok(())
}

/// Law 6: an open change has somebody who reviews it, or a reason why not, and a time to look again.
fn somebody_acts(world: &World, change: &ChangeRef, review: &Review) -> Result<(), Broken> {
    let open = review.seen.state == ChangeState::Open && !review.seen.draft && review.tracked;
    if !open || review.seen.unreachable.is_some() {
        return Ok(());
    }
    let skipped = matches!(review.said.hold, Some(usher_core::model::review::Hold::Skip));
    let somebody = review.active().next().is_some();
    if !skipped && !somebody && review.done.stage == Stage::Reviewing {
        return Err(format!("law 6: {change} is reviewed by nobody"));
    }
    if !skipped && !somebody && review.planned.wake.is_none() {
        return Err(format!("law 6: nobody looks at {change} again, {:?}", review.done.stage));
    }
    if review.planned.wake.is_some_and(|wake| wake <= world.now()) {
        return Err(format!("law 7: {change} was due at {:?}", review.planned.wake));
    }
    Ok(())
}
