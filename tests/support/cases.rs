//! How many random cases a property is held against, and which.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use proptest::test_runner::{Config, RngSeed};

#[expect(clippy::disallowed_methods, reason = "each long run looks at new histories, and prints its seed")]
fn new_seed() -> u64 {
    RandomState::new().hash_one("usher")
}

/// Quick by default, and then always the same cases, so that a red test is the change's fault; as
/// long as wished and new ones with `PROPTEST_CASES`.
pub fn config(quick_cases: u32) -> Config {
    let default = Config { failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        let seed = match default.rng_seed {
            RngSeed::Fixed(seed) => seed,
            RngSeed::Random => new_seed(),
        };
        eprintln!("PROPTEST_RNG_SEED={seed} PROPTEST_CASES={}", default.cases);
        return Config { rng_seed: RngSeed::Fixed(seed), ..default };
    }
    Config { cases: quick_cases, rng_seed: RngSeed::Fixed(0x05_4e_11), ..default }
}
