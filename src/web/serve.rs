//! A listener that a slow, rude or numerous client cannot wear out.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;

use super::names::ArrivedAt;
use super::problem::Problem;

/// How long accepting rests after it has failed, for instance because files ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener lets its clients take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections served at once; further ones wait to be accepted.
    pub connections: usize,
    /// Header lines of one request.
    pub headers: usize,
    /// From the first byte waited for until the last header line; also how long a connection may
    /// stay silent.
    pub header_timeout: Duration,
    /// For the whole body of a request, however busily it trickles.
    pub body_deadline: Duration,
    /// How long running requests may take to finish once the server stops.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            connections: 1024,
            headers: 100,
            header_timeout: Duration::from_secs(10),
            body_deadline: Duration::from_secs(30),
            drain: Duration::from_secs(2),
        }
    }
}

/// Serves `router` on `listener` until `stop`, then lets running requests finish within
/// `limits.drain` and cuts off the rest.
pub async fn serve(listener: TcpListener, router: Router, limits: ConnectionLimits, stop: CancellationToken) {
    let router = router
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(RequestBodyDeadlineLayer::new(limits.body_deadline));
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    // Should this future be dropped, its connections go with it.
    let _cut_at_the_end = cut.clone().drop_guard();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, router.clone(), limits, graceful.watcher());
                let cut = cut.clone();
                tokio::spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = connection => {}
                        () = cut.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

async fn connection(stream: TcpStream, router: Router, limits: ConnectionLimits, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let arrived_at = stream.local_addr().ok().map(ArrivedAt);
    let service = router.map_request(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(address) = arrived_at {
            request.extensions_mut().insert(address);
        }
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_headers(limits.headers);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn panicked() -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong inside; the log has more")
        .into_response()
}
