//! Real connections: slow ones, rude ones, and those that hang up.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use usher::web::{ConnectionLimits, serve};

use super::*;

/// A listening house with short limits.
struct Listening {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn listening(house: &House, limits: ConnectionLimits) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let task = tokio::spawn(serve(listener, web::public(house.door.clone()), limits, stop.clone()));
    Listening { address, stop, task }
}

fn short() -> ConnectionLimits {
    let tick = Duration::from_millis(50);
    ConnectionLimits { header_timeout: tick, body_deadline: tick, drain: tick, ..ConnectionLimits::default() }
}

/// Sends `text` and reads until the other side hangs up.
async fn say(address: SocketAddr, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text).await.unwrap();
    heard(&mut stream).await
}

async fn heard(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("the connection was not closed").unwrap();
    String::from_utf8(answer).unwrap()
}

/// A request as bytes on the wire.
async fn wire(request: Request<Body>, length: usize) -> Vec<u8> {
    let (parts, body) = request.into_parts();
    let mut text = format!("{} {} HTTP/1.1\r\nHost: usher\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(format!("Content-Length: {length}\r\n\r\n").into_bytes());
    text.extend(body.collect().await.unwrap().to_bytes());
    text
}

#[tokio::test]
async fn silent_and_slow_clients_are_hung_up_on() {
    let house = House::new().await;
    let server = listening(&house, short()).await;
    assert_eq!(say(server.address, b"").await, "", "not a single byte");
    assert_eq!(say(server.address, b"POST /hooks/github HTTP/1.1\r\nHost: us").await, "", "half a header");
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let house = House::new().await;
    let server = listening(&house, short()).await;
    let request = wire(github("d-1", sams()), sams().len() + 1).await;
    let answer = say(server.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(house.inbox_rows().await, 0);
}

#[tokio::test]
async fn whoever_sends_too_much_still_hears_why() {
    let house = House::new().await;
    let server = listening(&house, ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST /hooks/github HTTP/1.1\r\nHost: usher\r\nContent-Length: {}\r\n\r\n", 2 * LIMIT);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 2 * LIMIT]).await.unwrap();
    let answer = heard(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_sender_who_pulls_the_plug_is_stored_all_the_same() {
    let house = House::new().await;
    let server = listening(&house, ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&wire(github("d-1", sams()), sams().len()).await).await.unwrap();
    drop(stream);
    let rung = tokio::time::timeout(Duration::from_secs(10), house.wakeups.inbox.listen().woken()).await;
    assert!(rung.is_ok(), "it never arrived");
    assert_eq!(house.inbox_rows().await, 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let house = House::new().await;
    let limits = ConnectionLimits {
        connections: 1,
        header_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let server = listening(&house, limits).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    let second =
        say(server.address, b"GET /healthz HTTP/1.1\r\nHost: usher\r\nConnection: close\r\n\r\n").await;
    assert!(second.starts_with("HTTP/1.1 200 "), "served once the silent one was hung up on: {second}");
    drop(first);
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let house = House::new().await;
    let server = listening(&house, ConnectionLimits { headers: 10, ..ConnectionLimits::default() }).await;
    let many: String = (0..20).map(|n| format!("X-{n}: y\r\n")).collect();
    let answer = say(server.address, format!("GET /healthz HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_handler_that_panics_is_an_answer_and_not_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    async fn faulty() {
        panic!("a fault of the test's own");
    }
    let router = axum::Router::new().route("/", axum::routing::get(faulty));
    tokio::spawn(serve(listener, router, ConnectionLimits::default(), CancellationToken::new()));
    for _ in 0..2 {
        let answer = say(address, b"GET / HTTP/1.1\r\nHost: usher\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(!answer.contains("a fault of"), "{answer}");
    }
}

#[tokio::test]
async fn a_stopped_server_takes_no_more_and_ends() {
    let house = House::new().await;
    let server = listening(&house, short()).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), server.task).await.expect("drained").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
