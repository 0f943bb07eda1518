//! `usher health`: asks a running server whether it is alive. For the container's health check, where
//! there is neither a shell nor curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::CliError;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `url`, or the server that listens on `listen`: 0 when it answers with success, 1 otherwise.
pub(super) async fn run(
    url: Option<String>,
    listen: impl FnOnce() -> Result<SocketAddr, CliError>,
) -> Result<ExitCode, CliError> {
    let url = match url {
        Some(url) => url,
        None => format!("http://{}/healthz", reachable(listen()?)),
    };
    ask(&url).await?;
    anstream::println!("alive");
    Ok(ExitCode::SUCCESS)
}

async fn ask(url: &str) -> anyhow::Result<()> {
    // A proxy of the environment is for the forges, not for this machine.
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let answer = client.get(url).send().await.with_context(|| format!("{url} does not answer"))?;
    ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(())
}

/// Where to ask a server that listens on `listen`: "everywhere" is no address to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn everywhere_is_asked_for_on_loopback() {
        let asked = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("10.0.0.7:80"), "10.0.0.7:80");
    }

    #[tokio::test]
    async fn only_success_is_health() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/healthz"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        let listen = *server.address();
        assert!(run(None, || Ok(listen)).await.is_ok());
        let elsewhere = Some(format!("http://{listen}/elsewhere"));
        let error = run(elsewhere, || Ok(listen)).await.unwrap_err().to_string();
        assert!(error.contains("404"), "{error}");
        drop(server);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_not_healthy() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = run(None, || Ok(free)).await.unwrap_err().to_string();
        assert!(error.contains("does not answer"), "{error}");
    }
}
