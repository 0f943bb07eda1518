//! The laws of DESIGN 3.7 as properties: whatever happens, in whatever order, they hold.
//!
//! What holds of every single decision is asserted in [`crate::support::play`]; here histories are
//! made up. `PROPTEST_CASES=20000 cargo nextest run laws` looks longer.

mod calendar;
mod histories;
mod people;
mod picks;

use proptest::test_runner::Config;

/// Quick by default, as long as wished with `PROPTEST_CASES`.
fn config(quick_cases: u32) -> Config {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if chosen { Config::default().cases } else { quick_cases };
    Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() }
}
