//! One server for one file. The lock is the system's own, on a file beside the store, so it ends with
//! whoever holds it, however that ends; the file says who that is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::StoreError;

/// Pause between two attempts.
const POLL: Duration = Duration::from_millis(100);
/// Characters of the holder's line that are repeated.
const HOLDER_CHARS_MAX: usize = 120;

/// Held until it is released, or dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock of the store at `store`; waits for whoever holds it, for `patience` at most.
    ///
    /// # Errors
    /// [`StoreError::InUse`] with who holds it; [`StoreError::Open`] when there can be no lock.
    pub(super) async fn take(store: &Path, patience: Duration) -> Result<Lock, StoreError> {
        let path = beside(store);
        let failed = |error: std::io::Error| StoreError::Open {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < patience => {
                    if waited.is_zero() {
                        let holder = holder(&path);
                        tracing::info!(holder, "the store is in use; waiting for {} s", patience.as_secs());
                    }
                    tokio::time::sleep(POLL).await;
                    waited += POLL;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::InUse {
                        path: store.display().to_string(),
                        holder: holder(&path),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let line = myself();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(line.as_bytes()))
            .map_err(failed)?;
        Ok(Lock(file))
    }

    /// Lets the next one in.
    pub(super) fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the store's lock cannot be released; it ends with the process");
        }
    }
}

/// The lock of the store at `store` where a server of this version was before, held while it is
/// looked at; `None` where there is none, or a server holds it.
pub(super) fn hold_off_servers(store: &Path) -> Option<Lock> {
    let file = File::open(beside(store)).ok()?;
    file.try_lock().is_ok().then_some(Lock(file))
}

fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-lock");
    PathBuf::from(name)
}

/// This process, for people. The host's name tells containers apart, whose numbers are alike.
fn myself() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let id = std::process::id();
    if host.is_empty() { format!("process {id}\n") } else { format!("process {id} on {host}\n") }
}

fn holder(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(1_000).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(HOLDER_CHARS_MAX)
        .collect();
    if read.is_err() || line.is_empty() { "another process".to_owned() } else { line }
}
