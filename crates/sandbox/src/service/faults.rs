//! Faults on request: refusals, dropped connections, slowness.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::world::Forge;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request is answered with this and not applied. For a rate limit: 429 (or 403 on GitHub)
    /// with a `retry-after` header.
    Status {
        /// HTTP status.
        code: u16,
        /// Extra headers.
        headers: Vec<(String, String)>,
        /// JSON body.
        body: Value,
    },
    /// The connection closes without an answer, and nothing was done.
    DropConnectionBeforeApplying,
    /// The request is carried out, and the connection closes without an answer.
    DropConnectionAfterApplying,
    /// The request is carried out when the sandbox's clock has moved on by this much.
    Delay(Duration),
    /// The request is answered with a text that the forge never wrote: a proxy's page, half a JSON
    /// document.
    Page {
        /// HTTP status.
        code: u16,
        /// `text/html`, `application/json`, …
        content_type: &'static str,
        /// The body as it is.
        text: &'static str,
        /// Whether the request was carried out all the same.
        applied: bool,
    },
    /// The request is carried out; half of the answer's body arrives, then the connection closes.
    CutOff,
    /// The request is carried out; half of the answer's body arrives, and the rest when the sandbox's
    /// clock has moved on by this much.
    SlowBody(Duration),
}

impl Fault {
    /// A status with a JSON `message` and nothing else.
    pub fn status(code: u16, message: &str) -> Fault {
        Fault::Status { code, headers: Vec::new(), body: serde_json::json!({ "message": message }) }
    }

    /// This status with these headers and a JSON `message`.
    pub fn with_headers(code: u16, message: &str, headers: &[(&str, &str)]) -> Fault {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let body = serde_json::json!({ "message": message });
        Fault::Status { code, headers: headers.collect(), body }
    }

    /// GitHub's GraphQL limit, told with status 200: used up until `reset`, in Unix seconds.
    pub fn graphql_limit(reset: i64) -> Fault {
        let error = serde_json::json!({
            "type": "RATE_LIMIT",
            "code": "graphql_rate_limit",
            "message": "API rate limit already exceeded for user ID 1.",
        });
        let headers =
            [("remaining", "0".to_owned()), ("reset", reset.to_string()), ("resource", "graphql".into())];
        let headers = headers.map(|(name, value)| (format!("x-ratelimit-{name}"), value));
        Fault::Status { code: 200, headers: headers.into(), body: serde_json::json!({ "errors": [error] }) }
    }

    /// A proxy's page in HTML with this status.
    pub fn page(code: u16, applied: bool) -> Fault {
        let text = "<html><head><title>Gateway</title></head><body>Come back later.</body></html>";
        Fault::Page { code, content_type: "text/html; charset=utf-8", text, applied }
    }

    /// A rate limit answer: this status with `Retry-After` in seconds.
    pub fn retry_after(code: u16, seconds: u64) -> Fault {
        Fault::Status {
            code,
            headers: vec![("retry-after".to_owned(), seconds.to_string())],
            body: serde_json::json!({ "message": "You have exceeded a rate limit. Please wait." }),
        }
    }
}

/// The method of a GraphQL request that only reads, for planned faults: it comes by POST like a write.
pub(super) const QUERY: &str = "QUERY";

/// What somebody does between two requests of a client.
type Interlude = Box<dyn FnOnce() + Send>;

/// A fault waiting for its requests.
#[derive(Clone, Debug)]
struct PlannedFault {
    forge: Forge,
    method: String,
    path_part: String,
    fault: Fault,
    times_left: u32,
}

/// What is to happen to the next requests.
#[derive(Default)]
pub(crate) struct Plan {
    faults: Vec<PlannedFault>,
    interludes: VecDeque<(Forge, Interlude)>,
    /// Projects that answer nothing but 500, by forge and path.
    broken: BTreeSet<(Forge, String)>,
    /// How long every request is on its way.
    latency: Duration,
    /// Until when those that are on their way take, by arrival.
    on_their_way: BTreeMap<u64, Timestamp>,
    arrivals: u64,
}

impl Plan {
    /// From now on every request that names the project is answered with 500, or no longer.
    pub(crate) fn break_project(&mut self, forge: Forge, path: &str, broken: bool) {
        let project = (forge, path.to_owned());
        if broken {
            self.broken.insert(project);
        } else {
            self.broken.remove(&project);
        }
    }

    /// The failure of the project that a request names by path or, in GraphQL, in its body.
    pub(super) fn breakage(&self, forge: Forge, target: &str, body: &[u8]) -> Option<Fault> {
        let target = target.replace("%2F", "/");
        let body = String::from_utf8_lossy(body);
        let names = |path: &str| {
            let (below, quoted) = (format!("/{path}/"), format!("\"{path}\""));
            target.contains(&below) || target.ends_with(&format!("/{path}")) || body.contains(&quoted)
        };
        let broken = self.broken.iter().any(|(of, path)| *of == forge && names(path));
        broken.then(|| Fault::status(500, "Internal Server Error"))
    }

    /// From now on every request is on its way for so long.
    pub(crate) fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// A request came: when it is carried out, and what it is called until then; `None`: at once.
    pub(super) fn arrive(&mut self, now: Timestamp) -> Option<(u64, Timestamp)> {
        if self.latency.is_zero() {
            return None;
        }
        self.arrivals += 1;
        self.on_their_way.insert(self.arrivals, now + self.latency);
        Some((self.arrivals, now + self.latency))
    }

    /// A request is carried out.
    pub(super) fn carry_out(&mut self, arrival: u64) {
        self.on_their_way.remove(&arrival);
    }

    /// When those that are on their way are carried out.
    pub(crate) fn on_their_way(&self) -> Vec<Timestamp> {
        self.on_their_way.values().copied().collect()
    }

    /// Plans a fault for the next `times` requests of this method whose path contains `path_part`.
    pub(crate) fn fail_next(
        &mut self,
        forge: Forge,
        method: &str,
        path_part: &str,
        fault: Fault,
        times: u32,
    ) {
        if times > 0 {
            let (method, path_part) = (method.to_owned(), path_part.to_owned());
            self.faults.push(PlannedFault { forge, method, path_part, fault, times_left: times });
        }
    }

    /// Plans what is done before the next write.
    pub(crate) fn before_next_write(&mut self, forge: Forge, act: impl FnOnce() + Send + 'static) {
        self.interludes.push_back((forge, Box::new(act)));
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.faults.clear();
        self.interludes.clear();
    }

    /// The fault planned for this request, counted as used.
    pub(super) fn next_fault(&mut self, forge: Forge, method: &str, path: &str) -> Option<Fault> {
        let at = self.faults.iter().position(|planned| {
            planned.forge == forge
                && (planned.method == "*" || planned.method.eq_ignore_ascii_case(method))
                && path.contains(&planned.path_part)
        })?;
        let planned = self.faults.get_mut(at)?;
        let fault = planned.fault.clone();
        planned.times_left = planned.times_left.saturating_sub(1);
        if planned.times_left == 0 {
            self.faults.remove(at);
        }
        Some(fault)
    }

    /// What is to be done before this write.
    pub(super) fn next_interlude(&mut self, forge: Forge) -> Option<Interlude> {
        let at = self.interludes.iter().position(|(of, _)| *of == forge)?;
        self.interludes.remove(at).map(|(_, interlude)| interlude)
    }

    /// How many faults wait for their requests.
    #[cfg(test)]
    pub(crate) fn faults_left(&self) -> usize {
        self.faults.len()
    }
}
