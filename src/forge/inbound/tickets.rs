//! Descriptions at the border: tickets are taken out, and the rest stays outside.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::tolerant::Text;
use usher_core::model::tickets::{Ticket, TicketRules};

/// Reads the field of a description unparsed: a missing one is not told, `null` is an empty one.
pub(in crate::forge) fn described<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The tickets in a description as it stands in a webhook. `None`: it was not told, or no tickets are
/// looked for.
pub(in crate::forge) fn tickets_in(
    description: Option<&RawValue>,
    rules: &TicketRules,
) -> Option<BTreeSet<Ticket>> {
    let raw = description.filter(|_| !rules.is_empty())?;
    let text: Text<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    Some(rules.find(text.or_empty()))
}

/// The tickets in a description as the REST API tells it, where `null` and nothing are one.
pub(in crate::forge) fn tickets_of(
    description: Option<&str>,
    rules: &TicketRules,
) -> Option<BTreeSet<Ticket>> {
    (!rules.is_empty()).then(|| rules.find(description.unwrap_or_default()))
}
