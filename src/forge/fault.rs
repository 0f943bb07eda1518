//! What can go wrong between Usher and a forge, in words that say what to do next.

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

/// How a request ended that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was done: the gate or the forge asks for patience.
    #[error("not before {at}: {why}")]
    Later { at: Timestamp, why: String },
    /// The network or the forge failed; worth another try.
    #[error("{why}{}", if *.outcome_unknown { " (whether it was done is unknown)" } else { "" })]
    Retry {
        why: String,
        /// A write whose answer was lost: it may have been done. Look before doing it again.
        outcome_unknown: bool,
    },
    /// The forge will say the same next time.
    #[error("refused with {status}: {answer}")]
    Refused {
        /// 0 for a request that was never sent.
        status: u16,
        /// The forge's own words, at most [`ANSWER_CHARS`] characters, free of secrets; before them,
        /// where that is not plain, what it was asked.
        answer: String,
    },
    /// The change (or whatever was named) is not there, or not for our eyes.
    #[error("the forge knows no such thing (404), or hides it from this token")]
    Gone,
    #[error("the forge does not accept the token (401)")]
    Unauthorized,
}

impl Fault {
    /// A request that cannot be made: a bug of ours, told rather than hidden.
    pub(super) fn unsendable(error: &dyn std::fmt::Display) -> Fault {
        Fault::Refused { status: 0, answer: format!("the request cannot be made: {error}") }
    }

    /// An action that is not for a forge: a bug of ours, too.
    pub fn misdirected() -> Fault {
        Fault::Refused { status: 0, answer: "this is not for a forge to do".into() }
    }

    /// The same fault, saying what it befell.
    pub(super) fn about(self, what: &str) -> Fault {
        match self {
            Fault::Retry { why, outcome_unknown } => {
                Fault::Retry { why: format!("{what}: {why}"), outcome_unknown }
            }
            Fault::Refused { status, answer } => {
                Fault::Refused { status, answer: format!("{what}: {answer}") }
            }
            fault => fault,
        }
    }

    /// A good status with a body that is not what it should be: cut off, or a page of a proxy.
    pub(super) fn unreadable(error: &dyn std::fmt::Display, write: bool) -> Fault {
        let why = format!("the forge's answer cannot be read: {error}");
        Fault::Retry { why, outcome_unknown: write }
    }
}

/// An answer that shows that the forge itself is not there: a failure of the server or its gateway,
/// being sent on for now, or a page where an answer was expected, whatever its status says. What
/// became of a write is unknown after a page with a good status.
pub(super) fn not_the_forge(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    write: bool,
) -> Option<Fault> {
    let html = text_of(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
    });
    if status.is_server_error() || is_for_now(status) {
        return Some(judge(status, headers, words(body, ""), write));
    }
    (status.is_success() && html).then(|| Fault::Retry {
        why: format!("not the forge's answer but {}", words(body, "")),
        outcome_unknown: write,
    })
}

/// A redirect that the forges' own APIs use for writes to moved projects at most: else it is a sign-in
/// page, or a proxy during maintenance.
fn is_for_now(status: StatusCode) -> bool {
    [StatusCode::FOUND, StatusCode::SEE_OTHER, StatusCode::TEMPORARY_REDIRECT].contains(&status)
}

/// Longest answer of a forge that is kept.
pub const ANSWER_CHARS: usize = 500;

/// What an answer says about patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Until(Timestamp),
    /// Limited, without a word on how long.
    Unspecified,
}

/// What a limit holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything: the forge wants to be left alone.
    Forge,
    /// Requests of one budget: it is used up, and others may not be.
    Budget,
}

/// "Too many requests", in whatever form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub patience: Patience,
    pub scope: Scope,
}

