//! The admin listener answers under its own names alone.

use super::*;

/// The status of a page, asked for with these headers.
async fn asked(house: &House, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let request = request.body(Body::empty()).unwrap();
    Answer::of(web::admin(house.door.clone()).oneshot(request).await.unwrap()).await.status
}

#[tokio::test]
async fn a_request_that_names_somebody_else_is_refused() {
    let house = House::new().await;
    for host in [
        "localhost",
        "localhost:8081",
        "127.0.0.1:8081",
        "127.0.0.2",
        "[::1]:8081",
        "usher.example.com",
        "USHER.example.com.:443",
    ] {
        assert_eq!(asked(&house, "/", &[("host", host)]).await, StatusCode::OK, "{host}");
        let origin = format!("http://{host}");
        let both = [("host", "localhost"), ("origin", &origin)];
        assert_eq!(asked(&house, "/api/v1/people", &both).await, StatusCode::OK, "{origin}");
    }
    for host in [
        "rebound.example.net",
        "usher.example.com.example.net",
        "localhost.example.net",
        "10.0.0.7:8081",
        "192.0.2.1",
        "",
        "a b",
    ] {
        for path in ["/", "/api/v1/reviews", "/metrics", "/style.css", "/nowhere"] {
            assert_eq!(asked(&house, path, &[("host", host)]).await, StatusCode::FORBIDDEN, "{host} {path}");
        }
    }
    for origin in ["https://rebound.example.net", "null", "http://10.0.0.7"] {
        let both = [("host", "localhost"), ("origin", origin)];
        assert_eq!(asked(&house, "/", &both).await, StatusCode::FORBIDDEN, "{origin}");
    }
    let two = [("host", "localhost"), ("host", "rebound.example.net")];
    assert_eq!(asked(&house, "/", &two).await, StatusCode::FORBIDDEN);
    assert_eq!(asked(&house, "http://rebound.example.net/", &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(asked(&house, "/", &[]).await, StatusCode::OK, "no browser asks like that");
}

#[tokio::test]
async fn the_metrics_token_opens_the_metrics_and_nothing_else() {
    let house = House::new().await;
    let with = |token: &'static str| [("host", "usher.monitoring.svc:8081"), ("authorization", token)];
    assert_eq!(asked(&house, "/metrics", &with("Bearer for-the-scraper")).await, StatusCode::OK);
    for token in ["Bearer for-the-scrape", "Bearer ", "for-the-scraper", "Basic for-the-scraper"] {
        assert_eq!(asked(&house, "/metrics", &with(token)).await, StatusCode::FORBIDDEN, "{token}");
    }
    assert_eq!(asked(&house, "/", &with("Bearer for-the-scraper")).await, StatusCode::FORBIDDEN);
    assert_eq!(asked(&house, "/metrics", &[("host", "localhost")]).await, StatusCode::OK, "without it, too");
}

/// Bound everywhere, the listener knows the address on which each connection arrived.
#[tokio::test]
async fn a_listener_that_is_bound_everywhere_answers_under_the_address_that_was_reached() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let house = House::new().await;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = tokio_util::sync::CancellationToken::new();
    let limits = web::ConnectionLimits::default();
    let serving = tokio::spawn(web::serve(listener, web::admin(house.door.clone()), limits, stop.clone()));
    for (host, status) in [("127.0.0.1", "200"), ("192.0.2.1", "403"), ("rebound.example.net", "403")] {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("GET /style.css HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    stop.cancel();
    serving.await.unwrap();
}
