//! What an answer means that is not the good one that was asked for.

use http::{HeaderMap, StatusCode, header};

use super::fault::{ANSWER_CHARS, ForgeFault};
use super::headers::text_of;

/// An answer that shows that the forge itself is not there: a failure of the server or its gateway,
/// being sent on for now, or a page where an answer was expected, whatever its status says. What
/// became of a write is unknown after a page with a good status.
pub(super) fn not_the_forge(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    write: bool,
) -> Option<ForgeFault> {
    let html = text_of(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
    });
    if status.is_server_error() || is_for_now(status) {
        return Some(judge(status, headers, words(body, ""), write));
    }
    (status.is_success() && html).then(|| ForgeFault::Retry {
        why: format!("not the forge's answer but {}", words(body, "")),
        outcome_unknown: write,
    })
}

/// A redirect that the forges' own APIs use for writes to renamed projects at most: else it is a sign-in
/// page, or a proxy during maintenance.
fn is_for_now(status: StatusCode) -> bool {
    [StatusCode::FOUND, StatusCode::SEE_OTHER, StatusCode::TEMPORARY_REDIRECT].contains(&status)
}

/// The fault that an answer other than 2xx stands for. `write`: the request may have changed
/// something. Limits are judged before, by [`limited`](super::limits::limited).
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, answer: String, write: bool) -> ForgeFault {
    match status {
        StatusCode::UNAUTHORIZED => ForgeFault::Unauthorized,
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeFault::Gone,
        status if status.is_redirection() => {
            let place = text_of(headers, header::LOCATION.as_str()).unwrap_or("an unnamed place");
            let place = place.split('?').next().unwrap_or(place);
            if is_for_now(status) {
                let why =
                    cut(&format!("sent on to {place} for now ({}), and not gone there", status.as_u16()));
                return ForgeFault::Retry { why, outcome_unknown: false };
            }
            let answer = format!("moved to {place}; redirects are not followed, correct the name or url");
            ForgeFault::Refused { status: status.as_u16(), answer: cut(&answer) }
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ForgeFault::Retry {
            why: "the proxy does not let Usher through (407); look at user and password in `proxy`".into(),
            outcome_unknown: false,
        },
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => ForgeFault::Retry {
            why: format!("the forge failed with {}: {answer}", status.as_u16()),
            outcome_unknown: write,
        },
        // Somebody else is writing the same thing this moment.
        StatusCode::CONFLICT | StatusCode::LOCKED => {
            ForgeFault::NotYet { why: format!("the forge is busy with it ({}): {answer}", status.as_u16()) }
        }
        status => ForgeFault::Refused { status: status.as_u16(), answer },
    }
}

/// The words of an error answer: the forge's message where there is one, never markup, never more
/// than [`ANSWER_CHARS`], and never the token should the forge repeat it.
pub(super) fn words(body: &[u8], secret: &str) -> String {
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => message(&value),
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(8_192)]).into_owned();
            if text.trim_start().starts_with('<') { page_title(&text) } else { text }
        }
    };
    let text = if secret.is_empty() { text } else { text.replace(secret, "[token]") };
    cut(text.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// GitHub says `message` and `errors`; GitLab `message` (a text, list or object) or `error`.
fn message(value: &serde_json::Value) -> String {
    let parts = ["message", "error", "error_description", "errors"].iter().filter_map(|key| value.get(*key));
    let parts: Vec<String> =
        parts.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    if parts.is_empty() { value.to_string() } else { parts.join("; ") }
}

fn page_title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let end = start + lower[start..].find("</title>")?;
        html.get(start + "<title>".len()..end)
    });
    title.map_or_else(|| "an HTML page".into(), |title| format!("an HTML page titled \"{}\"", title.trim()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(ANSWER_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_short_plain_and_free_of_the_token() {
        assert_eq!(words(br#"{"message":"bad glpat-1 token"}"#, "glpat-1"), "bad [token] token");
        assert_eq!(words(br#"{"message":{"base":["x"]}}"#, ""), r#"{"base":["x"]}"#);
        assert_eq!(
            words(br#"{"message":"Validation Failed","errors":["a"]}"#, ""),
            r#"Validation Failed; ["a"]"#
        );
        assert_eq!(
            words(b"<html><title> 502 Bad\nGateway</title>", ""),
            "an HTML page titled \"502 Bad Gateway\""
        );
        let long = "ü".repeat(2_000);
        assert_eq!(words(long.as_bytes(), "").chars().count(), ANSWER_CHARS + 1);
    }
}
