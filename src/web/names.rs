//! Under which names the admin listener answers.
//!
//! A page of a stranger can make a browser ask this machine for anything: by a name of its own that it
//! lets point here (DNS rebinding), or across sites. Both name somebody else in `Host` or `Origin`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::door::Door;
use super::problem::Problem;

/// The address on which a connection arrived; told with each of its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivedAt(pub SocketAddr);

/// Refuses a request that is meant for somebody else.
pub(super) async fn own_only(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let arrived_at = request.extensions().get::<ArrivedAt>().map(|arrived| arrived.0.ip());
    let names = &door.settings.admin_names;
    let foreign = foreign_name(request.uri(), request.headers(), |host| is_own(host, arrived_at, names));
    match foreign {
        Some(name) if !bears_token(&door, &request) => {
            tracing::warn!(name, "a request to the admin listener names somebody else and is refused");
            let error = "this name is not known here; `server.admin_names` lists those that are";
            Problem::new(StatusCode::FORBIDDEN, error).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The first name in a request that is not ours, fit for a log. One without any is no browser's.
fn foreign_name(uri: &Uri, headers: &HeaderMap, is_own: impl Fn(&str) -> bool) -> Option<String> {
    let hosts = headers.get_all(header::HOST).iter().map(|host| (host, false));
    let origins = headers.get_all(header::ORIGIN).iter().map(|origin| (origin, true));
    let named = hosts.chain(origins).map(|(value, is_origin)| {
        let text = value.to_str().unwrap_or_default();
        let authority = if is_origin { text.split_once("://").map_or("", |(_, rest)| rest) } else { text };
        (text.to_owned(), host_of(authority).is_some_and(|host| is_own(&host)))
    });
    let asked = uri.host().map(|host| (host.to_owned(), is_own(&host.to_lowercase())));
    named.chain(asked).find(|(_, own)| !own).map(|(name, _)| name.chars().take(100).collect())
}

/// The host of `host:port`, in lower case and without brackets; `None` where it is none.
fn host_of(authority: &str) -> Option<String> {
    let authority: http::uri::Authority = authority.parse().ok()?;
    Some(authority.host().trim_end_matches('.').to_lowercase())
}

fn is_own(host: &str, arrived_at: Option<IpAddr>, names: &[String]) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match address {
        Some(address) => {
            address.is_loopback()
                || arrived_at.is_some_and(|own| own.to_canonical() == address.to_canonical())
        }
        None => host == "localhost" || names.iter().any(|name| name == host),
    }
}

/// Whether it asks for the metrics with the token that is for them.
fn bears_token(door: &Door, request: &Request) -> bool {
    let Some(token) = &door.settings.metrics_token else { return false };
    let told = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let told = told.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    request.uri().path() == "/metrics" && told.as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_ours_where_the_connection_arrived_at_it() {
        let names = ["usher.example.com".to_owned()];
        let own = |host: &str, arrived_at: &str| is_own(host, arrived_at.parse().ok(), &names);
        assert!(own("10.1.2.3", "10.1.2.3"));
        assert!(own("10.1.2.3", "::ffff:10.1.2.3"), "one listener may have both kinds of address");
        assert!(own("[2001:db8::1]", "2001:db8::1"));
        assert!(!own("10.1.2.4", "10.1.2.3"));
        assert!(own("127.0.0.1", "10.1.2.3") && own("localhost", "10.1.2.3") && own("usher.example.com", ""));
        assert!(!own("example.com", "10.1.2.3") && !own("", "10.1.2.3"));
    }
}
