//! The flow of these tests written down for judges from outside, where `scripts/contracts` asks for it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use usher::clock::Clock;
use usher_sandbox::Sandbox;

use super::time::SandboxClock;

/// Names the folder that takes one file for each sandbox.
const FOLDER: &str = "USHER_EXCHANGES";

/// A sandbox whose exchanges and webhooks are kept if somebody asked for them.
pub async fn sandbox(clock: Clock) -> Sandbox {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let sandbox = Sandbox::start(SandboxClock(clock)).await.unwrap();
    if let Some(folder) = std::env::var_os(FOLDER) {
        // Tests may run in processes of their own, which count by themselves.
        let (process, number) = (std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        sandbox.record_to(&Path::new(&folder).join(format!("{process}-{number}.jsonl"))).unwrap();
    }
    sandbox
}
