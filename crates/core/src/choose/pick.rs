//! The choice of a reviewer: every member of the pool is judged, and the best of the rest is chosen.
//!
//! The order among those who can be asked (in `rank.rs`): whoever came back and had their share comes
//! last; then owners of changed files, where a route follows CODEOWNERS; then the soonest answer that can be expected, in steps of half a working day; then the
//! smallest load (in halves of a review) against capacity; then who was asked least, for what they can carry, in the
//! last two weeks; then the soonest answer exactly, who was asked longest ago, and a stable hash of
//! change and name. There is no randomness, so the same question has the same answer.

use jiff::Timestamp;

use super::queue::Outlook;
use super::rank::{Back, Ranking, Shares, capacity, rank};
use crate::model::calendar::Agenda;
use crate::model::candidate::{Candidate, Criterion, DecidedBy, Judgement};
use crate::model::people::Person;
use crate::model::policy::Pool;
use crate::model::review::{Ended, Review};
use crate::model::world::World;

/// The outcome of judging a pool: the name of who was chosen, and the verdict on everybody, in the
/// order of their names.
pub struct Choice {
    pub chosen: Option<String>,
    /// What decided for them.
    pub decided_by: DecidedBy,
    pub candidates: Vec<Candidate>,
}

/// The best place so far, whose it is, and the next best.
#[derive(Default)]
struct Podium {
    best: Option<(Ranking, usize)>,
    next: Option<Ranking>,
}

impl Podium {
    fn enter(&mut self, rank: Ranking, index: usize) {
        let beaten = match self.best {
            Some((best, _)) if best <= rank => rank,
            before => {
                self.best = Some((rank, index));
                let Some((best, _)) = before else { return };
                best
            }
        };
        self.next = Some(self.next.map_or(beaten, |next| next.min(beaten)));
    }

    /// Who is chosen, and what decided for them.
    fn winner(&self) -> Option<(usize, Criterion)> {
        let (best, index) = self.best?;
        Some((index, self.next.map_or(Criterion::OnlyOne, |next| best.decided_against(&next))))
    }
}

/// Judges every member of `pool` for `review`. `exempt` may name one person whose earlier end on
/// this change does not count, because a human asked for them.
pub fn pick(world: &World<'_>, review: &Review, pool: &Pool, exempt: Option<&str>) -> Choice {
    let members = world.directory.pool(&pool.name);
    let shares = Shares::new(world, pool);
    let part = review.planned.pools.iter().find(|part| part.pool == pool.name);
    let owners = part.map_or(&[][..], |part| &part.owners);
    let mut podium = Podium::default();
    let mut candidates = Vec::with_capacity(members.len());
    let outlook = Outlook::new(world, review, pool);
    for name in members {
        let Some(person) = world.directory.asked_by(&pool.name, name) else { continue };
        let standing = outlook.weigh(judge(world, review, pool, &shares, person, exempt), name);
        let owner = owners.iter().find(|owner| owner.person == *name);
        let had_share = matches!(standing, Judgement::EasedIn { .. });
        if let Some((_, open, capacity)) = standing.askable() {
            let first = (had_share, owner.is_none());
            podium.enter(rank(world, review, person, open, capacity, first), candidates.len());
        }
        let owns = owner.map(|owner| owner.path.clone());
        candidates.push(Candidate { person: name.clone(), standing, owns });
    }
    let winner = podium.winner();
    let decided_by = DecidedBy(winner.map(|(_, criterion)| criterion));
    let chosen = winner.and_then(|(index, _)| candidates.get_mut(index)).map(|candidate| {
        if let Some((free_at, open, capacity)) = candidate.standing.askable() {
            candidate.standing = Judgement::Chosen { free_at, open, capacity, decided_by };
        }
        candidate.person.clone()
    });
    Choice { chosen, decided_by, candidates }
}

/// The verdict on one member.
fn judge(
    world: &World<'_>,
    review: &Review,
    pool: &Pool,
    shares: &Shares,
    person: &Person,
    exempt: Option<&str>,
) -> Judgement {
    let Some(account) = &person.account else { return Judgement::UnknownOnForge };
    if review.is_authors(account) || review.author_name.as_ref() == Some(&person.name) {
        return Judgement::Author;
    }
    if exempt != Some(person.name.as_str())
        && let Some(standing) = past(review, person)
    {
        return standing;
    }
    if exempt != Some(person.name.as_str()) && world.workloads.no_access.contains(&person.name) {
        return Judgement::NoAccess;
    }
    let agenda = person.agenda();
    if let Some(until) = agenda.away_until(world.now) {
        return Judgement::Away { until };
    }
    if let Some(busy) = person.busy.filter(|busy| busy.counts(world.now)) {
        return Judgement::Busy { says: busy.says, until: busy.until };
    }
    let Some(free_at) = agenda.next_working(world.now) else { return Judgement::NeverWorks };
    if let Some(from) = leave_soon(person, world.now) {
        return Judgement::LeaveSoon { from };
    }
    let load = world.workloads.of(&person.name);
    let (open, capacity) = (load.open, capacity(person, pool));
    if open.room_for(capacity) == 0 {
        return Judgement::AtCapacity { open, capacity };
    }
    match shares.had_by(person, &load, capacity, world.now) {
        Some(Back { since, asked }) => Judgement::EasedIn { since, asked, free_at, open, capacity },
        None => Judgement::Free { free_at, open, capacity },
    }
}

/// What earlier assignments of this change say about the person.
fn past(review: &Review, person: &Person) -> Option<Judgement> {
    let mut own = review.planned.assignments.iter().filter(|assignment| assignment.person == person.name);
    own.next_back().and_then(|assignment| match assignment.ended {
        None => Some(Judgement::AlreadyAsked { decided_by: assignment.decided_by }),
        Some((_, Ended::Declined)) => Some(Judgement::Declined),
        Some((_, Ended::Refused(_))) => Some(Judgement::NoAccess),
        Some((_, Ended::Removed | Ended::Reassigned)) => Some(Judgement::HadTurn),
        // Their calendar says whether they are there.
        Some((_, Ended::Away | Ended::Left)) => None,
    })
}

/// The first day of a leave that takes away something of the person's next whole day of work: a
/// business day, not 24 hours, and counted from when they work next. Leave on days that are free
/// anyway takes nothing.
fn leave_soon(person: &Person, now: Timestamp) -> Option<jiff::civil::Date> {
    // When their forge is closed does not matter here: they work all the same.
    let agenda = Agenda::new(&person.hours, &person.away);
    let from = agenda.next_leave(now)?;
    let day = person.hours.longest_day_millis();
    let undisturbed = Agenda::new(&person.hours, &[]).add(now, day)?;
    (agenda.add(now, day) != Some(undisturbed)).then_some(from)
}
