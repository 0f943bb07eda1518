//! Signing in as a GitHub App: a short-lived JWT for the App itself, and for every owner that has
//! installed it a token of an hour, renewed before it ends.
//!
//! octocrab can do this, too, but signs by the wall clock and leaves the credentials out of second
//! pages with a custom base URL (octocrab 0.54), so the transport below it does it for all requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::credentials::{AppKey, Bearer};
use super::entries::{Entries, page as entries_of};
use super::fault::ForgeFault;
use crate::clock::Clock;

/// A JWT is dated back a minute, for clocks that go wrong, and lasts nine: GitHub allows ten
/// (GitHub's `generating-a-json-web-token-jwt-for-a-github-app.md`).
const JWT_BACK: SignedDuration = SignedDuration::from_secs(60);
const JWT_LASTS: SignedDuration = SignedDuration::from_secs(9 * 60);
/// A token is renewed so long before it ends: longer than a request and a wrong clock take.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// An owner who is not known to have installed the App is looked for again no sooner than this.
const LOOK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Whose token a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The App's own.
    App,
    /// That of the installation at this owner (lower case).
    Owner(String),
    /// That of any installation: what is asked belongs to nobody in particular.
    Any,
}

/// Keys and tokens of one App.
pub(super) struct App {
    id: String,
    key: EncodingKey,
    clock: Clock,
    /// Held while signing in, so that two requests do not fetch two tokens.
    known: Mutex<Known>,
    /// Installations that could not be read and were left out, since the start.
    unread: AtomicU64,
}

#[derive(Default)]
struct Known {
    read_at: Option<Timestamp>,
    /// Installations by the owner's login in lower case.
    installations: BTreeMap<String, u64>,
    /// How many could not be read the last time: it may be one of these that somebody looks for.
    unread: usize,
    tokens: BTreeMap<u64, Token>,
}

struct Token {
    bearer: Bearer,
    renew_at: Timestamp,
}

/// A request for signing in; the transport sends it.
pub(super) struct AppSignIn {
    pub post: bool,
    /// Below the API's root, with its query.
    pub path: String,
    pub bearer: Bearer,
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    account: Option<Owner>,
    suspended_at: Option<Timestamp>,
}

/// An enterprise has none (GitHub's OpenAPI: `account` is a simple user or an enterprise), and no
/// repositories either.
#[derive(Deserialize)]
struct Owner {
    login: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    token: String,
    expires_at: Timestamp,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

impl App {
    /// # Errors
    /// When the key is no RSA key in PEM; the message does not show it.
    pub(super) fn new(key: &AppKey, clock: Clock) -> Result<App, String> {
        let pem = key.private_key.expose_secret();
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes());
        let encoding = encoding.map_err(|_| {
            "the App's private key is no RSA key in PEM; use the file that GitHub handed out, unchanged"
                .to_owned()
        })?;
        Ok(App {
            id: key.id.clone(),
            key: encoding,
            clock,
            known: Mutex::default(),
            unread: AtomicU64::new(0),
        })
    }

    /// Whose token a request to `path` (below the API's root) needs.
    pub(super) fn whose(path: &str) -> Whose {
        let mut parts = path.trim_start_matches('/').split(['/', '?']);
        match (parts.next(), parts.next()) {
            (Some("app"), _) => Whose::App,
            (Some("repos" | "orgs"), Some(owner)) => Whose::Owner(owner.to_lowercase()),
            _ => Whose::Any,
        }
    }

    /// The token for a request. `send` sends what signing in takes.
    ///
    /// # Errors
    /// Faults of `send`; [`ForgeFault::Refused`] when the owner has not installed the App.
    pub(super) async fn bearer<F>(
        &self,
        whose: &Whose,
        mut send: impl FnMut(AppSignIn) -> F,
    ) -> Result<Bearer, ForgeFault>
    where
        F: Future<Output = Result<bytes::Bytes, ForgeFault>>,
    {
        if *whose == Whose::App {
            return self.jwt();
        }
        let mut known = self.known.lock().await;
        if known.find(whose).is_none() && known.may_look(self.clock.now()) {
            self.read_installations(&mut known, &mut send).await?;
        }
        let Some(installation) = known.find(whose) else { return Err(not_installed(whose, known.unread)) };
        let now = self.clock.now();
        if let Some(token) = known.tokens.get(&installation).filter(|token| now < token.renew_at) {
            return Ok(token.bearer.clone());
        }
        let path = format!("app/installations/{installation}/access_tokens");
        let answer = send(AppSignIn { post: true, path, bearer: self.jwt()? }).await;
        if matches!(answer, Err(ForgeFault::Gone)) {
            // Uninstalled meanwhile.
            known.installations.retain(|_, id| *id != installation);
        }
        let granted: Granted = read(&answer?)?;
        let bearer = Bearer::new(granted.token.into())
            .map_err(|why| ForgeFault::Refused { status: 0, answer: why })?;
        let renew_at = granted.expires_at.checked_sub(RENEW_BEFORE).unwrap_or(granted.expires_at);
        known.tokens.insert(installation, Token { bearer: bearer.clone(), renew_at });
        Ok(bearer)
    }

