//! Fairness, measured: Usher's choice beside random choice and round robin on the same quarters.
//!
//! `cargo test --test judgement fairness -- --nocapture` prints the tables of `docs/fairness.md`; with
//! `USHER_QUARTERS=all` in front of it pools of 50 and more quarters are played, too.

use super::quarter::{Chooser, Outcome, Quarter, Setting};

const CHOOSERS: [(&str, Chooser); 6] = [
    ("Usher", Chooser::Usher),
    ("soonest at work first", Chooser::Letter),
    ("random", Chooser::Random { skips_absent: false }),
    ("random, skipping the absent", Chooser::Random { skips_absent: true }),
    ("round robin", Chooser::RoundRobin { skips_absent: false }),
    ("round robin, skipping the absent", Chooser::RoundRobin { skips_absent: true }),
];
const HEAD: &str = "
| choice | Gini | max/mean | in the box | in the author's day | wait: half | wait: 9 of 10 | on leave | after leave |
|---|---|---|---|---|---|---|---|---|";

/// The means of some quarters; of what is counted the sum, and of what is bounded the most.
#[derive(Default)]
struct Row {
    gini: f64,
    max_to_mean: f64,
    in_box: f64,
    in_authors_day: f64,
    waits_hours: [f64; 2],
    asked_away: usize,
    above_share: f64,
}

impl Row {
    fn new(outcomes: &[Outcome<'_>]) -> Row {
        let mean =
            |of: &dyn Fn(&Outcome<'_>) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64;
        Row {
            gini: mean(&|outcome| outcome.gini()),
            max_to_mean: mean(&|outcome| outcome.max_to_mean()),
            in_box: mean(&|outcome| outcome.in_box()),
            in_authors_day: mean(&|outcome| outcome.in_authors_day()),
            waits_hours: [50, 90].map(|percent| mean(&|outcome| outcome.wait_hours(percent))),
            asked_away: outcomes.iter().map(Outcome::asked_away).sum(),
            above_share: outcomes.iter().map(Outcome::most_above_share_after_leave).fold(f64::MIN, f64::max),
        }
    }

    fn print(&self, name: &str) {
        let Row { gini, max_to_mean, in_box, in_authors_day, waits_hours: [half, most], .. } = self;
        let [in_box, in_authors_day] = [in_box, in_authors_day].map(|share| share * 100.0);
        println!(
            "| {name} | {gini:.3} | {max_to_mean:.2} | {in_box:.1} % | {in_authors_day:.1} % \
            | {half:.1} h | {most:.1} h | {} | {:+.1} |",
            self.asked_away, self.above_share
        );
    }
}

/// Plays some quarters with every chooser, and holds Usher to what it promises.
fn compare(setting: Setting, quarters: u64) {
    let quarters: Vec<Quarter> =
        (1..=quarters).map(|seed| Quarter::new(Setting { seed, ..setting })).collect();
    println!(
        "\n{} reviewers in London and {}; {} % of support in London; {} % busy; {} quarters of {} changes\n{}",
        setting.pool_size,
        setting.elsewhere,
        setting.home_percent,
        setting.busy_percent,
        quarters.len(),
        quarters[0].changes(),
        HEAD.trim()
    );
    let rows = CHOOSERS.map(|(name, chooser)| {
        let outcomes: Vec<Outcome<'_>> = quarters.iter().map(|quarter| quarter.run(chooser)).collect();
        let row = Row::new(&outcomes);
        row.print(name);
        (name, row)
    });
    let ((_, usher), others) = rows.split_first().unwrap();
    assert_eq!(usher.asked_away, 0, "{setting:?}");
    assert!(usher.above_share <= 1.0, "{setting:?}: {} above their share", usher.above_share);
    for (name, other) in &others[1..] {
        assert!(usher.gini < other.gini, "{setting:?}: {name} is more even");
        assert!(usher.in_box > other.in_box, "{setting:?}: {name} has more answers in the box");
        assert!(usher.in_authors_day > other.in_authors_day, "{setting:?}: {name} answers sooner");
    }
}

#[test]
fn usher_is_more_even_and_answers_sooner_than_chance_and_rotation() {
    let all = std::env::var_os("USHER_QUARTERS").is_some();
    // A small pool sees few changes in a quarter, so that chance has its say: more quarters of it.
    let pools: &[(usize, u64)] =
        if all { &[(3, 8), (8, 8), (20, 4), (50, 2)] } else { &[(3, 4), (8, 2), (20, 1)] };
    for (pool_size, quarters) in pools.iter().copied() {
        let elsewhere = "America/Los_Angeles";
        let half = Setting { pool_size, seed: 0, elsewhere, home_percent: 50, busy_percent: 50 };
        compare(half, quarters);
        compare(Setting { home_percent: 75, elsewhere: "Asia/Kolkata", ..half }, quarters);
        compare(Setting { busy_percent: 70, ..half }, quarters);
    }
}
