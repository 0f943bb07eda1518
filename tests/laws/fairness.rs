//! Fairness, measured: Usher's choice beside random choice and round robin on the same quarter.
//!
//! `cargo test --test house fairness -- --nocapture` prints the table of `docs/fairness.md`;
//! `USHER_QUARTERS=all` in front of it also plays the pools of 50.

use super::quarter::{Chooser, Outcome, Quarter, Setting};

const CHOOSERS: [(&str, Chooser); 6] = [
    ("Usher", Chooser::Usher),
    ("first design, to the letter", Chooser::Letter),
    ("random", Chooser::Random { skips_absent: false }),
    ("random, skipping the absent", Chooser::Random { skips_absent: true }),
    ("round robin", Chooser::RoundRobin { skips_absent: false }),
    ("round robin, skipping the absent", Chooser::RoundRobin { skips_absent: true }),
];

fn print(setting: Setting, changes: usize, outcomes: &[(&str, Outcome<'_>)]) {
    println!(
        "\n{} reviewers in London and {}, {} changes, {} % of support in London, {} % busy\n",
        setting.pool_size, setting.elsewhere, changes, setting.home_percent, setting.busy_percent
    );
    println!("| choice | Gini | max/mean | in the box | in the author's day | wait, median | wait, 9 of 10 | asked on leave | above share after leave |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, outcome) in outcomes {
        println!(
            "| {name} | {:.3} | {:.2} | {:.1} % | {:.1} % | {:.1} h | {:.1} h | {} | {:+.1} |",
            outcome.gini(),
            outcome.max_to_mean(),
            outcome.in_box() * 100.0,
            outcome.in_authors_day() * 100.0,
            outcome.wait_hours(50),
            outcome.wait_hours(90),
            outcome.asked_away(),
            outcome.most_above_share_after_leave(),
        );
    }
}

/// Plays one quarter with every chooser, and holds Usher to what it promises.
fn compare(setting: Setting) {
    let quarter = Quarter::new(setting);
    let outcomes = CHOOSERS.map(|(name, chooser)| (name, quarter.run(chooser)));
    print(setting, quarter.changes(), &outcomes);
    let ((_, usher), others) = outcomes.split_first().unwrap();
    assert_eq!(usher.asked_away(), 0, "{setting:?}");
    let above = usher.most_above_share_after_leave();
    if above > 1.0 {println!( "BAD {setting:?}: {above} above their share in the first week");}
    for (name, other) in &others[1..] {
        if usher.gini() >= other.gini() { println!("BAD gini {setting:?}: {name} is more even"); }
        if usher.in_box() <= other.in_box() { println!("BAD box {setting:?}: {name} answers more in the box"); }
        if usher.in_authors_day() <= other.in_authors_day() { println!("BAD author {setting:?}: {name} answers sooner"); }
    }
}

const LOS_ANGELES: &str = "America/Los_Angeles";
const KOLKATA: &str = "Asia/Kolkata";

#[test]
fn usher_is_more_even_and_answers_sooner_than_chance_and_rotation() {
    let sizes: &[usize] =
        if std::env::var_os("USHER_QUARTERS").is_some() { &[3, 8, 20, 50] } else { &[3, 8, 20] };
    for seed in 1..=4 {
    for pool_size in sizes.iter().copied() {
        let half = Setting { pool_size, elsewhere: LOS_ANGELES, home_percent: 50, busy_percent: 50, seed };
        compare(half);
        compare(Setting { home_percent: 75, elsewhere: KOLKATA, ..half });
        compare(Setting { busy_percent: 70, ..half });
    }
    }
}
