//! What carries a request to a forge and brings the answer back: the network, or a service in this
//! process.

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};
use url::Url;

/// Largest answer taken in: a page of 100 GitLab diffs at its 200 kB limit stays below.
pub(super) const ANSWER_LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// A forge in this process. It takes whole requests and gives whole answers; the error stands for a
/// connection that ended without one, and nobody can tell what was done.
pub type ForgeService = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, BoxError>;

/// One way to a forge.
#[derive(Clone)]
pub(super) enum Wire {
    Http(reqwest::Client),
    Service(ForgeService),
}

/// Why there is no answer.
pub(super) enum Lost {
    Http(reqwest::Error),
    Service(BoxError),
    /// The answer is larger than [`ANSWER_LIMIT_BYTES`].
    TooLarge,
}

impl Wire {
    /// Sends a request once and reads its answer whole.
    pub(super) async fn send(&self, request: Request<Vec<u8>>, url: Url) -> Result<Response<Bytes>, Lost> {
        match self {
            Wire::Http(http) => whole(http.execute(addressed(request, url)).await.map_err(Lost::Http)?).await,
            Wire::Service(service) => {
                let (mut parts, body) = request.into_parts();
                // What was joined from a base and a path is a URI.
                parts.uri = url.as_str().parse().map_err(|error| Lost::Service(Box::new(error)))?;
                let request = Request::from_parts(parts, Bytes::from(body));
                service.clone().oneshot(request).await.map_err(Lost::Service)
            }
        }
    }
}

async fn whole(mut answer: reqwest::Response) -> Result<Response<Bytes>, Lost> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(Lost::Http)? {
        if body.len() + chunk.len() > ANSWER_LIMIT_BYTES {
            return Err(Lost::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = Response::new(body.freeze());
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(whole)
}

/// The same request, on its way to an address.
fn addressed(request: Request<Vec<u8>>, url: Url) -> reqwest::Request {
    let (parts, body) = request.into_parts();
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
    outgoing.headers_mut().remove(header::CONTENT_LENGTH);
    if !body.is_empty() {
        *outgoing.body_mut() = Some(body.into());
    }
    outgoing
}
