//! The advice about access: enough, no more than enough, and complete.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use usher::audit::access::{Abilities, AccessReport, Need, Remedy, judge};
use usher_core::model::access::{AccessFacts, BotRights, ProjectFacts, Rank, Reach};
use usher_core::model::change::{Account, ForgeKind};
use usher_core::model::people::{Directory, Roster};
use usher_core::model::policy::{ForgePolicy, Pattern, Policy, Pool, Route, Support};

use crate::cases::config;

/// Sam and siobhan are in support, rita and ravi in the pool `backend`, dora in `writers`, to which a
/// route about docs leads if `docs` is set.
struct Office {
    policy: Policy,
    roster: Roster,
}

fn office(kind: ForgeKind, docs: bool) -> Office {
    let names = |names: &[&str]| names.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let pool =
        |name: &str, members: &[&str]| Pool { name: name.into(), members: names(members), ..Pool::default() };
    let route = |pool: &str| Route { pool: pool.into(), ..Route::default() };
    let mut routes = vec![route("backend")];
    if docs {
        routes.push(Route { paths: vec![Pattern::new("docs/**").unwrap()], ..route("writers") });
    }
    let policy = Policy {
        forges: vec![ForgePolicy::new("f", kind, vec![Pattern::new("**").unwrap()])],
        support: Support { members: names(&["sam", "siobhan"]), ..Support::default() },
        pools: vec![pool("backend", &["rita", "ravi"]), pool("writers", &["dora"])],
        routes,
        ..Policy::default()
    };
    let people = ["sam", "siobhan", "rita", "ravi", "dora"];
    let account = |(id, login): (u64, &str)| (login.to_owned(), Account::new(id, login));
    let roster = Roster {
        fetched_at: Some(Timestamp::UNIX_EPOCH),
        accounts: (1..).zip(people).map(account).collect(),
        ..Roster::default()
    };
    Office { policy, roster }
}

impl Office {
    fn judge(&self, projects: Vec<ProjectFacts>) -> AccessReport {
        let directory = Directory::new(&self.policy, "f", &self.roster);
        let facts = AccessFacts { projects, ..AccessFacts::new(Timestamp::UNIX_EPOCH) };
        judge(&self.policy, "f", &directory, &self.roster, &facts)
    }
}

fn reach() -> impl Strategy<Value = Reach> {
    prop_oneof![Just(Reach::Off), Just(Reach::Members), Just(Reach::Everybody)]
}

fn project(name: usize) -> impl Strategy<Value = ProjectFacts> {
    let ranks = proptest::collection::vec(proptest::sample::select(Rank::ALL.to_vec()), 5);
    (any::<bool>(), reach(), reach(), reach(), any::<bool>(), ranks).prop_map(
        move |(public, code, changes, forks, writers_only, ranks)| ProjectFacts {
            project: format!("acme/p{name}"),
            public,
            code,
            changes,
            forks,
            writers_only,
            members: Some((1..).zip(ranks).collect()),
            bot: BotRights::Role(Rank::Admin),
            ..ProjectFacts::default()
        },
    )
}

fn world() -> impl Strategy<Value = (ForgeKind, bool, Vec<ProjectFacts>)> {
    let kind = prop_oneof![Just(ForgeKind::GitLab), Just(ForgeKind::GitHub)];
    (kind, any::<bool>(), (project(0), project(1), project(2)).prop_map(|(a, b, c)| vec![a, b, c]))
}

/// Does what every grant says, with `lower` steps less.
fn follow(office: &Office, report: &AccessReport, projects: &mut [ProjectFacts], lower: usize) {
    let directory = Directory::new(&office.policy, "f", &office.roster);
    for gap in &report.gaps {
        let Remedy::Grant { rank, .. } = gap.remedy else { continue };
        let place = Rank::ALL.iter().position(|one| *one == rank).unwrap();
        let rank = Rank::ALL[place.saturating_sub(lower)];
        for project in projects.iter_mut().filter(|one| gap.projects.contains(&one.project)) {
            for person in &gap.people {
                let id = directory.by_name(person).unwrap().account.as_ref().unwrap().id;
                let had = project.members.as_mut().unwrap().entry(id).or_default();
                *had = (*had).max(rank);
            }
        }
    }
}

/// Who lacks where what a role would bring.
fn by_role(report: &AccessReport) -> BTreeSet<(String, String)> {
    let gaps = report.gaps.iter().filter(|gap| matches!(gap.remedy, Remedy::Grant { .. }));
    let pairs = gaps.flat_map(|gap| {
        gap.people.iter().flat_map(|one| gap.projects.iter().map(|place| (one.clone(), place.clone())))
    });
    pairs.collect()
}

proptest! {
    #![proptest_config(config(128))]
    #[test]
    fn a_higher_role_never_takes_anything_away(
        (kind, _, projects) in world(), low in 0usize..7, high in 0usize..7,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let may = |rank: usize| Abilities::new(kind, &projects[0], Rank::ALL[rank]);
        for need in [Need::ReadCode, Need::OpenChange, Need::PushDocs, Need::BeAsked, Need::Approve] {
            prop_assert!(!may(low).has(need) || may(high).has(need));
        }
    }

    #[test]
    fn whoever_follows_the_advice_has_no_gaps_left_and_with_less_there_are_some(
        (kind, docs, projects) in world(),
    ) {
        let office = office(kind, docs);
        let report = office.judge(projects.clone());
        let mut granted = projects.clone();
        follow(&office, &report, &mut granted, 0);
        prop_assert_eq!(by_role(&office.judge(granted)), BTreeSet::new());
        let mut less = projects;
        follow(&office, &report, &mut less, 1);
        prop_assert_eq!(by_role(&office.judge(less)), by_role(&report));
    }

    #[test]
    fn every_lack_of_a_row_is_in_exactly_one_gap((kind, docs, projects) in world()) {
        let report = office(kind, docs).judge(projects);
        for row in &report.rows {
            let here = report.gaps.iter().filter(|gap| {
                gap.people.contains(&row.person) && gap.projects.contains(&row.project)
            });
            let told: Vec<Need> = here.flat_map(|gap| gap.lacks.iter().copied()).collect();
            let mut lacks: Vec<Need> = row.lacks.iter().copied().collect();
            let mut told = told;
            told.sort();
            lacks.sort();
            prop_assert_eq!(told, lacks);
        }
    }
}