/// Recognises every known form of "too many requests": 429, and GitHub's 403 with `retry-after`, with
/// an exhausted budget, or with nothing but its text (GitHub's `rate-limits-for-the-rest-api.md`,
/// GitLab's `user_and_ip_rate_limits.md`). `None`: no limit.
pub(super) fn limited(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Limit> {
    let (asked, spent) = (retry_after(headers, now), budget_spent(headers));
    let limited = match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => asked.is_some() || spent.is_some() || speaks_of_limits(body),
        _ => false,
    };
    let limit = match (asked, spent) {
        (Some(at), _) => Limit { patience: Patience::Until(at), scope: Scope::Forge },
        (None, Some(reset)) => Limit { patience: Patience::Until(reset), scope: Scope::Budget },
        (None, None) => Limit { patience: Patience::Unspecified, scope: Scope::Forge },
    };
    limited.then_some(limit)
}

/// GitHub's word in a GraphQL answer with status 200 that its limit is met: `type` `RATE_LIMITED` or
/// `RATE_LIMIT` (`code` `graphql_rate_limit`), with the reset in the headers, whose `remaining` need
/// not be 0; the secondary limit by its text.
pub(super) fn graphql_limited(headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Limit> {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(default)]
        errors: Vec<Error>,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        #[serde(rename = "type")]
        kind: Option<String>,
        code: Option<String>,
        #[serde(default)]
        message: String,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let is_limit = |error: &&Error| {
        matches!(error.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT"))
            || error.code.as_deref() == Some("graphql_rate_limit")
            || speaks_of_limits(error.message.as_bytes())
    };
    let error = answer.errors.iter().find(is_limit)?;
    if let Some(at) = retry_after(headers, now) {
        return Some(Limit { patience: Patience::Until(at), scope: Scope::Forge });
    }
    if error.message.to_lowercase().contains("secondary") {
        return Some(Limit { patience: Patience::Unspecified, scope: Scope::Forge });
    }
    let reset = text_of(headers, "x-ratelimit-reset").and_then(|reset| reset.parse().ok());
    let reset = reset.and_then(|reset| Timestamp::from_second(reset).ok()).filter(|reset| *reset > now);
    Some(Limit { patience: reset.map_or(Patience::Unspecified, Patience::Until), scope: Scope::Budget })
}

fn speaks_of_limits(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]).to_lowercase();
    let hints =
        ["secondary rate limit", "rate limit exceeded", "rate limit already exceeded", "abuse detection"];
    hints.iter().any(|hint| text.contains(hint))
}

/// `Retry-After` in seconds or as an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = text_of(headers, header::RETRY_AFTER.as_str())?;
    match text.parse::<u32>() {
        Ok(seconds) => now.checked_add(jiff::SignedDuration::from_secs(i64::from(seconds))).ok(),
        Err(_) => jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp()),
    }
}

/// When the request budget is filled again, if the answer says that it is used up: GitHub's
/// `x-ratelimit-*`, GitLab's `RateLimit-*`, both with the reset in Unix seconds.
pub(super) fn budget_spent(headers: &HeaderMap) -> Option<Timestamp> {
    let pairs = [("x-ratelimit-remaining", "x-ratelimit-reset"), ("ratelimit-remaining", "ratelimit-reset")];
    pairs.into_iter().find_map(|(remaining, reset)| {
        (text_of(headers, remaining)? == "0").then_some(())?;
        Timestamp::from_second(text_of(headers, reset)?.parse().ok()?).ok()
    })
}

pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The fault that an answer other than 2xx stands for. `write`: the request may have changed
/// something. Limits are judged before, by [`limited`].
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, answer: String, write: bool) -> Fault {
    match status {
        StatusCode::UNAUTHORIZED => Fault::Unauthorized,
        StatusCode::NOT_FOUND | StatusCode::GONE => Fault::Gone,
        status if status.is_redirection() => {
            let place = text_of(headers, header::LOCATION.as_str()).unwrap_or("an unnamed place");
            let place = place.split('?').next().unwrap_or(place);
            if is_for_now(status) {
                let why =
                    cut(&format!("sent on to {place} for now ({}), and not gone there", status.as_u16()));
                return Fault::Retry { why, outcome_unknown: false };
            }
            let answer = format!("moved to {place}; redirects are not followed, correct the name or url");
            Fault::Refused { status: status.as_u16(), answer: cut(&answer) }
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Fault::Retry {
            why: "the proxy does not let Usher through (407); look at user and password in `proxy`".into(),
            outcome_unknown: false,
        },
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Fault::Retry {
            why: format!("the forge failed with {}: {answer}", status.as_u16()),
            outcome_unknown: write,
        },
        // Somebody else is writing the same thing this moment.
        StatusCode::CONFLICT | StatusCode::LOCKED => {
            let why = format!("the forge is busy with it ({}): {answer}", status.as_u16());
            Fault::Retry { why, outcome_unknown: false }
        }
        status => Fault::Refused { status: status.as_u16(), answer },
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

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn every_form_of_a_limit_is_recognised() {
        let now = at(784_111_700);
        let secondary = br#"{"message":"You have exceeded a secondary rate limit."}"#;
        let date = [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784112000")];
        let gitlab = [("RateLimit-Remaining", "0"), ("RateLimit-Reset", "784111760")];
        let told = |second, scope| Some(Limit { patience: Patience::Until(at(second)), scope });
        let vague = Some(Limit { patience: Patience::Unspecified, scope: Scope::Forge });
        let both: Vec<_> = spent.into_iter().chain([("retry-after", "7")]).collect();
        let cases: [(u16, HeaderMap, &[u8], Option<Limit>); 10] = [
            (429, headers(&[("retry-after", "7")]), b"", told(784_111_707, Scope::Forge)),
            (429, headers(&date), b"", told(784_111_777, Scope::Forge)),
            (429, headers(&gitlab), b"", told(784_111_760, Scope::Budget)),
            (429, headers(&[]), b"", vague),
            (403, headers(&spent), b"", told(784_112_000, Scope::Budget)),
            (403, headers(&both), b"", told(784_111_707, Scope::Forge)),
            (403, headers(&[("retry-after", "60")]), b"", told(784_111_760, Scope::Forge)),
            (403, headers(&[]), secondary, vague),
            (
                403,
                headers(&[("x-ratelimit-remaining", "4999")]),
                b"{\"message\":\"Must have admin rights\"}",
                None,
            ),
            (500, headers(&[("retry-after", "7")]), b"", None),
        ];
        for (status, headers, body, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(limited(status, &headers, body, now), expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn a_limit_in_a_good_graphql_answer_is_recognised() {
        let now = at(1_000);
        let reset = headers(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "1900")]);
        let limit = |patience, scope| Some(Limit { patience, scope });
        let spent = limit(Patience::Until(at(1_900)), Scope::Budget);
        for error in [
            r#"{"type":"RATE_LIMITED","message":"API rate limit exceeded"}"#,
            r#"{"type":"RATE_LIMIT","code":"graphql_rate_limit","message":"API rate limit already exceeded"}"#,
            r#"{"message":"API rate limit already exceeded for user ID 7."}"#,
        ] {
            let body = format!(r#"{{"data":null,"errors":[{error}]}}"#);
            assert_eq!(graphql_limited(&reset, body.as_bytes(), now), spent, "{error}");
            let vague = limit(Patience::Unspecified, Scope::Budget);
            assert_eq!(graphql_limited(&headers(&[]), body.as_bytes(), now), vague, "{error}");
        }
        let secondary = br#"{"errors":[{"message":"You have exceeded a secondary rate limit."}]}"#;
        assert_eq!(graphql_limited(&reset, secondary, now), limit(Patience::Unspecified, Scope::Forge));
        for good in
            [r#"{"data":{"u0":null},"errors":[{"type":"NOT_FOUND","message":"no"}]}"#, r#"{"data":{}}"#]
        {
            assert_eq!(graphql_limited(&reset, good.as_bytes(), now), None);
        }
    }

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
