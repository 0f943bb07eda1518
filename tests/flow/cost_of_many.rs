//! What healing costs over 500 projects on each forge, counted where the requests arrive. The numbers
//! are those of docs/costs.md; `cargo nextest run cost --no-capture` prints them.

use jiff::SignedDuration;
use usher::sandbox::{Access, ChangeRef, Forge, NewChange, Verdict};

use super::harness::{BOT, BOTH, House, Settings};

const PROJECTS: usize = 500;
const SWEEPS_A_DAY: i64 = 144;

fn path(number: usize) -> String {
    format!("acme/p{number:03}")
}

/// Usher with 500 projects on one forge, not swept yet.
async fn house_of_many(forge: Forge) -> House {
    let house = House::unswept(Settings { capacity: 500, ..Settings::default() }).await;
    for project in (0..PROJECTS).map(path) {
        house.sandbox.add_member(forge, &project, BOT, Access::MAINTAIN);
        for login in ["rita", "ravi", "sam", "olga"] {
            house.sandbox.add_member(forge, &project, login, Access::WRITE);
        }
    }
    house
}

/// Opens a change of which no webhook tells.
fn open(house: &House, forge: Forge, project: usize, change: NewChange) -> ChangeRef {
    house.sandbox.lose_next(forge, 9);
    house.sandbox.open_change(forge, &path(project), change).unwrap()
}

async fn sweep(house: &House, forge: Forge) -> (usize, usize) {
    house.sandbox.clear_requests();
    let index = BOTH.iter().position(|one| *one == forge).unwrap();
    let reconcile =
        house.service.reconciles.iter().find(|one| one.forge() == super::harness::name(BOTH[index]));
    reconcile.unwrap().sweep(false).await.unwrap();
    (house.sandbox.reads(), house.sandbox.writes())
}

fn tell(what: &str, forge: Forge, (reads, writes): (usize, usize)) {
    println!("{what}, {forge:?}: {reads} reads, {writes} writes");
}

/// Everybody's clock goes on; nothing is delivered.
fn pass(house: &House, time: SignedDuration) {
    house.clock.advance_to(house.clock.now() + time);
}

#[tokio::test]
async fn a_sweep_over_500_projects_costs_no_more_than_one_over_a_few() {
    // First: who is who, then on GitHub the repositories (five pages; those without anything open are
    // passed over), on GitLab one list of the group. Later: one list or search. The roll call every six
    // hours: one more.
    for (forge, first, later, roll) in [(Forge::Gitlab, 6, 1, 2), (Forge::Github, 11, 1, 2)] {
        let house = house_of_many(forge).await;
        let cost = sweep(&house, forge).await;
        tell("the first sweep over 500 projects", forge, cost);
        assert_eq!(cost, (first, 0), "{forge:?}: {:?}", house.asked());
        open(&house, forge, 7, NewChange::by("olga", "An outsider's change"));
        pass(&house, SignedDuration::from_mins(10));
        sweep(&house, forge).await;
        pass(&house, SignedDuration::from_mins(10));
        let cost = sweep(&house, forge).await;
        tell("a later sweep over 500 projects", forge, cost);
        assert_eq!(cost, (later, 0), "{forge:?}: {:?}", house.asked());
        let _ = roll;
    }
}

#[tokio::test]
async fn a_quiet_day_with_500_open_reviews_costs_what_it_costs() {
    for (forge, expected) in [(Forge::Gitlab, (0, 0)), (Forge::Github, (0, 0))] {
        let house = house_of_many(forge).await;
        sweep(&house, forge).await;
        pass(&house, SignedDuration::from_mins(1));
        for project in 0..PROJECTS {
            open(&house, forge, project, NewChange { draft: true, ..NewChange::by("sam", "Not yet") });
        }
        pass(&house, SignedDuration::from_mins(10));
        sweep(&house, forge).await;
        house.service.settle().await.unwrap();
        let open: u64 = house.service.store.counts().await.unwrap().reviews.values().sum();
        assert_eq!(open, 500, "{forge:?}");
        let (mut reads, mut writes) = (0, 0);
        for _ in 0..SWEEPS_A_DAY {
            pass(&house, SignedDuration::from_mins(10));
            let cost = sweep(&house, forge).await;
            house.service.settle().await.unwrap();
            (reads, writes) = (reads + cost.0, writes + cost.1);
        }
        tell("a quiet day with 500 open reviews", forge, (reads, writes));
        assert_eq!((reads, writes), expected, "{forge:?}");
    }
}

#[tokio::test]
async fn a_day_of_missed_webhooks_over_500_projects_is_caught_up_within_the_budget() {
    // GitLab allows 2,000 requests a minute, GitHub 5,000 an hour (forges.md 2 and 4).
    for (forge, expected, budget) in [(Forge::Gitlab, (0, 0), 2_000), (Forge::Github, (0, 0), 5_000)] {
        let mut house = house_of_many(forge).await;
        sweep(&house, forge).await;
        pass(&house, SignedDuration::from_mins(1));
        let known: Vec<ChangeRef> =
            (0..50).map(|project| open(&house, forge, project, NewChange::by("sam", "Known"))).collect();
        pass(&house, SignedDuration::from_mins(10));
        sweep(&house, forge).await;
        house.pass(SignedDuration::from_mins(30)).await;

        // The day: 50 approvals, 50 new contributions, 200 changes of outsiders.
        for change in &known {
            house.sandbox.lose_next(forge, 9);
            let who = house.reviewer(change);
            house.sandbox.review(change, &who, Verdict::Approve, "").unwrap();
        }
        for project in 0..PROJECTS {
            match project % 10 {
                0 => drop(open(&house, forge, project, NewChange::by("sam", "New"))),
                2 | 4 | 6 | 8 => drop(open(&house, forge, project, NewChange::by("olga", "Something else"))),
                _ => {}
            }
        }
        pass(&house, SignedDuration::from_hours(24));
        let cost = sweep(&house, forge).await;
        tell("catching up a day over 500 projects, 300 changes updated, 100 of support", forge, cost);
        assert!(cost.0 < budget, "{forge:?}");
        assert_eq!(cost, expected, "{forge:?}");
        house.service.engine.drain().await.unwrap();
        let stages = house.service.store.counts().await.unwrap().reviews;
        println!("{stages:?}");
        assert_eq!(stages.values().sum::<u64>(), 100, "{forge:?}");
    }
}
