//! What comes at the same time shares one transaction, and so one sync to the disk.
//!
//! A transaction for each delivery costs three times as much when 64 senders are at it. One writer takes
//! whatever waits, writes it, and answers each after the commit; where nobody else is there, nobody waits for
//! anybody. What was handed over is written also when whoever brought it has gone.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::StoreError;

/// What may wait for the writer; whoever comes after that is told that the store is busy.
const WAITING_MAX: usize = 1_024;
/// Most of one transaction: whoever comes first need not wait for all who come after.
const TOGETHER_MAX: usize = 64;

struct Waiting<T, R> {
    item: T,
    answer: oneshot::Sender<Result<R, StoreError>>,
}

/// The way to the writer. The last one that is dropped ends it, when all is written.
pub(super) struct GroupWriter<T, R> {
    what: &'static str,
    queue: mpsc::Sender<Waiting<T, R>>,
    stop: CancellationToken,
    ended: CancellationToken,
    /// Held once by whoever waits for an answer, and once here.
    waiting: Arc<()>,
}

impl<T: Clone + Send + Sync + 'static, R: Send + 'static> GroupWriter<T, R> {
    /// Starts a writer. `write` writes all of its items or none, and says what became of each, in their order.
    pub(super) fn start<W>(
        what: &'static str,
        write: impl Fn(Vec<T>) -> W + Clone + Send + Sync + 'static,
    ) -> GroupWriter<T, R>
    where
        W: Future<Output = Result<Vec<R>, StoreError>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(write_what_waits(write, waiting, stop.clone(), ended.clone().drop_guard()));
        GroupWriter { what, queue, stop, ended, waiting: Arc::default() }
    }

    /// Hands one over and waits until it is written. If this is dropped, it is written all the same.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where too much waits, [`StoreError::Failed`] once it is closed; else as the writing.
    pub(super) async fn put(&self, item: T) -> Result<R, StoreError> {
        let (what, _waits) = (self.what, self.waiting.clone());
        let failed = |why: &str| StoreError::Failed { what, why: why.into() };
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { item, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy { what },
            mpsc::error::TrySendError::Closed(_) => failed("nobody writes any more"),
        })?;
        answered.await.map_err(|_| failed("the writing ended badly; the log has more"))?
    }

    /// Whether anybody waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        Arc::strong_count(&self.waiting) > 1
    }

    /// Takes no more, and returns when all that was taken is written.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.ended.cancelled().await;
    }
}

async fn write_what_waits<T, R, W>(
    write: impl Fn(Vec<T>) -> W + Clone + Send + Sync + 'static,
    mut waiting: mpsc::Receiver<Waiting<T, R>>,
    stop: CancellationToken,
    _ended: DropGuard,
) where
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    W: Future<Output = Result<Vec<R>, StoreError>> + Send + 'static,
{
    loop {
        let mut together = Vec::with_capacity(TOGETHER_MAX);
        tokio::select! {
            biased;
            () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
            taken = waiting.recv_many(&mut together, TOGETHER_MAX) => {
                if taken == 0 {
                    return;
                }
                // By a task of its own: if it panics, its senders are told so, and the next ones are served.
                let write = write.clone();
                let writing = tokio::spawn(async move { write_and_answer(write, together).await });
                if let Err(panic) = writing.await {
                    tracing::error!(error = %panic, "writing into the store ended badly");
                }
            }
        }
    }
}

async fn write_and_answer<T, R, W>(write: impl Fn(Vec<T>) -> W + Send + Sync, together: Vec<Waiting<T, R>>)
where
    T: Clone + Send + Sync,
    R: Send,
    W: Future<Output = Result<Vec<R>, StoreError>> + Send + 'static,
{
    let written = write(together.iter().map(|waiting| waiting.item.clone()).collect()).await;
    match written {
        Ok(written) => answer(together, written.into_iter().map(Ok)),
        Err(error) if error.may_pass() || together.len() == 1 => {
            let all = std::iter::repeat_n(error, together.len());
            answer(together, all.map(Err));
        }
        // One of them cannot be written, and the others must not suffer from it.
        Err(error) => {
            tracing::debug!(%error, "what came together cannot be written so; each is tried by itself");
            for waiting in together {
                let alone = write(vec![waiting.item.clone()]).await;
                let alone: Vec<_> = alone.map_or_else(|error| vec![Err(error)], ok_each);
                answer(vec![waiting], alone);
            }
        }
    }
}

fn ok_each<R>(written: Vec<R>) -> Vec<Result<R, StoreError>> {
    written.into_iter().map(Ok).collect()
}

/// Whoever has gone hears nothing.
fn answer<T, R>(together: Vec<Waiting<T, R>>, answers: impl IntoIterator<Item = Result<R, StoreError>>) {
    for (waiting, written) in together.into_iter().zip(answers) {
        let _ = waiting.answer.send(written);
    }
}
