//! Everything that goes over the wire, written down for judges from outside (`tests/contracts`): one
//! JSON object a line, an exchange or a webhook. Off unless somebody asks for it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::Sandbox;
use super::delivery::SignedRequest;
use super::state::{Forge, State};
use super::wire::Reply;

/// Headers that carry credentials.
const SECRET_HEADERS: [&str; 2] = ["authorization", "private-token"];

/// The open file; what was written is flushed line by line, because sandboxes end without a farewell.
pub(super) struct Tape(BufWriter<File>);

/// A request as it came in, kept until its answer is known.
pub(super) struct Heard {
    forge: Forge,
    method: String,
    /// Path and query as received.
    target: String,
    headers: Value,
    body: String,
    /// Whether a planned fault answers instead of the forge.
    planned: bool,
}

impl Heard {
    pub fn new(forge: Forge, parts: &http::request::Parts, body: &Bytes, planned: bool) -> Heard {
        Heard {
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

impl Sandbox {
    /// From now on writes every exchange and every webhook to `file`, which is made anew. Credentials
    /// of requests are left out; the secrets of webhooks are not, for without them no judge could
    /// check a signature. A line:
    ///
    /// `{"kind": "exchange", "forge", "method", "target", "headers", "body", "status",
    /// "answer_headers", "answer", "planned"}`, where `target` is path and query, `body` the text as it
    /// came, `status` null if the connection was dropped, `answer` JSON or null, and `planned` true if
    /// a planned fault answered; or
    ///
    /// `{"kind": "webhook", "forge", "event", "at", "headers", "body", "secret", "signing_token"}`, where
    /// `at` is the time of the sandbox's clock in Unix seconds.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn record_to(&self, file: &Path) -> io::Result<()> {
        let tape = Tape(BufWriter::new(File::create(file)?));
        self.state().tape = Some(tape);
        Ok(())
    }
}

impl State {
    /// Writes an exchange down. `reply` is `None` where the connection was dropped.
    pub(super) fn tape_exchange(&mut self, heard: &Heard, reply: Option<&Reply>) {
        let Some(tape) = &mut self.tape else { return };
        let answer_headers: Map<String, Value> = reply
            .iter()
            .flat_map(|reply| &reply.headers)
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        tape.write(&json!({
            "kind": "exchange",
            "forge": name(heard.forge),
            "method": heard.method,
            "target": heard.target,
            "headers": heard.headers,
            "body": heard.body,
            "status": reply.map(|reply| reply.status),
            "answer_headers": answer_headers,
            "answer": reply.and_then(|reply| reply.body.as_ref()),
            "planned": heard.planned,
        }));
    }

    /// Writes a webhook down as it is sent.
    pub(super) fn tape_webhook(&mut self, request: &SignedRequest) {
        let (hook, at) = (self.hooks.get(&request.hook).map(|hook| hook.new.clone()), self.clock.now());
        let Some(tape) = &mut self.tape else { return };
        let headers: Map<String, Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        tape.write(&json!({
            "kind": "webhook",
            "forge": name(request.forge),
            "event": request.event,
            "at": at.as_second(),
            "headers": headers,
            "body": String::from_utf8_lossy(&request.body),
            "secret": hook.as_ref().and_then(|hook| hook.secret.as_ref()),
            "signing_token": hook.as_ref().and_then(|hook| hook.signing_token.as_ref()),
        }));
    }
}

impl Tape {
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
