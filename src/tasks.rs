//! Loops that must not end: one that panics is started again, and what it was is known. A leaf: it
//! imports nothing of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Pause before a loop that broke is started again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A loop that has run for so long is well again.
const STEADY_AFTER: Duration = Duration::from_secs(600);

/// All loops of the process. Cheap to clone; clones know the same.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Loops that broke and were not started again yet.
    down: BTreeSet<String>,
    /// How often each loop broke.
    broken: BTreeMap<String, u64>,
}

impl Tasks {
    /// Runs what `start` makes until `stop`; when it panics, or ends before it should, it is made anew
    /// after a pause.
    pub async fn keep<F>(self, name: String, stop: CancellationToken, start: impl Fn() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.keep_after(FIRST_PAUSE, name, stop, start).await;
    }

    async fn keep_after<F>(
        self,
        first_pause: Duration,
        name: String,
        stop: CancellationToken,
        start: impl Fn() -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut pause = first_pause;
        loop {
            let mut running = AbortOnDropHandle::new(tokio::spawn(start()));
            let ended = tokio::select! {
                ended = &mut running => ended,
                () = tokio::time::sleep(STEADY_AFTER) => {
                    pause = first_pause;
                    (&mut running).await
                }
            };
            if stop.is_cancelled() {
                return;
            }
            // What the panic said is in the log already; it may hold users' text.
            let how = if ended.is_err_and(|error| error.is_panic()) { "panicked" } else { "ended" };
            tracing::error!(task = name, "a task {how}; it is started again in {} s", pause.as_secs());
            self.broke(&name);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.known().down.remove(&name);
        }
    }

    /// The loops that do not run now though they should, by name.
    pub fn down(&self) -> Vec<String> {
        self.known().down.iter().cloned().collect()
    }

    /// How often each loop broke since the start; those that never did are left out.
    pub fn broken(&self) -> BTreeMap<String, u64> {
        self.known().broken.clone()
    }

    fn broke(&self, name: &str) {
        let mut known = self.known();
        known.down.insert(name.to_owned());
        *known.broken.entry(name.to_owned()).or_default() += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_loop_that_panics_is_started_again_and_known_meanwhile() {
        let (tasks, stop) = (Tasks::default(), CancellationToken::new());
        let starts = Arc::new(AtomicU32::new(0));
        let (counted, until, known) = (starts.clone(), stop.clone(), tasks.clone());
        let start = move || {
            let (counted, until, known) = (counted.clone(), until.clone(), known.clone());
            async move {
                assert!(counted.fetch_add(1, Ordering::SeqCst) > 1, "the first two break");
                assert_eq!(known.down(), Vec::<String>::new(), "it runs");
                until.cancelled().await;
            }
        };
        let pause = Duration::from_millis(1);
        let kept = tokio::spawn(tasks.clone().keep_after(pause, "engine".into(), stop.clone(), start));
        let mut was_down = false;
        while starts.load(Ordering::SeqCst) < 3 {
            was_down |= tasks.down() == ["engine"];
            tokio::task::yield_now().await;
        }
        assert!(was_down);
        assert_eq!(tasks.broken(), BTreeMap::from([("engine".to_owned(), 2)]));
        stop.cancel();
        kept.await.unwrap();
    }

    #[tokio::test]
    async fn a_loop_that_ends_at_the_stop_is_not_started_again() {
        let (tasks, stop) = (Tasks::default(), CancellationToken::new());
        let until = stop.clone();
        let start = move || {
            let until = until.clone();
            async move { until.cancelled().await }
        };
        let kept = tokio::spawn(tasks.clone().keep("alarm".into(), stop.clone(), start));
        tokio::task::yield_now().await;
        stop.cancel();
        kept.await.unwrap();
        assert!(tasks.broken().is_empty());
    }
}
