//! What healing costs over 500 projects on each forge, counted where the requests arrive. The numbers
//! are those of docs/costs.md, which says how to print them.

use jiff::SignedDuration;
use usher_core::model::review::Stage;
use usher_sandbox::{Access, ChangeRef, Forge, HookTarget, NewChange, Verdict};

use super::cost::assert_documented;
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
    house.patiently(house.sweep_of(forge, false)).await.unwrap();
    (house.sandbox.reads(), house.sandbox.writes())
}

/// Everybody's clock goes on; nothing is delivered.
fn pass(house: &House, time: SignedDuration) {
    house.clock.advance_to(house.clock.now() + time);
}

#[tokio::test]
async fn a_sweep_over_500_projects_costs_no_more_than_one_over_a_few() {
    // At first who is who is asked, then on GitHub five pages of repositories (those without anything open
    // are passed over), on GitLab one list of the group. Later it is one list or one search.
    for forge in BOTH {
        let house = house_of_many(forge).await;
        let cost = sweep(&house, forge).await;
        assert_documented("the first sweep over 500 projects", forge, cost);
        open(&house, forge, 7, NewChange::by("olga", "An outsider's change"));
        for _ in 0..2 {
            pass(&house, SignedDuration::from_mins(10));
            sweep(&house, forge).await;
        }
        pass(&house, SignedDuration::from_mins(10));
        let cost = sweep(&house, forge).await;
        assert_documented("a later sweep over 500 projects", forge, cost);
    }
}

/// Nothing is due in drafts, so whatever is asked is asked by sweeps.
async fn quiet_day(what: &str, owner: bool) {
    for forge in BOTH {
        let house = house_of_many(forge).await;
        if owner {
            house.sandbox.add_group_member("acme", BOT, Access::ADMIN);
            house.company.add_hook(Forge::Gitlab, HookTarget::Group("acme".into()));
            house.sandbox.add_org_owner("acme", BOT);
        }
        sweep(&house, forge).await;
        for project in 0..PROJECTS {
            pass(&house, SignedDuration::from_mins(1));
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
        assert_documented(what, forge, (reads, writes));
    }
}

#[tokio::test]
async fn a_quiet_day_with_500_open_reviews_costs_what_it_costs() {
    quiet_day("a quiet day with 500 open reviews", false).await;
}

#[tokio::test]
async fn a_quiet_day_with_a_groups_webhook_costs_what_it_costs() {
    quiet_day("the same day, as an owner", true).await;
}

#[tokio::test]
async fn a_day_of_missed_webhooks_over_500_projects_is_caught_up_within_the_budget() {
    // GitLab allows 2,000 requests a minute, GitHub 5,000 an hour.
    for (forge, budget) in [(Forge::Gitlab, 2_000), (Forge::Github, 5_000)] {
        let mut house = house_of_many(forge).await;
        sweep(&house, forge).await;
        pass(&house, SignedDuration::from_mins(1));
        let known: Vec<ChangeRef> = (0..50)
            .map(|project| open(&house, forge, project, NewChange::by("sam", "StateSnapshot")))
            .collect();
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
        assert!(cost.0 < budget, "{forge:?}: {cost:?}");
        house.service.engine.drain().await.unwrap();
        let stages = house.service.store.counts().await.unwrap().reviews;
        assert_eq!(stages.get(&Stage::ReadyToMerge), Some(&50), "{forge:?}: {stages:?}");
        assert_eq!(stages.values().sum::<u64>(), 100, "{forge:?}: {stages:?}");
        assert_documented("catching up a day over 500 projects", forge, cost);
    }
}
