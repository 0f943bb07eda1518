//! Is the store well again? Asked only while it is not.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::{StoreError, at};
use super::{Ailment, Store, sql};

/// How often a store that fails is tried.
const PROBE_EVERY: Duration = Duration::from_secs(3);
/// Bytes that are written for it: as much as a delivery with a large body.
const PROBE_BYTES: usize = 64 * 1024;

impl Store {
    /// What is wrong with the store as a whole, if anything, as far as its errors have told.
    pub fn ailment(&self) -> Option<Ailment> {
        self.writer.health().ailment()
    }

    /// Whether the store can be written. Where nothing was wrong with it this looks and writes
    /// nothing; else something is written and taken away again, and if that works all is well.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn probe(&self) -> Result<(), StoreError> {
        if self.ailment().is_none() || self.read_only {
            return self.ping().await;
        }
        let what = "write into the store";
        let mut tx = self.begin(what).await?;
        sqlx::query(sql::CLEAR_PROBE).execute(&mut *tx).await.map_err(at(what))?;
        let write = sqlx::query(sql::WRITE_PROBE).bind(vec![0_u8; PROBE_BYTES]);
        write.execute(&mut *tx).await.map_err(at(what))?;
        tx.commit().await.map_err(at(what))?;
        sqlx::query(sql::CLEAR_PROBE).execute(self.writer_for(what)?).await.map_err(at(what))?;
        self.writer.health().recovered();
        Ok(())
    }

    /// Tries a store that fails every few seconds until it is well, until `stop`. Nobody waits for it:
    /// whoever writes tries anyhow, and this finds out where nobody does.
    pub async fn heal(self, stop: CancellationToken) {
        let healing = async {
            loop {
                self.writer.health().ill().await;
                tokio::time::sleep(PROBE_EVERY).await;
                if let Err(error) = self.probe().await {
                    tracing::debug!(%error, "the store still fails");
                }
            }
        };
        tokio::select! {
            () = healing => {}
            () = stop.cancelled() => {}
        }
    }
}
