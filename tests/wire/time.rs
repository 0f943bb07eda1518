//! One clock for Usher and for the fake forges.

use jiff::Timestamp;
use usher::clock::Clock;

/// Usher's clock as the sandbox reads it.
pub struct SandboxClock(pub Clock);

impl usher_sandbox::Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn wait_until(&self, instant: Timestamp) -> usher_sandbox::Wait {
        let clock = self.0.clone();
        Box::pin(async move { clock.sleep_until(instant).await })
    }
}
