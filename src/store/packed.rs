//! A delivery as it is written.

use std::sync::Arc;

use super::error::StoreError;
use super::rows::json;
use super::types::NewDelivery;

/// A delivery with its facts as JSON and its body compressed. Cheap to clone, so that it can be tried again.
#[derive(Clone)]
pub struct PackedDelivery {
    /// Without its body.
    pub(super) delivery: Arc<NewDelivery>,
    pub(super) facts: Arc<str>,
    pub(super) body: Option<Arc<[u8]>>,
}

impl NewDelivery {
    /// Makes what will be written of it, which takes a while for a large body.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for facts that cannot be written as JSON, which no known fact is.
    pub fn pack(mut self) -> Result<PackedDelivery, StoreError> {
        let body = self.body.take().map(|body| lz4_flex::compress_prepend_size(&body).into());
        let facts = json("store a delivery", &self.facts)?.into();
        Ok(PackedDelivery { delivery: Arc::new(self), facts, body })
    }
}
