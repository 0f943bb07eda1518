//! "Too many requests" in all its forms, and what it says about patience.

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use super::headers::text_of;

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
    struct Refusal {
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
    let answer: Refusal = serde_json::from_slice(body).ok()?;
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
}
