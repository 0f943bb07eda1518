//! Who may come in.

use proptest::prelude::*;
use secrecy::SecretString;
use usher::forge::{Inbound, Secrets, Unverified};
use usher_core::model::change::ForgeKind;

use super::{NOW_SECONDS, SECRET, github_signature, gitlab_signature, headers, now};

/// The golden vector of the Standard Webhooks libraries (npm and PyPI agree).
const SIGNING_TOKEN: &str = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=";
const SIGNING_KEY: &[u8] = b"testtesttesttesttesttesttesttest";
const ID: &str = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f";
const STAMP: &str = "1744578123";
const BODY: &[u8] = br#"{"object_kind":"merge_request"}"#;
const SIGNATURE: &str = "v1,hVgq832c2nig2Ji7eDgbBfC+Lxjy0/FjnzAI4Ix+yJs=";

const OTHER_TOKEN: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=";
const OTHER_KEY: &[u8] = b"otherotherotherotherotherotherot";

fn secrets(list: &[&str]) -> Vec<SecretString> {
    list.iter().map(|secret| SecretString::from(*secret)).collect()
}

fn github(list: &[&str]) -> Inbound {
    let secrets = Secrets { webhook_secrets: secrets(list), ..Secrets::default() };
    Inbound::new("github", ForgeKind::GitHub, &secrets, Vec::new()).unwrap()
}

fn gitlab(signing: &[&str], tokens: &[&str], allow_unsigned: bool) -> Inbound {
    let secrets = Secrets {
        signing_tokens: secrets(signing),
        secret_tokens: secrets(tokens),
        allow_unsigned,
        ..Secrets::default()
    };
    Inbound::new("gitlab", ForgeKind::GitLab, &secrets, Vec::new()).unwrap()
}

type Answer = Result<(), Unverified>;

fn check(inbound: &Inbound, pairs: &[(&str, &str)], body: &[u8]) -> Answer {
    inbound.verify(&headers(pairs), body, now())
}

#[test]
fn githubs_documented_vector_is_accepted_in_any_case_of_the_header() {
    let vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let body = b"Hello, World!";
    for name in ["X-Hub-Signature-256", "x-hub-signature-256", "X-HUB-SIGNATURE-256"] {
        assert_eq!(check(&github(&[SECRET]), &[(name, vector)], body), Ok(()));
    }
    let upper = vector.to_uppercase().replace("SHA256", "sha256");
    assert_eq!(check(&github(&[SECRET]), &[("x-hub-signature-256", &upper)], body), Ok(()));
}

#[test]
fn github_is_refused_without_the_one_right_signature() {
    let right = github_signature(SECRET, BODY);
    let name = "X-Hub-Signature-256";
    let inbound = github(&[SECRET]);
    assert_eq!(check(&inbound, &[(name, &right)], b"{}"), Err(Unverified::Wrong), "another body");
    assert_eq!(check(&inbound, &[], BODY), Err(Unverified::Missing));
    let sha1 = "sha1=d03207e4b030cf234e3447bac4d93add4c6643d8";
    assert_eq!(check(&inbound, &[("X-Hub-Signature", sha1)], BODY), Err(Unverified::Missing));
    assert_eq!(check(&inbound, &[(name, &right), (name, &right)], BODY), Err(Unverified::Wrong), "twice");
    let short = &right[..right.len() - 2];
    let long = format!("{right}00");
    let bare = &right["sha256=".len()..];
    for wrong in ["", "sha256=", "sha256=zz", sha1, short, &long, bare, &format!(" {right}"), "sha256=é"] {
        assert_eq!(check(&inbound, &[(name, wrong)], BODY), Err(Unverified::Wrong), "{wrong}");
    }
    assert_eq!(check(&github(&[]), &[(name, &right)], BODY), Err(Unverified::NoSecret));
}

