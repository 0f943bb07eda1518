//! Waiting for a forge that asks for it.

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::forge::ForgeFault;

/// The longest that a forge's request for patience is honoured by waiting.
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Does it, and waits where the forge or its gate asks for a little patience; then nothing was done.
///
/// # Errors
/// The fault that did not go away.
pub(super) async fn patiently<T>(
    clock: &Clock,
    mut act: impl AsyncFnMut() -> Result<T, ForgeFault>,
) -> Result<T, ForgeFault> {
    let end = clock.now() + WAIT_MAX;
    loop {
        match act().await {
            Err(ForgeFault::Later { at, why }) if at <= end => {
                anstream::eprintln!("waiting until {at}: {why}");
                clock.sleep_until(at).await;
            }
            result => return result,
        }
    }
}
