//! Many senders at once, each with a connection of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::Bodies;

pub(super) const CONNECTIONS: usize = 64;

#[expect(clippy::disallowed_methods, reason = "a bench measures how long the machine takes")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// What came of so many deliveries.
pub(super) struct Sent {
    /// How long each waited for its answer, the shortest first.
    pub(super) waits: Vec<Duration>,
    pub(super) took: Duration,
}

impl Sent {
    pub(super) fn share(&self, part: f64) -> Duration {
        let index = (self.waits.len() as f64 * part) as usize;
        self.waits.get(index.min(self.waits.len() - 1)).copied().unwrap_or_default()
    }
}

/// Sends deliveries of the numbers `from .. from + count`; each has to be answered with `status`.
pub(super) async fn send(
    to: SocketAddr,
    path: &'static str,
    secret: &'static str,
    bodies: Arc<Bodies>,
    (from, count): (u64, u64),
    status: u16,
) -> Sent {
    let next = Arc::new(AtomicU64::new(from));
    let began = now();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (next, bodies) = (next.clone(), bodies.clone());
            tokio::spawn(async move {
                let mut connection = TcpStream::connect(to).await.expect("a connection");
                connection.set_nodelay(true).expect("no delay");
                let (mut body, mut answer, mut waits) = (String::new(), vec![0; 4_096], Vec::new());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= from + count {
                        return waits;
                    }
                    bodies.write(number, &mut body);
                    let request = request(path, secret, number, &body);
                    let sent = now();
                    connection.write_all(&request).await.expect("the request is sent");
                    let told = read_answer(&mut connection, &mut answer).await;
                    assert_eq!(told, status, "delivery {number}");
                    waits.push(sent.elapsed());
                }
            })
        })
        .collect();
    let mut waits = Vec::new();
    for sender in senders {
        waits.extend(sender.await.expect("a sender"));
    }
    waits.sort_unstable();
    Sent { waits, took: began.elapsed() }
}

/// A signed delivery. Ids come in no order, as the forges' do.
fn request(path: &str, secret: &str, number: u64, body: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: usher\r\ncontent-type: application/json\r\n\
         user-agent: GitHub-Hookshot/044aadd\r\nx-github-event: pull_request\r\n\
         x-github-delivery: {mixed:016x}-{number:x}\r\nx-hub-signature-256: sha256={signature}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The status of an answer, which is read to its end.
async fn read_answer(connection: &mut TcpStream, buffer: &mut [u8]) -> u16 {
    let mut length = 0;
    loop {
        let read = connection.read(&mut buffer[length..]).await.expect("an answer");
        assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&buffer[..length]));
        length += read;
        let text = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
        let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let announced: usize = announced.map_or(0, |length| length.parse().expect("a length"));
        if rest.len() >= announced {
            return head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        }
    }
}