#[test]
fn a_secret_can_be_rotated_without_losing_a_delivery() {
    let old = github_signature("old", BODY);
    let new = github_signature("new", BODY);
    for signature in [&old, &new] {
        let pairs = [("X-Hub-Signature-256", signature.as_str())];
        assert_eq!(check(&github(&["old", "new"]), &pairs, BODY), Ok(()));
        assert_eq!(check(&github(&["third"]), &pairs, BODY), Err(Unverified::Wrong));
    }
    for key in [SIGNING_KEY, OTHER_KEY] {
        let signature = gitlab_signature(key, ID, STAMP, BODY);
        let inbound = gitlab(&[SIGNING_TOKEN, OTHER_TOKEN], &[], false);
        assert_eq!(signed(&inbound, ID, STAMP, &signature), Ok(()));
    }
    for token in ["old", "new"] {
        let inbound = gitlab(&[], &["old", "new"], false);
        assert_eq!(check(&inbound, &[("X-Gitlab-Token", token)], BODY), Ok(()));
    }
}

fn signed(inbound: &Inbound, id: &str, stamp: &str, signature: &str) -> Answer {
    let pairs = [("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", signature)];
    check(inbound, &pairs, BODY)
}

#[test]
fn the_standard_webhooks_vector_is_accepted_wherever_it_stands_in_the_list() {
    assert_eq!(gitlab_signature(SIGNING_KEY, ID, STAMP, BODY), SIGNATURE);
    let inbound = gitlab(&[SIGNING_TOKEN], &[], false);
    let other = gitlab_signature(OTHER_KEY, ID, STAMP, BODY);
    for list in [
        SIGNATURE.to_owned(),
        format!("{other} {SIGNATURE}"),
        format!("v2,abc v1a,xyz  {SIGNATURE}"),
        format!("v1, v1 ,{SIGNATURE} {SIGNATURE}"),
    ] {
        assert_eq!(signed(&inbound, ID, STAMP, &list), Ok(()), "{list}");
    }
    let endless = format!("{}{SIGNATURE}", "v1,x ".repeat(100));
    assert_eq!(signed(&inbound, ID, STAMP, &endless), Err(Unverified::Wrong), "nobody sends such a list");
}

#[test]
fn a_signature_made_by_the_python_library_is_accepted() {
    // PyPI standardwebhooks 1.1.0, with OTHER_TOKEN.
    let pairs = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1744578000"),
        ("webhook-signature", "v1,L/9NSj6XP4zvzKpOVF+lyoPW6CAtX1KbyXtiP5hjz8g="),
    ];
    let body = "{\"note\":\"ü \u{1f600}\"}";
    assert_eq!(check(&gitlab(&[OTHER_TOKEN], &[], false), &pairs, body.as_bytes()), Ok(()));
}

#[test]
fn a_gitlab_signature_must_fit_id_time_and_body() {
    let inbound = gitlab(&[SIGNING_TOKEN], &[], false);
    for (id, stamp, signature) in [
        ("another", STAMP, SIGNATURE),
        ("", STAMP, SIGNATURE),
        (ID, "1744578124", SIGNATURE),
        (ID, STAMP, ""),
        (ID, STAMP, "v1,"),
        (ID, STAMP, "hVgq832c2nig2Ji7eDgbBfC+Lxjy0/FjnzAI4Ix+yJs="),
        (ID, STAMP, "v2,hVgq832c2nig2Ji7eDgbBfC+Lxjy0/FjnzAI4Ix+yJs="),
        (ID, STAMP, "v1,hVgq832c2nig2Ji7eDgbBfC+Lxjy0/FjnzAI4Ix+yJs"),
        (ID, STAMP, "v1,hVgq832c2nig2Ji7eDgbBfC-Lxjy0_FjnzAI4Ix-yJs="),
        (ID, STAMP, &SIGNATURE.to_lowercase()),
    ] {
        assert_eq!(
            signed(&inbound, id, stamp, signature),
            Err(Unverified::Wrong),
            "{id} {stamp} {signature}"
        );
    }
    let only = [("webhook-signature", SIGNATURE)];
    assert_eq!(check(&inbound, &only, BODY), Err(Unverified::Wrong), "no id, no time");
    let bare = [("webhook-id", ID), ("webhook-timestamp", STAMP)];
    assert_eq!(check(&inbound, &bare, BODY), Err(Unverified::Missing), "GitLab sends these unsigned too");
}

