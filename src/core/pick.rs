//! The choice of a reviewer: every member of the pool is judged, and the best of the rest is chosen.
//!
//! The order among those who can be asked: owners of changed files (where a route follows
//! CODEOWNERS), then soonest next working time, then smallest open workload
//! against capacity, then least recently asked, then a stable hash of change and name. There is no
//! randomness, so the same question has the same answer.

use jiff::Timestamp;

use super::candidate::{Candidate, Standing};
use super::change::ChangeKey;
use super::people::Person;
use super::policy::Pool;
use super::queue::Outlook;
use super::review::{Ended, Review};
use super::world::World;

/// Beyond this age it no longer matters when somebody was last asked: whoever was on leave for
/// weeks does not come back as "least recently asked of all", ahead of everybody on every change.
const MEMORY_MILLIS: i64 = 5 * 24 * 3_600_000;

/// A member's place in the queue; the smallest is chosen.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Owners of changed files come first.
    owns_nothing: bool,
    free_at: Timestamp,
    /// Open reviews per thousand of capacity.
    load: u32,
    /// Milliseconds of forgotten-ness, negated: the longer ago, the smaller.
    recency: i64,
    tie: u64,
}

/// The outcome of judging a pool: the name of who was chosen, and the verdict on everybody, in the
/// order of their names.
pub struct Choice {
    pub chosen: Option<String>,
    pub candidates: Vec<Candidate>,
}

/// Judges every member of `pool` for `review`. `exempt` may name one person whose earlier end on
/// this change does not count, because a human asked for them.
pub fn pick(world: &World<'_>, review: &Review, pool: &Pool, exempt: Option<&str>) -> Choice {
    let members = world.directory.pool(&pool.name);
    let part = review.pools.iter().find(|part| part.pool == pool.name);
    let owners = part.map_or(&[][..], |part| &part.owners);
    let mut best: Option<(Rank, usize)> = None;
    let mut candidates = Vec::with_capacity(members.len());
    let outlook = Outlook::new(world, review, pool);
    for name in members {
        let Some(person) = world.directory.by_name(name) else { continue };
        let standing = outlook.weigh(judge(world, review, pool, person, exempt), name);
        let owner = owners.iter().find(|owner| owner.person == *name);
        if let Standing::Free { free_at, open, capacity } = standing {
            let rank = Rank {
                owns_nothing: owner.is_none(),
                ..rank(world, &review.change, person, free_at, open, capacity)
            };
            if best.as_ref().is_none_or(|(first, _)| rank < *first) {
                best = Some((rank, candidates.len()));
            }
        }
        let owns = owner.map(|owner| owner.path.clone());
        candidates.push(Candidate { person: name.clone(), standing, owns });
    }
    let chosen = best.map(|(_, index)| {
        let candidate = &mut candidates[index];
        if let Standing::Free { free_at, open, capacity } = candidate.standing {
            candidate.standing = Standing::Chosen { free_at, open, capacity };
        }
        candidate.person.clone()
    });
    Choice { chosen, candidates }
}

/// The verdict on one member.
fn judge(world: &World<'_>, review: &Review, pool: &Pool, person: &Person, exempt: Option<&str>) -> Standing {
    let Some(account) = &person.account else { return Standing::UnknownOnForge };
    if *account == review.author || review.author_name.as_ref() == Some(&person.name) {
        return Standing::Author;
    }
    if exempt != Some(person.name.as_str())
        && let Some(standing) = past(review, person)
    {
        return standing;
    }
    if exempt != Some(person.name.as_str()) && world.workloads.no_access.contains(&person.name) {
        return Standing::NoAccess;
    }
    let agenda = person.agenda();
    if let Some(until) = agenda.away_until(world.now) {
        return Standing::Away { until };
    }
    let Some(free_at) = agenda.next_working(world.now) else { return Standing::NeverWorks };
    if let Some(from) = leave_soon(person, world.now) {
        return Standing::LeaveSoon { from };
    }
    let open = world.workloads.of(&person.name).open;
    let capacity = person.capacity.unwrap_or(pool.capacity);
    if open >= capacity {
        return Standing::AtCapacity { open, capacity };
    }
    Standing::Free { free_at, open, capacity }
}

/// What earlier assignments of this change say about the person.
fn past(review: &Review, person: &Person) -> Option<Standing> {
    let mut own = review.assignments.iter().filter(|assignment| assignment.person == person.name);
    own.next_back().map(|assignment| match assignment.ended {
        None => Standing::AlreadyAsked,
        Some((_, Ended::Declined)) => Standing::Declined,
        Some((_, Ended::Refused(_))) => Standing::NoAccess,
        Some((_, Ended::Removed | Ended::Reassigned)) => Standing::HadTurn,
    })
}

/// The first day of a leave that begins before the person will have worked one whole day from now.
fn leave_soon(person: &Person, now: Timestamp) -> Option<jiff::civil::Date> {
    let from = person.agenda().next_leave(now)?;
    // Counted without the leave itself, so that the leave cannot push its own buffer away.
    let undisturbed = super::calendar::Agenda::new(&person.hours, &[]);
    let worked = undisturbed.add(now, person.hours.longest_day_millis())?;
    (from <= undisturbed.date(worked)).then_some(from)
}

fn rank(
    world: &World<'_>,
    change: &ChangeKey,
    person: &Person,
    free_at: Timestamp,
    open: u32,
    capacity: u32,
) -> Rank {
    let asked = world.workloads.of(&person.name).last_asked;
    let age = asked.map_or(MEMORY_MILLIS, |at| world.now.as_millisecond() - at.as_millisecond());
    Rank {
        owns_nothing: true,
        free_at,
        load: open.saturating_mul(1000) / capacity.max(1),
        recency: -age.clamp(0, MEMORY_MILLIS),
        tie: tie_break(change, &person.name),
    }
}

/// FNV-1a over change and name: stable across versions, machines and restarts.
pub(super) fn tie_break(change: &ChangeKey, name: &str) -> u64 {
    fingerprint([change.forge.as_str(), &change.project, &change.number.to_string(), name])
}

/// FNV-1a over texts, each followed by a byte that cannot occur in UTF-8.
pub fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
