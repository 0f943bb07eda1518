//! Who sent a delivery: signatures and secret tokens, checked on the raw bytes, in constant time,
//! against every configured secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// How far the signed timestamp of a GitLab delivery may lie from now: the tolerance of the
/// Standard Webhooks reference libraries.
const TIMESTAMP_TOLERANCE_SECONDS: i64 = 5 * 60;

/// Signatures looked at in one `webhook-signature` header; GitLab sends one per token.
const SIGNATURES_MAX: usize = 16;

/// Bytes of the key in a GitLab signing token.
const SIGNING_KEY_BYTES: usize = 32;

const SIGNING_TOKEN_PREFIX: &str = "whsec_";

/// Why a delivery is refused. Carries nothing of what was sent or configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unverified {
    /// No signature (or token) where one is required.
    #[error("the signature is missing")]
    Missing,
    /// A signature (or token) that no configured secret explains.
    #[error("the signature is wrong")]
    Wrong,
    /// Rightly signed, but more than five minutes ago.
    #[error("the signature is too old")]
    TooOld,
    /// Rightly signed, with a time more than five minutes ahead.
    #[error("the signature is from the future")]
    TooNew,
    /// Nothing is configured to check against, so nobody can be believed.
    #[error("no secret is configured")]
    NoSecret,
}

impl Unverified {
    /// One word for metrics and logs.
    pub fn word(self) -> &'static str {
        match self {
            Unverified::Missing => "missing",
            Unverified::Wrong => "wrong",
            Unverified::TooOld => "too_old",
            Unverified::TooNew => "too_new",
            Unverified::NoSecret => "no_secret",
        }
    }
}

/// A configured secret that cannot be used. Says which one and why, never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting}[{index}] {problem}")]
pub struct BadSecret {
    /// The setting as the configuration names it.
    pub setting: &'static str,
    /// Which one of the list, from 0.
    pub index: usize,
    pub problem: String,
}

/// A prepared HMAC-SHA256 key: cloned per use, so the key is scheduled once.
#[derive(Clone)]
struct Key(Hmac<Sha256>);

impl Key {
    fn new(secret: &[u8]) -> Result<Key, String> {
        if secret.is_empty() {
            return Err("is empty".into());
        }
        Hmac::new_from_slice(secret).map(Key).map_err(|error| error.to_string())
    }

    /// HMAC of the parts, one after the other.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Prepares every secret of a setting, naming the first that cannot be used.
fn prepare<T>(
    setting: &'static str,
    secrets: &[SecretString],
    make: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, BadSecret> {
    let prepared = secrets.iter().enumerate().map(|(index, secret)| {
        make(secret.expose_secret()).map_err(|problem| BadSecret { setting, index, problem })
    });
    prepared.collect()
}

/// The value of a header that must be unique: sent twice, it is ambiguous and proves nothing.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, Unverified> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Unverified::Wrong);
    }
    Ok(first.map(|value| value.as_bytes()))
}

/// GitHub's proof: `X-Hub-Signature-256: sha256=<hex>` over the raw body. The older SHA-1 header is
/// not looked at.
#[derive(Clone, Debug)]
pub(super) struct GitHubProof {
    keys: Vec<Key>,
}

impl GitHubProof {
    pub(super) fn new(secrets: &[SecretString]) -> Result<GitHubProof, BadSecret> {
        let keys = prepare("webhook_secrets", secrets, |secret| Key::new(secret.as_bytes()))?;
        Ok(GitHubProof { keys })
    }

    pub(super) fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Unverified> {
        if self.keys.is_empty() {
            return Err(Unverified::NoSecret);
        }
        let signature = only(headers, "x-hub-signature-256")?.ok_or(Unverified::Missing)?;
        let hex = signature.strip_prefix(b"sha256=").ok_or(Unverified::Wrong)?;
        let mut told = [0_u8; 32];
        hex::decode_to_slice(hex, &mut told).map_err(|_| Unverified::Wrong)?;
        // Every key is tried, so that the time does not tell which one fits.
        let fits = self
            .keys
            .iter()
            .fold(subtle::Choice::from(0), |fits, key| fits | key.digest(&[body])[..].ct_eq(&told[..]));
        if bool::from(fits) { Ok(()) } else { Err(Unverified::Wrong) }
    }
}

/// GitLab's proof: the signing token of 19.0 and later (Standard Webhooks), or the older secret
/// token in `X-Gitlab-Token`.
#[derive(Clone, Debug)]
pub(super) struct GitLabProof {
    signing: Vec<Key>,
    /// SHA-256 of each secret token: compared by digest, so that not even the length shows.
    tokens: Vec<TokenDigest>,
    allow_unsigned: bool,
}

