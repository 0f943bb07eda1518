//! The network to a forge: a private certificate authority and proxies, over real sockets on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::wire::time::SandboxClock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use usher::clock::Clock;
use usher::forge::{Client, ClientConfig, Credentials, Network};
use usher_core::model::change::ForgeKind;
use usher_core::model::people::RosterWish;
use usher_core::model::policy::Pattern;
use usher_sandbox::{Forge, Sandbox};

pub const PASSWORD: &str = "s3cret-of-the-proxy";
const HEAD_MAX: usize = 16 * 1024;

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(SandboxClock(Clock::system())).await.unwrap();
    for forge in [Forge::Gitlab, Forge::Github] {
        sandbox.add_bot(forge, "usher", "Usher");
        sandbox.add_token(forge, "bot-token", "usher");
    }
    sandbox
}

fn address(sandbox: &Sandbox, forge: Forge) -> (ForgeKind, String) {
    match forge {
        Forge::Gitlab => (ForgeKind::GitLab, sandbox.gitlab_url()),
        Forge::Github => (ForgeKind::GitHub, sandbox.github_url()),
    }
}

fn client(kind: ForgeKind, url: String, network: &Network) -> Client {
    let config = ClientConfig {
        name: "here".into(),
        kind,
        url,
        credentials: Credentials::Token("bot-token".into()),
        projects: vec![Pattern::new("acme/*").unwrap()],
        user_agent: "usher/test".into(),
    };
    Client::over(config, network, Clock::system()).unwrap()
}

/// As whom the forge knows us, or what is said where it cannot be asked.
async fn whoami(client: &Client) -> Result<String, String> {
    let roster = client.roster(&RosterWish::default()).await;
    let said = format!("{roster:?} {:?} {client:?}", client.health());
    assert!(!said.contains(PASSWORD), "{said}");
    roster.map(|roster| roster.me.unwrap().login).map_err(|fault| fault.to_string())
}

/// The certificate of a private authority, in PEM, and a server's key and certificate that it signed.
fn authority() -> (String, ServerConfig) {
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let root = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let mut server = CertificateParams::new([]).unwrap();
    server.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key.into());
    (root.pem(), config.unwrap())
}

/// TLS in front of a forge.
async fn tls_in_front_of(forge: SocketAddr, config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut behind = TcpStream::connect(forge).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    address
}

/// A proxy that asks for user and password. What it was asked for is kept.
pub async fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass(stream, kept.clone()));
        }
    });
    (address, asked)
}

async fn pass(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_MAX {
        let Ok(read @ 1..) = stream.read_buf(&mut head).await else { return };
        assert!(read > 0);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let line = text.lines().next().unwrap().to_owned();
    asked.lock().unwrap().push(line.clone());
    let expected = format!("basic {}", STANDARD.encode(format!("usher:{PASSWORD}"))).to_lowercase();
    let allowed = text.to_lowercase().contains(&format!("proxy-authorization: {expected}"));
    if !allowed {
        let no = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(no).await.unwrap();
        return;
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let place = target.strip_prefix("http://").unwrap_or(target).split('/').next().unwrap().to_owned();
    let mut behind = TcpStream::connect(place).await.unwrap();
    if method == "CONNECT" {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    } else {
        behind.write_all(&head).await.unwrap();
    }
    let _ = copy_bidirectional(&mut stream, &mut behind).await;
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_ca_file_names_it_and_refused_otherwise() {
    let sandbox = sandbox().await;
    for forge in [Forge::Gitlab, Forge::Github] {
        let (ca, config) = authority();
        let front = tls_in_front_of(sandbox.address(forge), config).await;
        let (kind, url) = address(&sandbox, forge);
        let url = url.replace(&format!("http://{}", sandbox.address(forge)), &format!("https://{front}"));
        let network = Network { ca: Some(ca), ..Network::default() };
        assert_eq!(whoami(&client(kind, url.clone(), &network)).await.as_deref(), Ok("usher"));
        let said = whoami(&client(kind, url.clone(), &Network::default())).await.unwrap_err();
        assert!(said.contains("UnknownIssuer") && said.contains("`ca_file`"), "{said}");
        let (other, _) = authority();
        let network = Network { ca: Some(other), ..Network::default() };
        assert!(whoami(&client(kind, url, &network)).await.is_err(), "another authority is not trusted");
    }
}

#[tokio::test]
async fn requests_go_by_the_proxy_with_its_password_in_the_clear_and_through_a_tunnel() {
    let sandbox = sandbox().await;
    let (proxy, asked) = proxy().await;
    for forge in [Forge::Gitlab, Forge::Github] {
        let (kind, url) = address(&sandbox, forge);
        let (ca, config) = authority();
        let front = tls_in_front_of(sandbox.address(forge), config).await;
        let safe = url.replace(&format!("http://{}", sandbox.address(forge)), &format!("https://{front}"));
        let network = |password: &str| Network {
            ca: Some(ca.clone()),
            proxy: Some(format!("http://usher:{password}@{proxy}").into()),
            ..Network::default()
        };
        for (url, line) in [(&url, format!("GET {url}")), (&safe, format!("CONNECT {front} "))] {
            assert_eq!(whoami(&client(kind, url.clone(), &network(PASSWORD))).await.as_deref(), Ok("usher"));
            let last = asked.lock().unwrap().pop().unwrap();
            assert!(last.starts_with(&line), "{last}");
            let said = whoami(&client(kind, url.clone(), &network("wrong"))).await.unwrap_err();
            assert!(said.contains("proxy"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let sandbox = sandbox().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let network =
        Network { proxy: Some(format!("http://usher:{PASSWORD}@{gone}").into()), ..Network::default() };
    let (kind, url) = address(&sandbox, Forge::Gitlab);
    let said = whoami(&client(kind, url, &network)).await.unwrap_err();
    assert!(said.contains(&format!("by way of the proxy {gone}")), "{said}");
}

#[tokio::test]
async fn https_to_a_port_of_http_is_told_as_that() {
    let sandbox = sandbox().await;
    for forge in [Forge::Gitlab, Forge::Github] {
        let (kind, url) = address(&sandbox, forge);
        let client = client(kind, url.replace("http://", "https://"), &Network::default());
        let fault = whoami(&client).await.unwrap_err();
        assert!(fault.contains("speaks plain http, not https: correct `url`"), "{fault}");
    }
    sandbox.shutdown().await;
}