#[test]
fn the_time_of_a_signature_is_a_plain_number() {
    // npm's library lets `123abc` pass; here even a rightly signed one is refused.
    let inbound = gitlab(&[SIGNING_TOKEN], &[], false);
    for stamp in [
        "1744578123abc",
        "+1744578123",
        "-1744578123",
        "1744578123.0",
        "0x67FC2B0B",
        "",
        "9".repeat(40).as_str(),
    ] {
        let signature = gitlab_signature(SIGNING_KEY, ID, stamp, BODY);
        assert_eq!(signed(&inbound, ID, stamp, &signature), Err(Unverified::Wrong), "{stamp}");
    }
}

#[test]
fn a_signature_holds_for_five_minutes_in_both_directions() {
    let inbound = gitlab(&[SIGNING_TOKEN], &[], false);
    for (age, expected) in [
        (0, Ok(())),
        (300, Ok(())),
        (301, Err(Unverified::TooOld)),
        (-300, Ok(())),
        (-301, Err(Unverified::TooNew)),
        (NOW_SECONDS, Err(Unverified::TooOld)),
    ] {
        let stamp = (NOW_SECONDS - age).to_string();
        let signature = gitlab_signature(SIGNING_KEY, ID, &stamp, BODY);
        assert_eq!(signed(&inbound, ID, &stamp, &signature), expected, "{age} s old");
    }
    let future = i64::MAX.to_string();
    let signature = gitlab_signature(SIGNING_KEY, ID, &future, BODY);
    assert_eq!(signed(&inbound, ID, &future, &signature), Err(Unverified::TooNew));
    // A wrong signature is wrong, however old: only the right sender is told about the time.
    assert_eq!(signed(&inbound, ID, "1", SIGNATURE), Err(Unverified::Wrong));
}

#[test]
fn an_unsigned_delivery_passes_a_signing_forge_only_in_a_migration_and_with_the_token() {
    let token = [("X-Gitlab-Token", "plain")];
    let wrong = [("X-Gitlab-Token", "other")];
    let strict = gitlab(&[SIGNING_TOKEN], &["plain"], false);
    let moving = gitlab(&[SIGNING_TOKEN], &["plain"], true);
    let careless = gitlab(&[SIGNING_TOKEN], &[], true);
    assert_eq!(check(&strict, &token, BODY), Err(Unverified::Missing), "the header was stripped");
    assert_eq!(check(&moving, &token, BODY), Ok(()));
    assert_eq!(check(&moving, &wrong, BODY), Err(Unverified::Wrong));
    assert_eq!(check(&moving, &[], BODY), Err(Unverified::Missing));
    assert_eq!(check(&careless, &token, BODY), Err(Unverified::Missing));
    assert_eq!(check(&careless, &[], BODY), Err(Unverified::Missing));
    // A signature that is there must be right, whatever token comes with it.
    for broken in ["", "v1,AAAA", "v2,x"] {
        let pairs = [
            ("webhook-id", ID),
            ("webhook-timestamp", STAMP),
            ("webhook-signature", broken),
            ("X-Gitlab-Token", "plain"),
        ];
        for inbound in [&strict, &moving, &careless] {
            assert_eq!(check(inbound, &pairs, BODY), Err(Unverified::Wrong), "{broken}");
        }
    }
    for inbound in [&strict, &moving, &careless] {
        assert_eq!(signed(inbound, ID, STAMP, SIGNATURE), Ok(()));
    }
}

