//! Laws of the choice of a reviewer.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use usher_core::choose::pick::pick;
use usher_core::model::calendar::Hours;
use usher_core::model::candidate::{Criterion, Judgement};
use usher_core::model::change::Account;
use usher_core::model::load::Load;
use usher_core::model::people::{Person, Workload};
use usher_core::model::review::Review;
use usher_core::model::world::World;

use super::config;
use crate::support::company::{ACCOUNTS, Company, account, pool, zone};

const NOON: i64 = 1_795_435_200; // Monday 2026-11-23T12:00:00Z

/// One member as a test makes them up.
#[derive(Clone, Debug)]
struct Member {
    open: Load,
    capacity: u32,
    asked_hours_ago: Option<u32>,
    zone: &'static str,
    known: bool,
}

fn member() -> impl Strategy<Value = Member> {
    let zones = prop::sample::select(vec!["Europe/London", "America/New_York", "Asia/Tokyo"]);
    (0_u32..14, 0_u32..7, prop::option::of(0_u32..200), zones, prop::bool::weighted(0.9)).prop_map(
        |(open, capacity, asked_hours_ago, zone, known)| Member {
            open: Load::from_halves(open),
            capacity,
            asked_hours_ago,
            zone,
            known,
        },
    )
}

/// The first thing in the documented order in which the best place differs from the next best.
fn decided(places: &[(i64, u32, Timestamp, i64)]) -> Option<Criterion> {
    let mut sorted = places.to_vec();
    sorted.sort();
    let best = sorted.first()?;
    let Some(next) = sorted.get(1) else { return Some(Criterion::OnlyOne) };
    let differs = [best.0 != next.0, best.1 != next.1, best.2 != next.2, best.3 != next.3];
    let words = [Criterion::Soonest, Criterion::FewestOpen, Criterion::Soonest, Criterion::LongestAgo];
    let first = differs.iter().position(|differs| *differs);
    Some(first.map_or(Criterion::FixedOrder, |first| words[first]))
}

fn company(members: &[Member], now: Timestamp) -> Company {
    let mut company = Company::new();
    let names = &ACCOUNTS[1..=members.len()];
    company.policy.pools = vec![pool("backend", names, None)];
    for (name, member) in names.iter().zip(members) {
        let asked = |hours: u32| now - SignedDuration::from_hours(hours.into());
        let load = Workload {
            open: member.open,
            last_asked: member.asked_hours_ago.map(asked),
            ..Workload::default()
        };
        company.elsewhere.people.insert((*name).to_owned(), load);
        let own = company.person_mut(name);
        own.capacity = Some(member.capacity);
        own.hours = Some(Arc::new(Hours::office(zone(member.zone))));
        if !member.known {
            company.roster.accounts.remove(*name);
        }
    }
    company
}

/// The documented order, of people whom nobody asked in the last two weeks, without the last tie-break:
/// soonest answer in steps of four hours, least loaded, soonest answer exactly, longest not asked.
fn order(
    person: &Person,
    standing: &Judgement,
    load: Workload,
    now: Timestamp,
) -> Option<(i64, u32, Timestamp, i64)> {
    let (Judgement::Free { open, capacity, .. } | Judgement::Chosen { open, capacity, .. }) = *standing
    else {
        return None;
    };
    let hour = 3_600_000;
    let answer =
        person.agenda().add(now, 4 * hour * i64::from(open.halves() + 2) / i64::from(capacity)).unwrap();
    let five_days = 5 * 24 * hour;
    let since = load.last_asked.map_or(five_days, |at| now.as_millisecond() - at.as_millisecond());
    let step = (answer.as_millisecond() - now.as_millisecond()) / (4 * hour);
    Some((step, open.halves() * 500 / capacity, answer, -since.min(five_days)))
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn the_best_by_the_documented_order_is_chosen(members in vec(member(), 0..8), hour in 0_i64..168, number in 0_u64..50) {
        let now = Timestamp::from_second(NOON + hour * 3_600).unwrap();
        let company = company(&members, now);
        let directory = company.directory();
        let world = World {
            policy: &company.policy,
            directory: &directory,
            workloads: &company.elsewhere,
            first_seen: Timestamp::UNIX_EPOCH,
            unsent: false,
            now,
        };
        let mut change = company.change();
        change.number = number;
        let mut review = Review::new(change);
        review.author = account("sam").unwrap_or(Account::new(0, ""));
        let pool = &company.policy.pools[0];
        let choice = pick(&world, &review, pool, None);
        let again = pick(&world, &review, pool, None);
        prop_assert_eq!(&choice.chosen, &again.chosen);
        prop_assert_eq!(&choice.candidates, &again.candidates);
        prop_assert_eq!(choice.candidates.len(), members.len(), "everybody has a verdict");

        let places: Vec<_> = choice.candidates.iter()
            .filter_map(|c| {
                let (person, load) = (directory.by_name(&c.person).unwrap(), company.elsewhere.of(&c.person));
                Some((c, order(person, &c.standing, load, now)?))
            })
            .collect();
        let best = places.iter().map(|(_, place)| *place).min();
        let chosen = places.iter().find(|(c, _)| matches!(c.standing, Judgement::Chosen { .. }));
        prop_assert_eq!(chosen.map(|(_, place)| *place), best, "the best place is chosen");
        prop_assert_eq!(chosen.map(|(c, _)| c.person.clone()), choice.chosen.clone());
        let keys: Vec<_> = places.iter().map(|(_, place)| *place).collect();
        prop_assert_eq!(choice.decided_by.0, decided(&keys), "the one criterion that decided");
        let told: Vec<_> = choice.candidates.iter().filter_map(|c| c.standing.decided_by()).collect();
        prop_assert_eq!(told, Vec::from_iter(choice.decided_by.0), "it stands with whoever was chosen");
        prop_assert!(choice.chosen.as_deref() != Some("sam"), "law 1");
        for candidate in &choice.candidates {
            let load = company.elsewhere.of(&candidate.person).open;
            let full = matches!(candidate.standing, Judgement::AtCapacity { open, capacity } if open == load && open.halves() >= 2 * capacity);
            let free = matches!(candidate.standing, Judgement::Chosen { open, capacity, .. } | Judgement::Free { open, capacity, .. } if open == load && open.halves() < 2 * capacity);
            let no_account = candidate.standing == Judgement::UnknownOnForge;
            prop_assert!(full || free || no_account || candidate.person == "sam", "{candidate:?}");
        }
    }
}

/// Equal people share the work: the tie-break is stable for one change and differs between changes.
#[test]
fn equals_take_turns_over_many_changes() {
    let now = Timestamp::from_second(NOON).unwrap();
    let members = vec![
        Member {
            open: Load::NONE,
            capacity: 5,
            asked_hours_ago: None,
            zone: "Europe/London",
            known: true
        };
        5
    ];
    let company = company(&members, now);
    let directory = company.directory();
    let world = World {
        policy: &company.policy,
        directory: &directory,
        workloads: &company.elsewhere,
        first_seen: Timestamp::UNIX_EPOCH,
        unsent: false,
        now,
    };
    let mut shares = std::collections::BTreeMap::new();
    for number in 0..1_000 {
        let mut change = company.change();
        change.number = number;
        let choice = pick(&world, &Review::new(change), &company.policy.pools[0], None);
        *shares.entry(choice.chosen.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(shares.len(), 5);
    assert!(shares.values().all(|share| (120..=280).contains(share)), "{shares:?}");
}
