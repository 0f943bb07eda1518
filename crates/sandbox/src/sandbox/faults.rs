//! What goes wrong because somebody wishes it: faults, limits, a clock that is off.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Sandbox;
use crate::service::Fault;
use crate::world::Forge;

impl Sandbox {
    /// Lets the next `times` requests of this method (`*` for any, `QUERY` for GraphQL that only reads) whose path and query contain
    /// `path_part` meet the fault. Faults planned first are met first.
    pub fn fail_next(&self, forge: Forge, method: &str, path_part: &str, fault: Fault, times: u32) {
        self.forges().plan.fail_next(forge, method, path_part, fault, times);
    }

    /// Does this right before the forge carries out the next write that reaches it: what somebody else
    /// did between a client's read and its write. Several are done before one write each, in this order.
    pub fn before_next_write(&self, forge: Forge, act: impl FnOnce(&Sandbox) + Send + 'static) {
        // What is planned must not keep the sandbox alive that it is planned in.
        let sandbox = self.weak();
        let act = move || {
            if let Some(sandbox) = sandbox() {
                act(&sandbox);
            }
        };
        self.forges().plan.before_next_write(forge, act);
    }

    /// Forgets all planned faults, and what was to be done before writes.
    pub fn clear_faults(&self) {
        self.forges().plan.clear();
    }

    /// Lets a forge refuse requests beyond this many in a window (GitLab: a minute, GitHub: an hour)
    /// of the sandbox's clock. Not enforced unless set.
    pub fn limit_requests(&self, forge: Forge, per_window: u64) {
        self.forges().state.rates.limit_requests(forge, per_window);
    }

    /// Lets GitHub refuse more than 80 writes in any minute and 500 in any hour, as the real one does:
    /// 403, with `retry-after`. Not enforced unless set.
    pub fn limit_content(&self) {
        self.forges().state.rates.limit_content();
    }

    /// Lets everything that names this project be answered with 500, until it is mended.
    pub fn break_project(&self, forge: Forge, path: &str) {
        self.forges().plan.break_project(forge, path, true);
    }

    /// The project is well again.
    pub fn mend_project(&self, forge: Forge, path: &str) {
        self.forges().plan.break_project(forge, path, false);
    }

    /// From now on a request to either forge is carried out when the sandbox's clock has moved on by so
    /// much.
    pub fn set_latency(&self, latency: Duration) {
        self.forges().plan.set_latency(latency);
    }

    /// When the requests are carried out that are on their way now, in the order of their arrival.
    pub fn on_their_way(&self) -> Vec<Timestamp> {
        self.forges().plan.on_their_way()
    }

    /// Puts a forge's clock ahead of the sandbox's.
    pub fn set_clock_ahead(&self, forge: Forge, ahead: SignedDuration) {
        self.forges().state.ahead.insert(forge, ahead);
    }
}
