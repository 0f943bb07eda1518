//! A request to a REST API, apart from any forge's dialect: path and parameters.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::json::strings;
use crate::world::Refusal;

/// A request below the API's root, taken apart.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// `http://host:port` it came in by; links of answers start with it.
    pub(crate) origin: String,
    /// Path and query as received.
    pub(crate) target: String,
    /// Decoded path segments below the API's root.
    pub(crate) segments: Vec<String>,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; `Null` if it is empty or a form.
    pub(crate) json: Value,
    /// Query, form and JSON members as flat pairs; a list's name ends in `[]`.
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Call {
    /// Takes a request apart. `root` is the path of the API. `None` if the path is not below it;
    /// `Err` if the body claims to be JSON and is not.
    pub(crate) fn new(
        request: http::request::Parts,
        body: &Bytes,
        origin: &str,
        root: &str,
    ) -> Option<Result<Call, Refusal>> {
        let target = request.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let below = request.uri.path().strip_prefix(root)?.strip_prefix('/')?;
        let segments = below.trim_end_matches('/').split('/').map(decode).collect();
        let query = pairs(request.uri.query().unwrap_or_default().as_bytes());
        let mut params = query.clone();
        let content_type = request.headers.get("content-type").and_then(|value| value.to_str().ok());
        let mut json = Value::Null;
        if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            params.extend(pairs(body));
        } else if !body.is_empty() {
            match serde_json::from_slice(body) {
                Ok(value) => json = value,
                Err(_) => return Some(Err(Refusal::new(400, "Problems parsing JSON"))),
            }
        }
        if let Value::Object(members) = &json {
            flatten(members, &mut params);
        }
        let (method, headers, origin) = (request.method, request.headers, origin.to_owned());
        Some(Ok(Call { method, origin, target, segments, headers, json, params, query }))
    }

    /// The last value given under this name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.params.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The values given as `name[]`, or the one given as `name`; empty values are left out, so that an
    /// empty list is `Some([])` and a missing one `None`.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let array = format!("{name}[]");
        let given = self.params.iter().filter(|(key, _)| *key == array || key == name);
        let mut values = given.map(|(_, value)| value.as_str()).peekable();
        values.peek()?;
        Some(values.filter(|value| !value.is_empty()).collect())
    }

    /// Values separated by commas, as GitLab takes labels; a list is taken too.
    pub(crate) fn comma_list(&self, name: &str) -> Option<Vec<String>> {
        let values = self.list(name)?;
        let parts = values.iter().flat_map(|value| value.split(','));
        Some(parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
    }

    /// Strings of a JSON list member; `None` if it is missing or something else.
    pub(crate) fn json_list(&self, name: &str) -> Option<Vec<String>> {
        strings(self.json.get(name)?)
    }

    /// An instant in RFC 3339, or the start of a plain date.
    pub(crate) fn instant(&self, name: &str) -> Option<Timestamp> {
        read_time(self.text(name)?)
    }

    /// An absolute URL of the same list at another page.
    pub(super) fn at_page(&self, page: usize, per_page: usize) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        let kept = self.query.iter().filter(|(key, _)| key != "page" && key != "per_page");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("page", &page.to_string())
            .append_pair("per_page", &per_page.to_string())
            .finish();
        format!("{}{path}?{query}", self.origin)
    }
}

/// Reads what a client sends for an instant: RFC 3339, or a plain date.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let date: Date = text.parse().ok()?;
        date.in_tz("UTC").ok().map(|zoned| zoned.timestamp())
    })
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn flatten(members: &Map<String, Value>, into: &mut Vec<(String, String)>) {
    for (name, value) in members {
        match value {
            Value::Array(items) if items.is_empty() => into.push((format!("{name}[]"), String::new())),
            Value::Array(items) => {
                into.extend(items.iter().filter_map(|item| Some((format!("{name}[]"), plain(item)?))));
            }
            _ => into.extend(plain(value).map(|text| (name.clone(), text))),
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Percent-decodes one path segment; broken escapes stay as they are.
fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
