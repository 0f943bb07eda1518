//! The time, as somebody else tells it.

use std::pin::Pin;

use jiff::Timestamp;
use tokio::sync::watch;

/// A wait that ends by itself. It borrows nothing, so it may outlive the clock's handle.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the sandbox has the time from. It never reads the machine's clock itself, so a test or a
/// simulation can play a week within a second.
pub trait Clock: Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// Ends once the clock shows `instant` or later.
    fn wait_until(&self, instant: Timestamp) -> Wait;
}

/// A clock that stands still until somebody moves it. Clones move together.
#[derive(Clone, Debug)]
pub struct ManualClock {
    shows: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn at(start: Timestamp) -> ManualClock {
        ManualClock { shows: watch::Sender::new(start) }
    }

    /// Moves the clock to `instant`; one in the past is ignored, because time never goes back.
    pub fn move_to(&self, instant: Timestamp) {
        self.shows.send_if_modified(|shown| {
            let is_later = instant > *shown;
            if is_later {
                *shown = instant;
            }
            is_later
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.shows.borrow()
    }

    fn wait_until(&self, instant: Timestamp) -> Wait {
        let clock = self.clone();
        Box::pin(async move {
            // The clock is kept until the wait ends, so it ends by reaching the instant.
            let _ = clock.shows.subscribe().wait_for(|shown| *shown >= instant).await;
        })
    }
}