#[derive(Clone)]
struct TokenDigest([u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

impl GitLabProof {
    pub(super) fn new(
        signing_tokens: &[SecretString],
        secret_tokens: &[SecretString],
        allow_unsigned: bool,
    ) -> Result<GitLabProof, BadSecret> {
        let signing =
            prepare("signing_tokens", signing_tokens, |token| signing_key(token).and_then(|k| Key::new(&k)))?;
        let tokens = prepare("secret_tokens", secret_tokens, |token| match token {
            "" => Err("is empty".to_owned()),
            token => Ok(TokenDigest(Sha256::digest(token.as_bytes()).into())),
        })?;
        Ok(GitLabProof { signing, tokens, allow_unsigned })
    }

    /// With signing tokens a valid signature is required: else whoever knows an older plain token
    /// could strip the header. `allow_unsigned` opens that door for a migration, for deliveries
    /// that carry no signature at all.
    pub(super) fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Unverified> {
        if self.signing.is_empty() {
            return self.verify_token(headers);
        }
        match only(headers, "webhook-signature")? {
            Some(signatures) => self.verify_signature(headers, signatures, body, now),
            None if self.allow_unsigned && !self.tokens.is_empty() => self.verify_token(headers),
            None => Err(Unverified::Missing),
        }
    }

    fn verify_token(&self, headers: &HeaderMap) -> Result<(), Unverified> {
        if self.tokens.is_empty() {
            return Err(Unverified::NoSecret);
        }
        let told = only(headers, "x-gitlab-token")?.ok_or(Unverified::Missing)?;
        let told = Sha256::digest(told);
        let fits = self
            .tokens
            .iter()
            .fold(subtle::Choice::from(0), |fits, token| fits | token.0[..].ct_eq(&told[..]));
        if bool::from(fits) { Ok(()) } else { Err(Unverified::Wrong) }
    }

    /// Standard Webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}`, any of the listed signatures
    /// may fit. The time is judged last, so that "too old" is only said of the right sender.
    fn verify_signature(
        &self,
        headers: &HeaderMap,
        signatures: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unverified> {
        let id = only(headers, "webhook-id")?.filter(|id| !id.is_empty()).ok_or(Unverified::Wrong)?;
        let stamp = only(headers, "webhook-timestamp")?.ok_or(Unverified::Wrong)?;
        let seconds = strict_seconds(stamp).ok_or(Unverified::Wrong)?;
        let digests: Vec<[u8; 32]> =
            self.signing.iter().map(|key| key.digest(&[id, b".", stamp, b".", body])).collect();
        let told = signatures.split(|byte| *byte == b' ').take(SIGNATURES_MAX).filter_map(signature_v1);
        let fits = told.fold(subtle::Choice::from(0), |fits, told| {
            digests.iter().fold(fits, |fits, digest| fits | digest[..].ct_eq(&told[..]))
        });
        if !bool::from(fits) {
            return Err(Unverified::Wrong);
        }
        match now.as_second().saturating_sub(seconds) {
            age if age > TIMESTAMP_TOLERANCE_SECONDS => Err(Unverified::TooOld),
            age if age < -TIMESTAMP_TOLERANCE_SECONDS => Err(Unverified::TooNew),
            _ => Ok(()),
        }
    }
}

/// The key of a signing token: `whsec_` and base64 of exactly 32 bytes.
fn signing_key(token: &str) -> Result<Vec<u8>, String> {
    let expected = "a GitLab signing token is `whsec_` and the base64 of 32 bytes";
    let Some(encoded) = token.strip_prefix(SIGNING_TOKEN_PREFIX) else {
        return Err(format!("does not start with `whsec_`: {expected}"));
    };
    let key = STANDARD.decode(encoded).map_err(|_| format!("is not base64 after `whsec_`: {expected}"))?;
    if key.len() != SIGNING_KEY_BYTES {
        return Err(format!("holds a key of {} bytes: {expected}", key.len()));
    }
    Ok(key)
}

/// Digits only: no sign, no space, no trailing text (some libraries let `123abc` pass).
fn strict_seconds(stamp: &[u8]) -> Option<i64> {
    let digits = stamp.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(stamp).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// One entry of the signature list; other versions than `v1` are passed over.
fn signature_v1(entry: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(entry.strip_prefix(b"v1,")?).ok()?.try_into().ok()
}
