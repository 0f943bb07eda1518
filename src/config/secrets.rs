//! Secrets come by reference only: `env:NAME` or `file:PATH`. Nothing here ever prints one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::mistakes::{Book, Fault, RELATIVE_TODO, nearest, readable};
use super::outside::Outside;
use super::reader::Section;
use super::tree::{Node, Value};

/// Stands for a secret that is not there and need not be ([`Outside::needs_secrets`]).
const STAND_IN: &str = "no secret";
/// Webhook secrets that are shorter, in characters, can be guessed.
const SHORT_CHARS: usize = 16;
const REFERENCE_TODO: &str = "write \"env:NAME\" for an environment variable or \"file:PATH\" for a file";
/// Bytes of key in a GitLab signing token.
const SIGNING_KEY_BYTES: usize = 32;
/// Bytes of key in the token that outgoing webhooks are signed with.
const OUTBOUND_KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Keeps whatever stands under these keys, and is no reference, out of the report.
pub(super) fn hide_literals(section: &Section<'_>, names: &[&str], book: &mut Book) {
    for node in names.iter().filter_map(|name| section.node(name)) {
        match &node.value {
            Value::Text(text) if is_reference(text) => {}
            Value::List(items)
                if items
                    .iter()
                    .all(|item| matches!(&item.value, Value::Text(text) if is_reference(text))) => {}
            _ => book.keep_secret(&node.place),
        }
    }
}

/// Whether a text points at a secret instead of being one.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

/// Follows a reference.
pub(super) fn secret(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    match followed(node, outside) {
        Err(_) if !outside.needs_secrets && lacks(node, outside).is_some() => {
            Ok(SecretString::from(STAND_IN))
        }
        secret => secret,
    }
}

/// Whether it is the one that [`secret`] gives where there is none.
pub(super) fn is_stand_in(secret: &SecretString) -> bool {
    secret.expose_secret() == STAND_IN
}

/// What is wrong with a reference to a secret that is not there; `None` where it is, or where this is no
/// reference.
fn lacks(node: &Node, outside: &Outside<'_>) -> Option<Fault> {
    let Value::Text(text) = &node.value else { return None };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match text.split_once(':') {
        Some(("env", name)) if is_name(name.trim()) => variable(name.trim(), outside).err(),
        Some(("file", path)) => file(path.trim(), outside).err(),
        _ => None,
    }
}

/// Warns of the secrets that are not there, where they need not be.
pub(super) fn warn_of_missing(node: &Node, outside: &Outside<'_>, book: &mut Book) {
    match &node.value {
        Value::Table(table) => table.values().for_each(|entry| warn_of_missing(&entry.node, outside, book)),
        Value::List(list) => list.iter().for_each(|item| warn_of_missing(item, outside, book)),
        Value::Text(_) => {
            if let Some(fault) = lacks(node, outside) {
                book.warning(&node.place, fault.what, "it was not looked at; the server needs it");
            }
        }
        _ => {}
    }
}

/// Warns of webhook secrets that prove little: short ones, and signing tokens in the wrong list.
pub(super) fn warn_of_weak(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) {
    for node in ["webhook_secrets", "secret_tokens"].iter().flat_map(|name| section.nodes(name)) {
        let Ok(secret) = secret(node, outside) else { continue };
        let chars = secret.expose_secret().chars().count();
        if is_stand_in(&secret) {
            continue;
        }
        if chars < SHORT_CHARS {
            let what = format!("a webhook secret of {chars} characters can be guessed");
            book.warning(&node.place, what, "take a long random one: `openssl rand -hex 32` makes one");
        }
    }
    for node in section.nodes("secret_tokens") {
        if secret(node, outside).is_ok_and(|secret| secret.expose_secret().starts_with("whsec_")) {
            let what = format!("the value of {} looks like a signing token", reference(node));
            let todo = "put it under `signing_tokens`: GitLab signs with it, and never sends it";
            book.warning(&node.place, what, todo);
        }
    }
}

fn followed(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let Value::Text(text) = &node.value else {
        let what = format!("expected a reference to a secret, found {}", node.value.kind());
        return Err(Fault::new(what, REFERENCE_TODO));
    };
    if let Some(name) = text.strip_prefix("env:") {
        return variable(name.trim(), outside);
    }
    if let Some(path) = text.strip_prefix("file:") {
        return file(path.trim(), outside);
    }
    let what = "a secret must not stand in the configuration itself";
    Err(Fault::new(what, format!("{REFERENCE_TODO}; if this was a real secret, replace it on the forge")))
}

