//! Reading bodies of strangers: within a size, within the memory that all of them share.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::timeout::TimeoutError;

/// Bodies up to this many bytes are always taken: what forges send every day, times the largest
/// number of connections, fits into memory.
const ORDINARY_BYTES: usize = 64 << 10;
/// How much of a refused body is still read, and for how long: a sender that finds the connection
/// reset while it writes never sees the answer.
const LINGER_BYTES: usize = 64 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// Memory for bodies that are larger than ordinary, in KiB.
pub(super) struct BodyMemory(Arc<Semaphore>);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnreadBody {
    TooLarge,
    TooSlow,
    /// The sender hung up or broke the protocol.
    Broken,
    /// Too many large bodies are being read.
    NoMemory,
}

impl BodyMemory {
    pub(super) fn new(bytes: usize) -> BodyMemory {
        BodyMemory(Arc::new(Semaphore::new((bytes >> 10).min(Semaphore::MAX_PERMITS))))
    }

    /// Takes `bytes` more off the budget, for as long as `held` lives.
    fn take(&self, held: &mut Vec<OwnedSemaphorePermit>, bytes: usize) -> Result<(), UnreadBody> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).map_err(|_| UnreadBody::NoMemory)?;
        let permit = self.0.clone().try_acquire_many_owned(kib).map_err(|_| UnreadBody::NoMemory)?;
        match held.first_mut() {
            Some(first) => first.merge(permit),
            None => held.push(permit),
        }
        Ok(())
    }
}

/// A body with its share of the budget.
pub(super) struct HeldBody {
    pub(super) bytes: Vec<u8>,
    _permits: Vec<OwnedSemaphorePermit>,
}

/// Reads the whole body. One that announces more than `limit` bytes is refused before any of it is
/// read; one that does not announce its size, as soon as it exceeds the limit.
///
/// # Errors
/// Why it was not read, with what is left of it.
pub(super) async fn read(
    mut body: Body,
    limit: usize,
    budget: &BodyMemory,
) -> Result<HeldBody, (UnreadBody, Body)> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err((UnreadBody::TooLarge, body));
    }
    let mut bytes = Vec::with_capacity(announced.min(ORDINARY_BYTES));
    let mut permits = Vec::new();
    let mut room = ORDINARY_BYTES;
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if timed_out(&error) => return Err((UnreadBody::TooSlow, body)),
            Err(_) => return Err((UnreadBody::Broken, body)),
        };
        let Some(data) = frame.data_ref() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err((UnreadBody::TooLarge, body));
        }
        if length > room {
            // In large pieces, and never more than the limit allows to be used.
            let wanted = (room * 2).clamp(length, limit.max(length));
            if let Err(unread) = budget.take(&mut permits, wanted - room) {
                return Err((unread, body));
            }
            room = wanted;
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(data);
    }
    Ok(HeldBody { bytes, _permits: permits })
}

/// Reads on and forgets, in the background and within bounds, so that the answer arrives.
pub(super) fn linger(body: Body) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(tokio::time::timeout(LINGER, async move {
        let mut body = body;
        let mut left = LINGER_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, bytes::Bytes::len);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    }));
}

fn timed_out(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use hyper::body::Frame;

    use super::*;

    /// A body of so many chunks of this size, which does not announce its length.
    struct Chunks {
        left: usize,
        size: usize,
    }

    impl hyper::body::Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
            self.left = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; self.size])))))
        }
    }

    fn chunked(left: usize, size: usize) -> Body {
        Body::new(Chunks { left, size })
    }

    async fn refusal(body: Body, limit: usize, budget: &BodyMemory) -> Option<UnreadBody> {
        read(body, limit, budget).await.err().map(|(unread, _)| unread)
    }

    #[tokio::test]
    async fn the_limit_holds_for_announced_and_for_chunked_bodies() {
        let budget = BodyMemory::new(1 << 20);
        assert_eq!(refusal(Body::from(vec![0; 101]), 100, &budget).await, Some(UnreadBody::TooLarge));
        assert_eq!(refusal(Body::from(vec![0; 100]), 100, &budget).await, None);
        assert_eq!(refusal(chunked(3, 40), 100, &budget).await, Some(UnreadBody::TooLarge));
        assert_eq!(refusal(chunked(2, 50), 100, &budget).await, None);
    }

    #[tokio::test]
    async fn large_bodies_share_a_budget_and_ordinary_ones_do_not() {
        let budget = BodyMemory::new(256 << 10);
        let large = || chunked(3, 60 << 10);
        let first = read(large(), 1 << 20, &budget).await.ok().unwrap();
        assert_eq!(first.bytes.len(), 180 << 10);
        assert_eq!(refusal(large(), 1 << 20, &budget).await, Some(UnreadBody::NoMemory));
        assert_eq!(refusal(chunked(1, 60 << 10), 1 << 20, &budget).await, None);
        drop(first);
        assert_eq!(refusal(large(), 1 << 20, &budget).await, None, "it was given back");
    }
}
