//! Signing by hand, for bodies that no forge would send.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use usher_sandbox::Forge;

use super::harness::SECRETS;

fn hmac(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().into()
}

/// The headers of a delivery sent at `second`, correctly signed.
pub fn headers(forge: Forge, event: &str, id: &str, second: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    match forge {
        Forge::Github => vec![
            ("X-GitHub-Event", event.to_owned()),
            ("X-GitHub-Delivery", id.to_owned()),
            ("X-Hub-Signature-256", format!("sha256={}", hex::encode(hmac(SECRETS[3].1.as_bytes(), body)))),
        ],
        Forge::Gitlab => {
            let base64 = base64::engine::general_purpose::STANDARD;
            let key = base64.decode(SECRETS[2].1.strip_prefix("whsec_").unwrap()).unwrap();
            let content = [id.as_bytes(), b".", second.to_string().as_bytes(), b".", body].concat();
            vec![
                ("X-Gitlab-Event", event.to_owned()),
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", second.to_string()),
                ("webhook-signature", format!("v1,{}", base64.encode(hmac(&key, &content)))),
            ]
        }
    }
}
