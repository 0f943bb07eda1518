//! The body of an answer: whole, or in two halves of which the second comes late or never.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// The connection ends here, unanswered.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox drops this connection")]
pub struct ConnectionDropped;

/// Whether the second half comes at all.
type Rest = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The body of an answer.
pub struct Body {
    first: Option<Bytes>,
    second: Option<(Bytes, Rest)>,
    length: u64,
}

impl Body {
    pub(super) fn whole(text: String) -> Body {
        let length = text.len() as u64;
        Body { first: Some(text.into()), second: None, length }
    }

    /// The first half at once, the other when `rest` says yes; if it says no, the connection ends.
    pub(super) fn halved(self, rest: impl Future<Output = bool> + Send + 'static) -> Body {
        let whole = self.first.unwrap_or_default();
        let (first, second) = (whole.slice(..whole.len() / 2), whole.slice(whole.len() / 2..));
        Body { first: Some(first), second: Some((second, Box::pin(rest))), length: self.length }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = ConnectionDropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionDropped>>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some((_, rest)) = &mut self.second else { return Poll::Ready(None) };
        let comes = ready!(rest.as_mut().poll(context));
        let second = self.second.take().map(|(second, _)| second).filter(|_| comes);
        Poll::Ready(Some(second.map(Frame::data).ok_or(ConnectionDropped)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }
}
