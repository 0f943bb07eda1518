//! The way out to a ticket system: signed by Standard Webhooks, one address, no redirects.
//!
//! A receiver knows a repetition by its `webhook-id`, which is derived from the change and its merge:
//! the same after a retry, a crash, or a delivery whose answer was lost.
//! Source: Standard Webhooks, `spec/standard-webhooks.md`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::forge::ForgeFault;
use usher_core::model::action::Announcement;
use usher_core::model::change::ChangeKey;
use usher_core::model::tickets::Ticket;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Standard Webhooks recommends 15 to 30 seconds for the whole request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read at most; what it says is not used.
const ANSWER_LIMIT_BYTES: usize = 64 * 1024;
const TOKEN_PREFIX: &str = "whsec_";

/// Where announcements go, as configured. It has no `Debug`: the address may carry a secret, too.
#[derive(Clone)]
pub struct OutboundTarget {
    pub url: String,
    /// `whsec_` and the key in base64.
    pub signing_token: SecretString,
}

/// Tells a ticket system what happened.
pub struct Outbound {
    user_agent: String,
    aim: ArcSwapOption<Aim>,
}

struct Aim {
    http: reqwest::Client,
    target: OutboundTarget,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("on", &self.aim.load().is_some()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    /// `forge:project!number`
    change: String,
    url: &'a str,
    tickets: Vec<&'a Ticket>,
    opened_at: Timestamp,
    merged_at: Timestamp,
    took_seconds: i64,
    reviewers: u32,
    approvals: u32,
}

impl Outbound {
    /// Tells nobody yet; `user_agent` is sent with every request.
    pub fn new(user_agent: &str) -> Outbound {
        Outbound { user_agent: user_agent.to_owned(), aim: ArcSwapOption::empty() }
    }

    /// From now on announcements go there; with `None` to nobody. Nothing is sent.
    ///
    /// # Errors
    /// When TLS cannot be set up; then all stays as it was.
    pub fn aim(&self, target: Option<OutboundTarget>) -> Result<(), String> {
        let aim = target.map(|target| {
            let mut http = reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(REQUEST_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .user_agent(&*self.user_agent);
            if target.url.starts_with("http://") {
                // Loopback only: a proxy of the environment cannot reach it.
                http = http.no_proxy();
            }
            let http = http.build().map_err(|error| format!("no HTTP client can be made: {error}"))?;
            Ok::<_, String>(Arc::new(Aim { http, target }))
        });
        self.aim.store(aim.transpose()?);
        Ok(())
    }

    /// Tells that a change was merged, once.
    ///
    /// # Errors
    /// [`ForgeFault::Retry`] when it did not get there or the answer promises nothing;
    /// [`ForgeFault::Refused`] for what will be refused again, and where no address is configured.
    pub(super) async fn tell(
        &self,
        change: &ChangeKey,
        news: &Announcement,
        now: Timestamp,
    ) -> Result<(), ForgeFault> {
        let refuse = |status, answer: &str| ForgeFault::Refused { status, answer: answer.to_owned() };
        let aim = self.aim.load_full();
        let aim = aim.ok_or_else(|| refuse(0, "no [tickets.webhook] is configured any more"))?;
        let Aim { http, target } = &*aim;
        let id = message_id(change, news);
        let body = body(change, news).map_err(|error| refuse(0, &error.to_string()))?;
        let stamp = now.as_second().to_string();
        let signature = signature(&target.signing_token, &id, &stamp, &body)
            .ok_or_else(|| refuse(0, "the signing token is no whsec_ token"))?;
        let request = http
            .post(&target.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &stamp)
            .header("webhook-signature", signature)
            .body(body);
        let lost = |error: &reqwest::Error| ForgeFault::Retry {
            why: format!(
                "no answer from the ticket system{}",
                if error.is_timeout() { ": timed out" } else { "" }
            ),
            outcome_unknown: !error.is_connect(),
        };
        let mut answer = request.send().await.map_err(|error| lost(&error))?;
        let status = answer.status();
        // Read to the end, so that the connection can be used again, but not for ever.
        let mut read = 0;
        while read <= ANSWER_LIMIT_BYTES {
            match answer.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                Ok(None) | Err(_) => break,
            }
        }
        judge(status)
    }
}

/// What the answer means. Only what would be refused again is given up at once; a wrong token or
/// address may be corrected on either side.
fn judge(status: StatusCode) -> Result<(), ForgeFault> {
    let number = status.as_u16();
    let refused = |answer: &str| Err(ForgeFault::Refused { status: number, answer: answer.to_owned() });
    match number {
        200..=299 => Ok(()),
        300..=399 => refused("the ticket system answers with a redirect, and none is followed"),
        410 => refused("the ticket system wants no more of these"),
        400 | 413 | 415 | 422 => refused("the ticket system does not take it"),
        _ => Err(ForgeFault::Retry {
            why: format!("the ticket system answered {number}"),
            outcome_unknown: false,
        }),
    }
}

/// The same for one merge whenever it is told. It has no full stop, which separates it in what is
/// signed.
fn message_id(change: &ChangeKey, news: &Announcement) -> String {
    let text = format!("merged\n{change}\n{}", news.merged_at.as_millisecond());
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    format!("msg_{}", &digest[..32])
}

fn body(change: &ChangeKey, news: &Announcement) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Body {
        kind: "support_contribution.merged",
        timestamp: news.merged_at,
        data: Data {
            change: change.to_string(),
            url: &news.url,
            tickets: news.tickets.iter().collect(),
            opened_at: news.opened_at,
            merged_at: news.merged_at,
            took_seconds: news.merged_at.duration_since(news.opened_at).as_secs().max(0),
            reviewers: news.reviewers,
            approvals: news.approvals,
        },
    })
}

/// `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`; `None` for a token that is
/// none, which the configuration does not let through.
fn signature(token: &SecretString, id: &str, stamp: &str, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(token.expose_secret().strip_prefix(TOKEN_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id.as_bytes(), b".", stamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let token = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&token, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature(&SecretString::from("plain"), "i", "1", b""), None);
    }

    #[test]
    fn what_the_answer_means() {
        let lasting = |status: u16| {
            matches!(judge(StatusCode::from_u16(status).unwrap()), Err(ForgeFault::Refused { .. }))
        };
        assert_eq!(judge(StatusCode::NO_CONTENT), Ok(()));
        for status in [301, 307, 400, 410, 422] {
            assert!(lasting(status), "{status}");
        }
        for status in [401, 403, 404, 408, 429, 500, 503] {
            assert!(!lasting(status) && judge(StatusCode::from_u16(status).unwrap()).is_err(), "{status}");
        }
    }

    #[test]
    fn one_merge_has_one_id_and_no_secret_is_shown() {
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let news = Announcement {
            url: "https://x".into(),
            tickets: [Ticket { system: "desk".into(), reference: "7".into() }].into(),
            opened_at: at,
            merged_at: at,
            reviewers: 1,
            approvals: 1,
        };
        let change = ChangeKey::new("gitlab", "acme/shop.js", 1);
        let id = message_id(&change, &news);
        assert_eq!(id, message_id(&change, &news));
        assert!(!id.contains('.') && id.len() == 36, "{id}");
        assert_ne!(id, message_id(&ChangeKey::new("gitlab", "acme/shop.js", 2), &news));
        let outbound = Outbound::new("test");
        let target = OutboundTarget { url: "https://x/geheim".into(), signing_token: "whsec_geheim".into() };
        outbound.aim(Some(target)).unwrap();
        assert_eq!(format!("{outbound:?}"), "Outbound { on: true, .. }");
    }
}
