//! Clocks that are wrong: ours and those of the forges.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use usher::clock::Clock;
use usher_sandbox::Forge;

use super::world::{ATTEMPTS_MAX, Broken, Running, World};
use crate::company::{BOTH, name};

/// How far which clock is off.
#[derive(Default)]
pub struct Clocks {
    /// How far a forge's clock is ahead of the right time.
    wrong: BTreeMap<&'static str, SignedDuration>,
    /// How far the clock of this machine is behind it.
    behind: SignedDuration,
}

impl World {
    /// The clock of the forge goes on by itself, so far ahead of ours.
    pub fn set_forge_ahead(&mut self, forge: Forge, ahead: SignedDuration) {
        self.clocks.wrong.insert(name(forge), ahead);
        self.company.sandbox.set_clock_ahead(forge, ahead + self.clocks.behind);
    }

    /// All clocks are right: the time of the forges, which never goes back.
    pub fn set_clocks_right(&mut self) {
        let wrong = std::mem::take(&mut self.clocks.wrong).into_values().max().unwrap_or_default();
        let behind = std::mem::take(&mut self.clocks.behind) + wrong.max(SignedDuration::ZERO);
        self.company.clock.advance_to(self.now() + behind);
        BOTH.into_iter().for_each(|forge| self.company.sandbox.set_clock_ahead(forge, SignedDuration::ZERO));
    }

    /// The clock of this machine is set back. Those of the forges go on.
    pub async fn set_back(&mut self, time: SignedDuration) -> Result<(), Broken> {
        self.company.clock.set_back_to(self.now() - time);
        self.clocks.behind += time;
        for forge in BOTH {
            let ahead = self.clocks.wrong.get(name(forge)).copied().unwrap_or_default();
            self.company.sandbox.set_clock_ahead(forge, ahead + self.clocks.behind);
        }
        for _ in 0..ATTEMPTS_MAX {
            let tell = async |running: &mut Running, _: &Clock| {
                running.service.clock_was_set_back().await.map(|()| 0)
            };
            if self.on_the_store("the clock was set back", tell).await? == 0 {
                return Ok(());
            }
        }
        Err("Usher is never told that the clock was set back".into())
    }
}
