//! Nobody comes home from leave to a flood, whoever else is in the pool and whatever comes in.

use std::sync::Arc;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use usher_core::choose::pick::pick;
use usher_core::model::calendar::{Away, Hours};
use usher_core::model::candidate::Judgement;
use usher_core::model::load::Load;
use usher_core::model::review::Review;
use usher_core::model::world::World;

use super::config;
use crate::support::company::{ACCOUNTS, Company, pool, zone};

const FIRST_DAY: Date = date(2026, 10, 5);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One member: capacity, time zone, and leaves as first day and length.
#[derive(Clone, Debug)]
struct Member {
    capacity: u32,
    zone: &'static str,
    leaves: Vec<(i64, i64)>,
}

fn member() -> impl Strategy<Value = Member> {
    let zones = vec!["Europe/London", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney"];
    let leaves = vec((0_i64..28, 3_i64..16), 0..3);
    (1_u32..7, prop::sample::select(zones), leaves).prop_map(|(capacity, zone, leaves)| Member {
        capacity,
        zone,
        leaves,
    })
}

fn company(members: &[Member]) -> Company {
    let mut company = Company::new();
    let names = &ACCOUNTS[3..3 + members.len()];
    company.policy.pools = vec![pool("backend", names, None)];
    company.elsewhere.people.clear();
    for (name, member) in names.iter().zip(members) {
        let own = company.person_mut(name);
        own.capacity = Some(member.capacity);
        own.hours = Some(Arc::new(Hours::office(zone(member.zone))));
        own.away = member.leaves.iter().map(|(first, days)| leave(*first, *days)).collect();
    }
    company
}

fn leave(first: i64, days: i64) -> Away {
    let first = FIRST_DAY.checked_add(first.days()).unwrap();
    Away { first, last: first.checked_add((days - 1).days()).unwrap() }
}

/// When somebody was asked, who, and whether nobody else could have been.
type Asked = (Timestamp, String, bool);

/// Asks for one change after the other; each stays open for some hours. Arrivals: minutes since the
/// one before, hours open.
fn play(company: &Company, arrivals: &[(i64, i64)]) -> Vec<Asked> {
    let directory = company.directory();
    let mut workloads = company.elsewhere.clone();
    let mut now: Timestamp = "2026-10-05T00:00Z".parse().unwrap();
    let (mut asked, mut open): (Vec<Asked>, Vec<(Timestamp, String)>) = (vec![], vec![]);
    for (number, (minutes, hours)) in arrivals.iter().enumerate() {
        now += SignedDuration::from_mins(*minutes);
        for (_, person) in open.extract_if(.., |(until, _)| *until <= now) {
            let own = workloads.people.entry(person).or_default();
            own.open = Load::from_halves(own.open.halves() - Load::WHOLE.halves());
        }
        let (policy, first_seen) = (&company.policy, Timestamp::UNIX_EPOCH);
        let world =
            World { policy, directory: &directory, workloads: &workloads, first_seen, unsent: false, now };
        let mut change = company.change();
        change.number = number as u64;
        let choice = pick(&world, &Review::new(change), &policy.pools[0], None);
        let others = choice.candidates.iter().any(|c| matches!(c.standing, Judgement::Free { .. }));
        let Some(person) = choice.chosen else { continue };
        let load = workloads.people.entry(person.clone()).or_default();
        load.open = load.open.and(Load::WHOLE);
        load.last_asked = Some(now);
        load.asked.add(now);
        open.push((now + SignedDuration::from_hours(*hours), person.clone()));
        // The chosen one is not `Free` any more: who is left would have been asked in their stead,
        // if the chosen one had had their share.
        asked.push((now, person, !others));
    }
    asked
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn who_comes_back_gets_their_share_and_one_more_at_most(
        members in vec(member(), 2..8),
        arrivals in vec((0_i64..240, 1_i64..60), 50..250),
    ) {
        let company = company(&members);
        let asked = play(&company, &arrivals);
        let capacities: u32 = members.iter().map(|member| member.capacity).sum();
        for (name, member) in ACCOUNTS[3..].iter().zip(&members) {
            for (first, days) in &member.leaves {
                let back = leave(*first, *days).last.tomorrow().unwrap();
                // Requests are counted by days of UTC.
                let start: Timestamp = format!("{back}T00:00Z").parse().unwrap();
                let week = asked.iter().filter(|(at, ..)| start <= *at && *at < start + WEEK);
                let pool_asked = week.clone().count() as u32;
                let own = week.filter(|(_, person, only_one)| person == name && !only_one).count() as u32;
                // own <= pool_asked * capacity / capacities + 1
                prop_assert!(
                    own.saturating_sub(1) * capacities <= pool_asked * member.capacity,
                    "{name} of {members:?}: {own} of {pool_asked} in the week from {back}"
                );
            }
        }
    }
}
