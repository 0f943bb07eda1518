//! `[server]`: the listeners, and what they take.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;

use super::mistakes::{Book, Fault};
use super::outside::Outside;
use super::reader::{Section, bare};
use super::settings::Server;
use super::tree::Node;
use super::{keys, secrets, units};

const BODY_LIMIT_BYTES: u64 = 25 << 20;
const BODY_LIMIT_MOST_BYTES: u64 = 1 << 30;
const KEEP_BODIES: Duration = Duration::from_secs(3 * 86_400);

pub(super) fn server(
    root: &Section<'_>,
    outside: &Outside<'_>,
    book: &mut Book,
) -> (Server, Option<SecretString>) {
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let mut server = Server {
        listen: loopback(8080),
        admin: loopback(8081),
        admin_names: Vec::new(),
        body_limit: BODY_LIMIT_BYTES,
        keep_bodies: KEEP_BODIES,
    };
    let Some(section) = root.section(book, "server", &keys::SERVER) else { return (server, None) };
    secrets::hide_literals(&section, &["metrics_token"], book);
    let metrics_token = section.value(book, "metrics_token", |node| secrets::token(node, outside));
    server.admin_names = bare(section.list(book, "admin_names", host_name));
    let listen = section.value(book, "listen", units::address);
    let admin = section.value(book, "admin", units::address);
    server.listen = listen.as_ref().map_or(server.listen, |listen| listen.it);
    server.admin = admin.as_ref().map_or(server.admin, |admin| admin.it);
    let body_limit = section.value(book, "body_limit", body_limit);
    server.body_limit = body_limit.map_or(BODY_LIMIT_BYTES, |limit| limit.it);
    server.keep_bodies =
        section.value(book, "keep_bodies", units::duration).map_or(KEEP_BODIES, |keep| keep.it);
    if collide(server.listen, server.admin) {
        let place = admin.as_ref().or(listen.as_ref()).map_or(section.place, |address| &address.place);
        let what = format!("`listen` and `admin` both want port {}", server.admin.port());
        book.mistake(place, what, "give the admin listener a port of its own: \"127.0.0.1:8081\"");
    }
    if let Some(admin) = admin.filter(|admin| !admin.it.ip().is_loopback()) {
        let what = format!("the admin listener on {} can be reached from other machines", admin.it);
        book.warning(
            &admin.place,
            what,
            "it asks for no password: keep it on 127.0.0.1, behind a proxy that does",
        );
    }
    (server, metrics_token.map(|token| token.it))
}

/// A host's name as a browser asks for it: no scheme, no port.
fn host_name(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?.to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match text.chars().all(fits) {
        true => Ok(text),
        false => Err(Fault::new(
            format!("`{text}` is no name of a host"),
            "write it without https:// and port: \"usher.example.com\"",
        )),
    }
}

fn body_limit(node: &Node) -> Result<u64, Fault> {
    let bytes = units::size(node)?;
    if (1..=BODY_LIMIT_MOST_BYTES).contains(&bytes) {
        return Ok(bytes);
    }
    Err(Fault::new("a body limit out of range", "write a size up to \"1GiB\"; forges send up to \"25MiB\""))
}

/// Whether two listeners want the same port on the same address.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let overlap = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && overlap
}