    /// Forgets a token that was not accepted, so that the next request gets a new one.
    pub(super) async fn forget(&self, refused: &Bearer) {
        let mut known = self.known.lock().await;
        known.tokens.retain(|_, token| token.bearer.header != refused.header);
    }

    /// Installations that could not be read and were left out, since the start.
    pub(super) fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    /// All owners that have installed the App, in lower case.
    pub(super) async fn owners<F>(
        &self,
        mut send: impl FnMut(AppSignIn) -> F,
    ) -> Result<Vec<String>, ForgeFault>
    where
        F: Future<Output = Result<bytes::Bytes, ForgeFault>>,
    {
        let mut known = self.known.lock().await;
        if known.may_look(self.clock.now()) {
            self.read_installations(&mut known, &mut send).await?;
        }
        Ok(known.installations.keys().cloned().collect())
    }

    async fn read_installations<F>(
        &self,
        known: &mut Known,
        send: &mut impl FnMut(AppSignIn) -> F,
    ) -> Result<(), ForgeFault>
    where
        F: Future<Output = Result<bytes::Bytes, ForgeFault>>,
    {
        const PER_PAGE: usize = 100;
        const PAGES_MOST: u32 = 10;
        let (mut found, mut left_out) = (BTreeMap::new(), 0);
        for page in 1..=PAGES_MOST {
            let path = format!("app/installations?per_page={PER_PAGE}&page={page}");
            let answer = send(AppSignIn { post: false, path, bearer: self.jwt()? }).await?;
            let page: Result<Entries<Installation>, _> = entries_of(&answer);
            let Entries { list, unread } = page.map_err(|error| unreadable(&error))?;
            left_out += unread;
            self.unread.fetch_add(unread as u64, Ordering::Relaxed);
            let last = list.len() + unread < PER_PAGE;
            let active = list.into_iter().filter(|installation| installation.suspended_at.is_none());
            found.extend(active.filter_map(|installation| {
                Some((installation.account?.login?.to_lowercase(), installation.id))
            }));
            if last {
                break;
            }
        }
        known.installations = found;
        known.unread = left_out;
        known.read_at = Some(self.clock.now());
        Ok(())
    }

    fn jwt(&self) -> Result<Bearer, ForgeFault> {
        let now = self.clock.now();
        let claims = Claims {
            iat: now.as_second() - JWT_BACK.as_secs(),
            exp: now.as_second() + JWT_LASTS.as_secs(),
            iss: &self.id,
        };
        let jwt = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key);
        let jwt = jwt.map_err(|error| ForgeFault::unsendable(&error))?;
        Bearer::new(jwt.into()).map_err(|why| ForgeFault::unsendable(&why))
    }
}

impl Known {
    fn find(&self, whose: &Whose) -> Option<u64> {
        match whose {
            Whose::App => None,
            Whose::Owner(owner) => self.installations.get(owner).copied(),
            Whose::Any => self.installations.values().next().copied(),
        }
    }

    fn may_look(&self, now: Timestamp) -> bool {
        self.read_at.is_none_or(|read| now.duration_since(read).abs() >= LOOK_AGAIN_AFTER)
    }
}

fn not_installed(whose: &Whose, unread: usize) -> ForgeFault {
    let where_to = match whose {
        Whose::Owner(owner) => format!("at `{owner}`"),
        Whose::App | Whose::Any => "anywhere".to_owned(),
    };
    let doubt = match unread {
        0 => String::new(),
        unread => format!(", or its installation there is one of {unread} of the list that cannot be read"),
    };
    let answer = format!(
        "the GitHub App is not installed {where_to}, or suspended there{doubt}; install it on its page"
    );
    // What it would be told there.
    ForgeFault::Refused { status: 403, answer }
}

fn read<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T, ForgeFault> {
    serde_json::from_slice(answer).map_err(|error| unreadable(&error))
}

/// serde_json's message may repeat what it read, and here that may be a token.
fn unreadable(error: &serde_json::Error) -> ForgeFault {
    let place = format!("signing in as an App: not as expected at column {}", error.column());
    ForgeFault::garbled(&place, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_read_from_the_path() {
        let owner = |name: &str| Whose::Owner(name.into());
        for (path, whose) in [
            ("repos/Acme/shop/pulls?state=open", owner("acme")),
            ("/orgs/acme/teams/support/members", owner("acme")),
            ("orgs/acme?x=1", owner("acme")),
            ("app", Whose::App),
            ("app/installations/7/access_tokens", Whose::App),
            ("users/rita", Whose::Any),
            ("graphql", Whose::Any),
        ] {
            assert_eq!(App::whose(path), whose, "{path}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_not_shown() {
        let key = AppKey { id: "7".into(), private_key: "-----BEGIN hush-----".into() };
        let error = App::new(&key, Clock::system()).unwrap_err();
        assert!(error.contains("PEM") && !error.contains("hush"), "{error}");
    }
}
