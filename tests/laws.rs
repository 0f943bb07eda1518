//! The laws of DESIGN 3.7 as properties: whatever happens, in whatever order, they hold.
//!
//! What holds of every single decision is asserted in [`crate::support::play`]; here histories are
//! made up.
//!
//! The long run: `just laws 100000` (or `PROPTEST_CASES=100000 cargo test --profile laws --test judgement
//! laws::histories -- --nocapture`). It prints its seed; `PROPTEST_RNG_SEED=… just laws …` takes the
//! same histories.

mod back;
mod calendar;
mod clock_changes;
mod codeowners;
mod dump;
mod extras;
mod fairness;
mod histories;
mod people;
mod picks;
mod quarter;
mod second_opinion;

pub(crate) use crate::support::cases::config;
