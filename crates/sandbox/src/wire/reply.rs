//! An answer of a REST API, apart from any forge's dialect.

use serde_json::Value;

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` for an empty body.
    pub(crate) body: Option<Value>,
    /// The body of an answer that is no JSON.
    pub(crate) text: Option<String>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Reply {
        Reply { status, headers: Vec::new(), body: Some(body), text: None }
    }

    /// A file as it is.
    pub(crate) fn raw(text: &str) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: None, text: Some(text.to_owned()) }
    }

    pub(crate) fn ok(body: Value) -> Reply {
        Reply::json(200, body)
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: None, text: None }
    }

    /// Whether a refusal's message speaks of this.
    pub(crate) fn is_about(&self, what: &str) -> bool {
        let message = self.body.as_ref().and_then(|body| body["message"].as_str());
        message.is_some_and(|message| message.contains(what))
    }

    pub(crate) fn header(&mut self, name: &str, value: impl ToString) {
        self.headers.push((name.to_owned(), value.to_string()));
    }
}
