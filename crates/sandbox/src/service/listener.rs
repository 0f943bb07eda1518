//! A forge on a socket. Served with hyper itself, because a connection that closes without an answer
//! cannot be had from axum.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::forge::ForgeService;

/// Accepts connections until aborted; open connections end with it.
pub(super) fn serve(service: ForgeService, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        let service = TowerToHyperService::new(service.clone());
                        connections.spawn(async move {
                            // An error here is a client that went away, or a drop that was asked for.
                            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                        });
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    })
}
