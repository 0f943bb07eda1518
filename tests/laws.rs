//! The laws of DESIGN 3.7 as properties: whatever happens, in whatever order, they hold.
//!
//! What holds of every single decision is asserted in [`crate::support::play`]; here histories are
//! made up. `PROPTEST_CASES=20000 cargo nextest run laws` looks longer.

mod back;
mod calendar;
mod clock_changes;
mod codeowners;
mod fairness;
mod histories;
mod people;
mod picks;
mod quarter;
mod second_opinion;

use proptest::test_runner::{Config, RngSeed};

/// Quick by default, and then always the same cases, so that a red test is the change's fault; as
/// long as wished and new ones with `PROPTEST_CASES`.
fn config(quick_cases: u32) -> Config {
    let default = Config { failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return default;
    }
    Config { cases: quick_cases, rng_seed: RngSeed::Fixed(0x05_4e_11), ..default }
}
