//! Everything that goes over the wire, written down for judges from outside (`tests/contracts`): one
//! JSON object a line, an exchange or a webhook. Off unless somebody asks for it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::webhooks::SignedRequest;
use crate::wire::Reply;
use crate::world::{Forge, NewHook};

/// Headers that carry credentials.
const SECRET_HEADERS: [&str; 2] = ["authorization", "private-token"];

/// The open file; what was written is flushed line by line, because sandboxes end without a farewell.
pub(crate) struct Recording(BufWriter<File>);

/// A request as it came in, kept until its answer is known.
pub(super) struct RecordedRequest {
    forge: Forge,
    method: String,
    /// Path and query as received.
    target: String,
    headers: Value,
    body: String,
    /// Whether a planned fault answers instead of the forge.
    planned: bool,
}

impl RecordedRequest {
    pub(super) fn new(
        forge: Forge,
        parts: &http::request::Parts,
        body: &Bytes,
        planned: bool,
    ) -> RecordedRequest {
        RecordedRequest {
            forge,
            method: parts.method.to_string(),
            // By way of a proxy, the origin stands before it.
            target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: open_headers(&parts.headers),
            body: String::from_utf8_lossy(body).into_owned(),
            planned,
        }
    }
}

impl Recording {
    /// A recording into this file, which is made anew.
    pub(crate) fn to(file: &Path) -> io::Result<Recording> {
        Ok(Recording(BufWriter::new(File::create(file)?)))
    }

    /// Writes an exchange down. `reply` is `None` where the connection was dropped.
    pub(super) fn exchange(&mut self, request: &RecordedRequest, reply: Option<&Reply>) {
        let answer_headers: Map<String, Value> = reply
            .iter()
            .flat_map(|reply| &reply.headers)
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        self.write(&json!({
            "kind": "exchange",
            "forge": name(request.forge),
            "method": request.method,
            "target": request.target,
            "headers": request.headers,
            "body": request.body,
            "status": reply.map(|reply| reply.status),
            "answer_headers": answer_headers,
            "answer": reply.and_then(|reply| reply.body.as_ref()),
            "planned": request.planned,
        }));
    }

    /// Writes a webhook down as it is sent; `hook` has its secrets.
    pub(crate) fn webhook(&mut self, request: &SignedRequest, hook: Option<&NewHook>, at: Timestamp) {
        let headers: Map<String, Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        self.write(&json!({
            "kind": "webhook",
            "forge": name(request.forge),
            "event": request.event,
            "at": at.as_second(),
            "headers": headers,
            "body": String::from_utf8_lossy(&request.body),
            "secret": hook.and_then(|hook| hook.secret.as_ref()),
            "signing_token": hook.and_then(|hook| hook.signing_token.as_ref()),
        }));
    }

    fn write(&mut self, line: &Value) {
        if let Err(error) = writeln!(self.0, "{line}").and_then(|()| self.0.flush()) {
            tracing::error!(%error, "the sandbox cannot write down what goes over its wire");
        }
    }
}

fn name(forge: Forge) -> &'static str {
    match forge {
        Forge::Gitlab => "gitlab",
        Forge::Github => "github",
    }
}

fn open_headers(headers: &HeaderMap) -> Value {
    let open = headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    open.map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}
