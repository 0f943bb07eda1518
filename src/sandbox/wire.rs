//! Requests and answers of a REST API, apart from any forge's dialect: parameters, pages, headers.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::refusal::Refusal;

/// A request below the API's root, taken apart.
pub(super) struct Call {
    pub method: Method,
    /// `http://host:port` it came in by; links of answers start with it.
    pub origin: String,
    /// Path and query as received.
    pub target: String,
    /// Decoded path segments below the API's root.
    pub segments: Vec<String>,
    pub headers: HeaderMap,
    /// The body as JSON; `Null` if it is empty or a form.
    pub json: Value,
    /// Query, form and JSON members as flat pairs; a list's name ends in `[]`.
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Call {
    /// Takes a request apart. `root` is the path of the API. `None` if the path is not below it;
    /// `Err` if the body claims to be JSON and is not.
    pub fn new(
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
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The values given as `name[]`, or the one given as `name`; empty values are left out, so that an
    /// empty list is `Some([])` and a missing one `None`.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let array = format!("{name}[]");
        let given = self.params.iter().filter(|(key, _)| *key == array || key == name);
        let mut values = given.map(|(_, value)| value.as_str()).peekable();
        values.peek()?;
        Some(values.filter(|value| !value.is_empty()).collect())
    }

    /// Values separated by commas, as GitLab takes labels; a list is taken too.
    pub fn comma_list(&self, name: &str) -> Option<Vec<String>> {
        let values = self.list(name)?;
        let parts = values.iter().flat_map(|value| value.split(','));
        Some(parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
    }

    /// Strings of a JSON list member; `None` if it is missing or something else.
    pub fn json_list(&self, name: &str) -> Option<Vec<String>> {
        strings(self.json.get(name)?)
    }

    /// The page that was asked for.
    pub fn page_of<T>(&self, items: Vec<T>, per_page_default: usize) -> Page<T> {
        let asked = |name: &str| self.number(name).and_then(|number| usize::try_from(number).ok());
        let per_page = asked("per_page").unwrap_or(per_page_default).clamp(1, 100);
        let number = asked("page").unwrap_or(1).max(1);
        let total = items.len();
        let items = items.into_iter().skip((number - 1).saturating_mul(per_page)).take(per_page).collect();
        Page { items, number, per_page, total }
    }

    /// An absolute URL of the same list at another page.
    fn at_page(&self, page: usize, per_page: usize) -> String {
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

/// Strings of a JSON array.
pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// One page of a list.
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub number: usize,
    pub per_page: usize,
    pub total: usize,
}

impl<T> Page<T> {
    pub fn last(&self) -> usize {
        self.total.div_ceil(self.per_page).max(1)
    }

    pub fn next(&self) -> Option<usize> {
        (self.number < self.last()).then_some(self.number + 1)
    }

    pub fn prev(&self) -> Option<usize> {
        (self.number > 1).then_some(self.number - 1)
    }

    /// The `Link` header with absolute URLs.
    pub fn link(&self, call: &Call) -> String {
        let relations =
            [("prev", self.prev()), ("next", self.next()), ("first", Some(1)), ("last", Some(self.last()))];
        let links = relations.into_iter().filter_map(|(relation, page)| {
            Some(format!("<{}>; rel=\"{relation}\"", call.at_page(page?, self.per_page)))
        });
        links.collect::<Vec<_>>().join(", ")
    }
}

/// An answer.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// `None` for an empty body.
    pub body: Option<Value>,
    /// The body of an answer that is no JSON.
    pub text: Option<String>,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Reply {
        Reply { status, headers: Vec::new(), body: Some(body), text: None }
    }

    /// A file as it is.
    pub fn raw(text: &str) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: None, text: Some(text.to_owned()) }
    }

    pub fn ok(body: Value) -> Reply {
        Reply::json(200, body)
    }

    pub fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: None, text: None }
    }

    /// Whether a refusal's message speaks of this.
    pub fn is_about(&self, what: &str) -> bool {
        let message = self.body.as_ref().and_then(|body| body["message"].as_str());
        message.is_some_and(|message| message.contains(what))
    }

    pub fn header(&mut self, name: &str, value: impl ToString) {
        self.headers.push((name.to_owned(), value.to_string()));
    }
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
