//! Blots out what may be secret before a piece of the configuration is shown.
//!
//! Somebody who writes a token where a reference belongs must not find it in a terminal, a log or a
//! bug report afterwards. So excerpts are cut from a text in which such values are stars, byte for
//! byte: whatever stands behind a key that sounds secret, well-known token forms, words that look
//! random, and passwords in URLs. References (`env:…`, `file:…`) stay readable.

use std::ops::Range;

/// Words in a key that make its value a secret.
const SECRET_WORDS: &[&str] = &["token", "tokn", "secret", "passw", "key", "credential", "auth_"];

/// How well-known tokens begin.
const SECRET_PREFIXES: &[&str] = &[
    "glpat-",
    "gloas-",
    "glrt-",
    "gldt-",
    "glptt-",
    "glsoat-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "whsec_",
];

/// `text` with secrets replaced by stars, of the same length in bytes.
///
/// `known` are places that are to be blotted out as well.
pub(super) fn text(text: &str, known: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in known {
        if let Some(part) = bytes.get_mut(range.clone()) {
            blot(part);
        }
    }
    let mut start = 0;
    // Open brackets of a list that belongs to a key that sounds secret.
    let mut depth = 0;
    // Inside a key file or a text of several lines.
    let mut block = false;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        block |= line.contains("-----BEGIN");
        if block {
            blot(&mut bytes[range]);
            block = !["-----END", "\"\"\"", "\'\'\'"].iter().any(|end| line.contains(end));
            continue;
        }
        blot_words(line, &mut bytes[range.clone()]);
        let value_at = match line.find('=') {
            _ if depth > 0 => 0,
            Some(equals) if sounds_secret(&line[..equals]) => equals + 1,
            // A key in an inline table, or a forgotten equals sign.
            Some(_) if line.contains('{') && sounds_secret(line) => 0,
            None if sounds_secret(line) => line.find(['"', '\'']).unwrap_or(line.len()),
            _ => continue,
        };
        let value = &line[value_at..];
        block = ["\"\"\"", "\'\'\'"].iter().any(|quotes| value.matches(quotes).count() % 2 == 1);
        blot_values(value, &mut bytes[range.start + value_at..range.end]);
        let code = value.split('#').next().unwrap_or(value);
        depth = (depth + code.matches('[').count()).saturating_sub(code.matches(']').count());
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// A single line (a message, an address) without what is secret by its form.
pub(super) fn line(line: &str) -> String {
    let mut bytes = line.as_bytes().to_vec();
    blot_words(line, &mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(line.len()))
}

pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Blots out the words of a value, except references, brackets and what a list is made of.
fn blot_values(value: &str, bytes: &mut [u8]) {
    for (at, word) in words(value, &[' ', '\t', '\r', '\n', '"', '\'', ',', '[', ']', '{', '}']) {
        if !word.starts_with("env:") && !word.starts_with("file:") {
            blot(&mut bytes[at..at + word.len()]);
        }
    }
}

/// Blots out words that are secrets by their form, and passwords in URLs.
fn blot_words(line: &str, bytes: &mut [u8]) {
    for (at, word) in words(line, &[' ', '\t', '\r', '\n', '"', '\'', ',', '`']) {
        if let (Some(scheme), Some(host)) = (word.find("://"), word.rfind('@'))
            && scheme + 3 < host
        {
            blot(&mut bytes[at + scheme + 3..at + host]);
        }
        for prefix in SECRET_PREFIXES {
            // The prefix alone is no secret, and messages speak of it.
            if let Some(found) = word.find(prefix).filter(|found| word.len() > found + prefix.len() + 3) {
                blot(&mut bytes[at + found..at + word.len()]);
            }
        }
        for (inner, part) in
            words(word, &[':', '[', ']', '{', '}', '(', ')']).filter(|(_, part)| looks_random(part))
        {
            blot(&mut bytes[at + inner..at + inner + part.len()]);
        }
    }
}

/// Whether a word looks as if a machine had rolled dice for it: long, in the letters of base64 or
/// hexadecimal, and mixed as people do not mix them in names.
fn looks_random(word: &str) -> bool {
    let any = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let mixed = any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase) && any(u8::is_ascii_digit);
    let hex = any(u8::is_ascii_digit)
        && any(u8::is_ascii_alphabetic)
        && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    (word.len() >= 16 && mixed && word.bytes().all(base64)) || (word.len() >= 24 && hex)
}

/// The words between separators, with their place.
fn words<'t>(text: &'t str, separators: &'t [char]) -> impl Iterator<Item = (usize, &'t str)> {
    let mut start = 0;
    text.split(separators).filter_map(move |word| {
        let at = start;
        start += word.len() + 1; // All separators are one byte long.
        (!word.is_empty()).then_some((at, word))
    })
}

fn blot(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b'*';
    }
}
