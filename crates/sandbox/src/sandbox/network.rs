//! The sandbox on the network.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::Sandbox;
use crate::clock::Clock;
use crate::service::{ForgeService, SharedForges, Sockets};
use crate::world::{Forge, State};

impl Sandbox {
    /// Starts both forges, empty, on free loopback ports.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(clock: impl Clock) -> io::Result<Sandbox> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Sandbox::start_on(clock, any, any).await
    }

    /// Starts both forges, empty, on these addresses.
    ///
    /// # Errors
    /// When an address is taken.
    pub async fn start_on(clock: impl Clock, gitlab: SocketAddr, github: SocketAddr) -> io::Result<Sandbox> {
        let (gitlab, github) = (TcpListener::bind(gitlab).await?, TcpListener::bind(github).await?);
        let origin = |socket: &TcpListener| socket.local_addr().map(|address| format!("http://{address}"));
        let state = State::new(Arc::new(clock), origin(&gitlab)?, origin(&github)?);
        let forges = SharedForges::new(state);
        let service = |forge| ForgeService::new(forges.clone(), forge);
        let sockets = Sockets::new(service, gitlab, github)?;
        Ok(Sandbox::of(forges, Some(sockets)))
    }

    /// The address a forge listens on.
    ///
    /// # Panics
    /// When the sandbox is [`Sandbox::in_process`].
    pub fn address(&self, forge: Forge) -> SocketAddr {
        match self.sockets() {
            Some(sockets) => sockets.address(forge),
            None => panic!("a sandbox without a network has no addresses"),
        }
    }

    /// Makes a forge unreachable: connections are refused, open ones end. Its state stays.
    pub async fn stop_listening(&self, forge: Forge) {
        if let Some(sockets) = self.sockets() {
            sockets.stop(forge).await;
        }
    }

    /// Makes a forge reachable again at its old address; one that listens is left alone.
    ///
    /// # Errors
    /// When somebody else has taken the port.
    pub async fn resume(&self, forge: Forge) -> io::Result<()> {
        match self.sockets() {
            Some(sockets) => sockets.resume(forge).await,
            None => Ok(()),
        }
    }

    /// Stops both forges.
    pub async fn shutdown(&self) {
        self.stop_listening(Forge::Gitlab).await;
        self.stop_listening(Forge::Github).await;
    }
}