/// An access token: sent in a header, so it must be plain visible characters.
pub(super) fn token(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let token = secret(node, outside)?;
    if token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) || is_stand_in(&token) {
        return Ok(token);
    }
    let what = format!("the token in {} has spaces, line breaks or other odd characters", reference(node));
    Err(Fault::new(what, "look for a stray space or a second line"))
}

/// The private key of a GitHub App, in PEM as GitHub hands it out. Where a variable cannot hold line
/// breaks, they may be written `\n`, or the whole as base64.
pub(super) fn private_key(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let key = secret(node, outside)?;
    if is_stand_in(&key) {
        return Ok(key);
    }
    let written = key.expose_secret().trim();
    let packed: String = written.split_whitespace().collect();
    let unpacked = STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = unpacked.as_deref().unwrap_or(written).trim().replace("\\r", "").replace("\\n", "\n");
    let is_pem = text.starts_with("-----BEGIN") && text.contains("PRIVATE KEY-----");
    if is_pem && text.lines().count() > 2 {
        return Ok(SecretString::from(text));
    }
    let what = format!("what {} leads to is no private key in PEM", reference(node));
    Err(Fault::new(
        what,
        "use the .pem file that GitHub handed out, whole; in a variable its line breaks may be written \\n, or all of it as base64",
    ))
}

/// A GitLab signing token: `whsec_` and the base64 of exactly 32 bytes (GitLab 19.0,
/// `doc/user/project/integrations/webhooks.md`).
pub(super) fn signing_token(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let token = secret(node, outside)?;
    let wrong = |what: &str| {
        let todo =
            "copy the signing token of the webhook as GitLab shows it once: `whsec_` and 44 characters";
        Err(Fault::new(format!("the value of {} {what}", reference(node)), todo))
    };
    if is_stand_in(&token) {
        return Ok(token);
    }
    let Some(encoded) = token.expose_secret().strip_prefix("whsec_") else {
        return wrong("is no signing token: it does not begin with `whsec_`");
    };
    match STANDARD.decode(encoded) {
        Ok(key) if key.len() == SIGNING_KEY_BYTES => Ok(token),
        Ok(key) => wrong(&format!("holds a key of {} bytes instead of {SIGNING_KEY_BYTES}", key.len())),
        Err(_) => wrong("is no signing token: what follows `whsec_` is not base64"),
    }
}

/// The token that outgoing webhooks are signed with: `whsec_` and the base64 of 24 to 64 bytes
/// (Standard Webhooks, `spec/standard-webhooks.md`).
pub(super) fn outbound_token(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let token = secret(node, outside)?;
    let encoded = token.expose_secret().strip_prefix("whsec_");
    let key = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    if key.is_some_and(|key| OUTBOUND_KEY_BYTES.contains(&key.len())) || is_stand_in(&token) {
        return Ok(token);
    }
    let what = format!("the value of {} is no signing token", reference(node));
    let todo = "it is `whsec_` and the base64 of 24 to 64 random bytes";
    Err(Fault::new(what, todo))
}

/// The reference as it was written; only called where it is one.
fn reference(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if is_reference(text) => format!("`{text}`"),
        _ => "this secret".to_owned(),
    }
}

fn variable(name: &str, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let what = "`env:` wants the name of an environment variable, and this is none";
        return Err(Fault::new(
            what,
            "put the secret into a variable and write its name: \"env:USHER_TOKEN\"",
        ));
    }
    match outside.variables.get(name).map(String::as_str) {
        Some(value) if !value.trim().is_empty() => Ok(SecretString::from(value)),
        Some(_) => {
            Err(Fault::new(format!("the environment variable `{name}` is empty"), "set it to the secret"))
        }
        None => {
            let near = nearest(name, outside.variables.keys().map(String::as_str));
            let todo = match near {
                Some(near) => format!("set it; or did you mean `env:{near}`?"),
                None => "set it before Usher starts".to_owned(),
            };
            Err(Fault::new(format!("the environment variable `{name}` is not set"), todo))
        }
    }
}

fn file(path: &str, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let text = outside.read(path).map_err(|error| {
        let todo = readable(&error, RELATIVE_TODO);
        Fault::new(format!("cannot read the secret file `{path}`: {error}"), todo)
    })?;
    // An editor puts a line break at the end, and it is no part of the secret.
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.trim().is_empty() {
        return Err(Fault::new(format!("the secret file `{path}` is empty"), "write the secret into it"));
    }
    Ok(SecretString::from(secret))
}
