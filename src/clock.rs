//! The one file that reads the time.
//!
//! Everything that needs "now" is handed a [`Clock`]. The server runs on the system's clock, the
//! demo and the tests on a virtual one that only moves when somebody moves it, so a week of reviews
//! takes seconds and a test never sleeps.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// A source of the current instant, cheap to clone; clones of a virtual clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual(Arc<watch::Sender<Timestamp>>),
}

/// Longest single sleep on the system clock, so that a suspended machine or a stepped clock is
/// noticed within this time.
const LONGEST_NAP: Duration = Duration::from_secs(30);

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still at `start` until [`Clock::advance_to`] moves it.
    pub fn virtual_at(start: Timestamp) -> Clock {
        Clock(Source::Virtual(Arc::new(watch::Sender::new(start))))
    }

    /// The current instant, in whole milliseconds (the precision of the store).
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
            Source::System => Timestamp::now(),
            Source::Virtual(instant) => *instant.borrow(),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Moves a virtual clock forward to `instant`; earlier instants are ignored. The system clock
    /// cannot be moved, so there the call does nothing.
    pub fn advance_to(&self, instant: Timestamp) {
        if let Source::Virtual(current) = &self.0 {
            current.send_if_modified(|now| {
                let moved = instant > *now;
                if moved {
                    *now = instant;
                }
                moved
            });
        }
    }

    /// Returns once the clock shows `deadline` or later. Safe to cancel.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Source::System => loop {
                let left = deadline.duration_since(self.now());
                let Ok(left) = Duration::try_from(left) else { return };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            },
            Source::Virtual(current) => {
                let mut seen = current.subscribe();
                // The sender lives in `self`, so the wait can only end by reaching the deadline.
                let _ = seen.wait_for(|now| *now >= deadline).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_virtual_clock_wakes_sleepers_only_when_moved_far_enough() {
        let start = Timestamp::from_second(1_000).unwrap();
        let clock = Clock::virtual_at(start);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(Timestamp::from_second(2_000).unwrap()).await })
        };
        clock.advance_to(Timestamp::from_second(1_999).unwrap());
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance_to(Timestamp::from_second(2_000).unwrap());
        sleeper.await.unwrap();
        clock.advance_to(start);
        assert_eq!(clock.now().as_second(), 2_000, "a clock never goes back");
    }
}
