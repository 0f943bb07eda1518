//! How the labels look that are made.

use std::sync::Arc;

use arc_swap::ArcSwap;

use usher_core::model::policy::LabelLook;

/// What the policy says, shared by all purposes of a client; a reload changes it.
#[derive(Clone, Debug, Default)]
pub(in crate::forge) struct LabelLooks(Arc<ArcSwap<Vec<LabelLook>>>);

impl LabelLooks {
    pub(crate) fn set(&self, looks: Vec<LabelLook>) {
        self.0.store(Arc::new(looks));
    }

    /// The look of a label of this name, without regard to case.
    pub(crate) fn of(&self, name: &str) -> Option<LabelLook> {
        self.0.load().iter().find(|look| look.name.eq_ignore_ascii_case(name)).cloned()
    }
}
