//! The one file that reads the time.
//!
//! Everything that needs "now" is handed a [`Clock`]. The server runs on the system's clock, the
//! demo and the tests on a virtual one that only moves when somebody moves it, so a week of reviews
//! takes seconds and a test never sleeps.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

/// A source of the current instant, cheap to clone; clones of a virtual clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual(Arc<watch::Sender<VirtualTime>>),
}

/// What a virtual clock shows, and how long it has been running: that never goes back.
#[derive(Clone, Copy, Debug)]
struct VirtualTime {
    now: Timestamp,
    elapsed: SignedDuration,
}

/// Longest single sleep on the system clock, so that a suspended machine or a stepped clock is
/// noticed within this time.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// A system clock is corrected by so much all the time; more is a step.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(2);

/// How long the machine has been running, as nobody can set it.
#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
fn running() -> Instant {
    Instant::now()
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still at `start` until [`Clock::advance_to`] moves it.
    pub fn virtual_at(start: Timestamp) -> Clock {
        let start = VirtualTime { now: start, elapsed: SignedDuration::ZERO };
        Clock(Source::Virtual(Arc::new(watch::Sender::new(start))))
    }

    /// The current instant, in whole milliseconds (the precision of the store).
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
            Source::System => Timestamp::now(),
            Source::Virtual(time) => time.borrow().now,
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Moves a virtual clock forward to `instant`; earlier instants are ignored. The system clock
    /// cannot be moved, so there the call does nothing.
    pub fn advance_to(&self, instant: Timestamp) {
        if let Source::Virtual(current) = &self.0 {
            current.send_if_modified(|time| {
                let moved = instant > time.now;
                if moved {
                    time.elapsed += instant.duration_since(time.now);
                    time.now = instant;
                }
                moved
            });
        }
    }

    /// Sets a virtual clock back to `instant`, as a wrong system clock is set right; later instants are
    /// ignored.
    pub fn set_back_to(&self, instant: Timestamp) {
        if let Source::Virtual(current) = &self.0 {
            current.send_if_modified(|time| {
                let back = instant < time.now;
                time.now = time.now.min(instant);
                back
            });
        }
    }

    /// Whether somebody waits for a virtual clock to move. False on the system's clock, which moves by itself.
    pub fn is_awaited(&self) -> bool {
        match &self.0 {
            Source::System => false,
            Source::Virtual(time) => time.receiver_count() > 0,
        }
    }

    /// Returns once the clock was set back, with how far. Safe to cancel; what happens between two calls
    /// is not seen.
    pub async fn set_back(&self) -> SignedDuration {
        match &self.0 {
            Source::System => {
                let (mut before, mut began) = (self.now(), running());
                loop {
                    tokio::time::sleep(LONGEST_NAP).await;
                    let (now, woke) = (self.now(), running());
                    let ran = SignedDuration::try_from(woke.duration_since(began)).unwrap_or_default();
                    let back = ran - now.duration_since(before);
                    if back >= STEP_MIN {
                        return back;
                    }
                    (before, began) = (now, woke);
                }
            }
            Source::Virtual(current) => {
                let mut seen = current.subscribe();
                let mut before = seen.borrow().now;
                while seen.changed().await.is_ok() {
                    let now = seen.borrow_and_update().now;
                    if now < before {
                        return before.duration_since(now);
                    }
                    before = now;
                }
                std::future::pending().await
            }
        }
    }

    /// Returns once the clock shows `deadline` or later, or has been running for as long as that was
    /// away: a clock that is set back makes nobody sleep longer. Safe to cancel.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Source::System => {
                let Ok(away) = Duration::try_from(deadline.duration_since(self.now())) else { return };
                let began = running();
                loop {
                    let by_the_wall = Duration::try_from(deadline.duration_since(self.now()));
                    let left = by_the_wall.unwrap_or_default().min(away.saturating_sub(began.elapsed()));
                    if left.is_zero() {
                        return;
                    }
                    tokio::time::sleep(left.min(LONGEST_NAP)).await;
                }
            }
            Source::Virtual(current) => {
                let mut seen = current.subscribe();
                let begun = *seen.borrow();
                let away = deadline.duration_since(begun.now);
                // The sender lives in `self`, so the wait can only end by reaching the deadline.
                let over = |time: &VirtualTime| time.now >= deadline || time.elapsed - begun.elapsed >= away;
                let _ = seen.wait_for(over).await;
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
        assert!(!clock.is_awaited());
        clock.advance_to(Timestamp::from_second(1_999).unwrap());
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished() && clock.is_awaited());
        clock.advance_to(Timestamp::from_second(2_000).unwrap());
        sleeper.await.unwrap();
        clock.advance_to(start);
        assert_eq!(clock.now().as_second(), 2_000, "it is not moved back by this");
    }

    #[tokio::test]
    async fn nobody_sleeps_longer_because_the_clock_was_set_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Clock::virtual_at(at(10_000));
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(at(10_060)).await })
        };
        let watch = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.set_back().await })
        };
        tokio::task::yield_now().await;
        clock.advance_to(at(10_020));
        tokio::task::yield_now().await;
        clock.set_back_to(at(5_000));
        assert_eq!(watch.await.unwrap(), SignedDuration::from_secs(5_020));
        clock.advance_to(at(5_039));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance_to(at(5_040));
        sleeper.await.unwrap();
    }
}
