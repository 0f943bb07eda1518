//! Signatures as the forges make them. Deliberately not shared with the product's verification: a
//! mistake made on one side must show, not cancel out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Prefix of a GitLab signing token; the rest is the base64 of the key.
const SIGNING_TOKEN_PREFIX: &str = "whsec_";

/// The one `webhook-signature` entry GitLab sends: `v1,<base64>` over `id.timestamp.body`
/// (Standard Webhooks). `None` if the token is not `whsec_<base64>`.
pub(crate) fn gitlab_signature(token: &str, id: &str, unix_seconds: i64, body: &[u8]) -> Option<String> {
    let key = BASE64.decode(token.strip_prefix(SIGNING_TOKEN_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{unix_seconds}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

/// The value of GitHub's `X-Hub-Signature-256`: `sha256=<hex>` over the body.
pub(crate) fn github_sha256(secret: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    Some(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector of GitLab's Standard Webhooks signature on which node crypto and PyPI
    /// `standardwebhooks` agree.
    #[test]
    fn signs_the_standard_webhooks_vector() {
        let signature = gitlab_signature(
            "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=",
            "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
            1_744_578_123,
            br#"{"object_kind":"merge_request"}"#,
        );
        assert_eq!(signature.as_deref(), Some("v1,hVgq832c2nig2Ji7eDgbBfC+Lxjy0/FjnzAI4Ix+yJs="));
    }

    /// Vector of GitHub's documentation.
    #[test]
    fn signs_the_vector_of_githubs_documentation() {
        assert_eq!(
            github_sha256("It's a Secret to Everybody", b"Hello, World!").as_deref(),
            Some("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
        );
    }

    #[test]
    fn a_token_that_is_no_signing_token_signs_nothing() {
        assert_eq!(gitlab_signature("plain", "id", 0, b""), None);
        assert_eq!(gitlab_signature("whsec_***", "id", 0, b""), None);
    }
}