#[test]
fn an_older_gitlab_is_known_by_its_token() {
    let inbound = gitlab(&[], &["plain"], false);
    for (told, expected) in [
        ("plain", Ok(())),
        ("Plain", Err(Unverified::Wrong)),
        ("plain2", Err(Unverified::Wrong)),
        ("plai", Err(Unverified::Wrong)),
        ("", Err(Unverified::Wrong)),
    ] {
        assert_eq!(check(&inbound, &[("x-gitlab-token", told)], BODY), expected, "{told}");
    }
    assert_eq!(check(&inbound, &[], BODY), Err(Unverified::Missing));
    // A signature that cannot be checked does not stand in the way of a token that can.
    let both = [("webhook-signature", SIGNATURE), ("X-Gitlab-Token", "plain")];
    assert_eq!(check(&inbound, &both, BODY), Ok(()));
    assert_eq!(check(&gitlab(&[], &[], true), &[("X-Gitlab-Token", "")], BODY), Err(Unverified::NoSecret));
}

#[test]
fn a_secret_that_cannot_work_is_refused_without_being_shown() {
    let refused = |kind, secrets: Secrets| match Inbound::new("x", kind, &secrets, Vec::new()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted {secrets:?}"),
    };
    for token in [
        "c2VjcmV0",
        "whsec_",
        "whsec_c2VjcmV0",
        "whsec_???",
        "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q",
    ] {
        let signing_tokens = secrets(&[SIGNING_TOKEN, token]);
        let error = refused(ForgeKind::GitLab, Secrets { signing_tokens, ..Secrets::default() });
        assert!(error.starts_with("signing_tokens[1] "), "{error}");
        assert!(error.ends_with("`whsec_` and the base64 of 32 bytes"), "{error}");
        let shown = token.strip_prefix("whsec_").unwrap_or(token);
        assert!(shown.is_empty() || !error.contains(shown), "{error}");
    }
    let empty = Secrets { secret_tokens: secrets(&[""]), ..Secrets::default() };
    assert_eq!(refused(ForgeKind::GitLab, empty), "secret_tokens[0] is empty");
    let empty = Secrets { webhook_secrets: secrets(&["a", ""]), ..Secrets::default() };
    assert_eq!(refused(ForgeKind::GitHub, empty), "webhook_secrets[1] is empty");
}

#[test]
fn debug_shows_no_secret() {
    let secrets = Secrets {
        webhook_secrets: secrets(&["hunter2"]),
        signing_tokens: secrets(&[SIGNING_TOKEN]),
        secret_tokens: secrets(&["hunter2"]),
        allow_unsigned: true,
    };
    let mut shown = format!("{secrets:?}");
    for kind in [ForgeKind::GitHub, ForgeKind::GitLab] {
        shown += &format!("{:?}", Inbound::new("x", kind, &secrets, Vec::new()).unwrap());
    }
    for secret in ["hunter2", "dGVzdHRlc3R", "testtest", "104, 117", "68, 75"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn signatures_cover_bytes_not_text() {
    let body = b"\xff\x00{";
    let signature = github_signature(SECRET, body);
    assert_eq!(check(&github(&[SECRET]), &[("X-Hub-Signature-256", &signature)], body), Ok(()));
    let signature = gitlab_signature(SIGNING_KEY, ID, STAMP, body);
    let pairs = [("Webhook-Id", ID), ("Webhook-Timestamp", STAMP), ("Webhook-Signature", &signature)];
    assert_eq!(check(&gitlab(&[SIGNING_TOKEN], &[], false), &pairs, body), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_flipped_bit_anywhere_is_wrong(
        body in prop::collection::vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[at.index(body.len())] ^= 1 << bit;
            bytes
        };
        let signature = github_signature(SECRET, &body);
        let pairs = [("X-Hub-Signature-256", signature.as_str())];
        prop_assert_eq!(check(&github(&[SECRET]), &pairs, &body), Ok(()));
        prop_assert_eq!(check(&github(&[SECRET]), &pairs, &flip(&body)), Err(Unverified::Wrong));
        let signature = gitlab_signature(SIGNING_KEY, ID, STAMP, &body);
        let pairs = [("webhook-id", ID), ("webhook-timestamp", STAMP), ("webhook-signature", &signature)];
        let inbound = gitlab(&[SIGNING_TOKEN], &[], false);
        prop_assert_eq!(check(&inbound, &pairs, &body), Ok(()));
        prop_assert_eq!(check(&inbound, &pairs, &flip(&body)), Err(Unverified::Wrong));
    }
}
