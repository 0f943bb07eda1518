//! What `usher check --online` wants to know of a forge: the token, the clock, and how a project is set
//! up for Usher. Read only; nothing is tried out.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use jiff::Timestamp;
use url::Url;

use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::headers::text_of;
use crate::forge::transport::http::Transport;
use crate::forge::transport::meaning::Meaning;

/// What a forge tells of the credentials that it was asked with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// In words: "a token with the scopes api", "a GitHub App".
    pub what: String,
    /// GitLab, and classic tokens of GitHub; others carry rights that only show when they are used.
    pub scopes: Option<Vec<String>>,
    /// When it ends, if the forge says so and it does.
    pub expires_at: Option<Timestamp>,
    /// The forge's own clock (`Date`, to the second).
    pub date: Option<Timestamp>,
    /// GitLab's version, as it tells it: `19.5.0-ee`.
    pub version: Option<String>,
    /// Where a GitHub App is installed, and what it may do there.
    pub installations: Vec<Installation>,
    /// Whether a GitHub App's own webhook leads to Usher; `None` for whatever has no webhook.
    pub is_delivered_to: Option<bool>,
}

/// A GitHub App at one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    pub owner: String,
    pub suspended: bool,
    /// Right (`pull_requests`) and how much of it (`read`, `write`).
    pub permissions: Vec<(String, String)>,
}

/// One watched project as the token sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectInspection {
    pub archived: bool,
    pub role: BotRole,
    /// Names of all labels that can be put on a change there.
    pub labels: Vec<String>,
    /// GitLab assigns reviewers there itself; its word for how (`code_owners`).
    pub assigns_reviewers: Option<String>,
}

/// What the token's account may do in a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BotRole {
    /// It is told nowhere: an App's rights are those of its installation.
    #[default]
    Unknown,
    /// GitLab: below Reporter. GitHub: Read.
    Reads,
    /// GitLab: Reporter. GitHub: Triage.
    Labels,
    /// GitLab: Developer and above. GitHub: Write and above.
    Writes,
}

/// Looks at one kind of forge.
#[async_trait]
pub(in crate::forge) trait Inspect: Sync {
    /// `forge`: the name by which the addresses of its webhooks end.
    async fn token(&self, forge: &str) -> Result<TokenFacts, ForgeFault>;
    async fn project(&self, path: &str) -> Result<ProjectInspection, ForgeFault>;
}

/// Sends a read and keeps the headers of its answer.
pub(in crate::forge) async fn look(transport: &Transport, url: &Url) -> Result<Response<Bytes>, ForgeFault> {
    let request =
        Request::get(url.as_str()).body(Vec::new()).map_err(|error| ForgeFault::unsendable(&error))?;
    transport.send(request).await
}

/// The forge's clock, as an answer tells it.
pub(in crate::forge) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = text_of(headers, header::DATE.as_str())?;
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp())
}

/// "No such thing" and "not for you" as `None`.
pub(in crate::forge) fn if_allowed<T>(answer: Result<T, ForgeFault>) -> Result<Option<T>, ForgeFault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.meaning() == Meaning::Hidden => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forges_clock_is_read() {
        let headers =
            HeaderMap::from_iter([(header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap())]);
        assert_eq!(date(&headers), Some("1994-11-06T08:49:37Z".parse().unwrap()));
        assert_eq!(date(&HeaderMap::new()), None);
    }
}
