//! Which labels a hook says were put on: `changes.labels`, with the lists before and after.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::forge::inbound::tolerant::{List, Maybe, Text};
use usher_core::model::fact::Act;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Changes<'a> {
    #[serde(borrow)]
    labels: Maybe<Delta<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    previous: List<Label<'a>>,
    #[serde(borrow)]
    current: List<Label<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Label<'a> {
    #[serde(borrow)]
    title: Text<'a>,
}

/// The act of putting on what the `changes` of a hook (empty where it has none) show as new.
pub(super) fn put_on(changes: &str) -> Option<Act> {
    let changes: Changes<'_> = serde_json::from_str(changes).unwrap_or_default();
    let delta = changes.labels.get()?;
    let titles = |list: &List<Label<'_>>| -> BTreeSet<String> {
        let labels = list.get().unwrap_or_default().iter();
        labels.filter_map(|label| label.title.get().map(str::to_owned)).collect()
    };
    let (before, after) = (titles(&delta.previous), titles(&delta.current));
    let labels: BTreeSet<String> = after.difference(&before).cloned().collect();
    (!labels.is_empty()).then_some(Act::Labelled { labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_was_put_on() {
        let put_on = |changes: &str| match put_on(changes) {
            Some(Act::Labelled { labels }) => labels.into_iter().collect::<Vec<_>>().join(" "),
            other => format!("{other:?}"),
        };
        let changes = r#"{"labels": {"previous": [{"title": "a"}, {"id": 1}], "current": [{"title": "b"}, {"title": "a"}]}}"#;
        assert_eq!(put_on(changes), "b");
        let taken_off = r#"{"labels": {"previous": [{"title": "a"}], "current": []}}"#;
        for nothing in [taken_off, "", "{}", r#"{"labels": 7}"#, r#"{"labels": {"current": "x"}}"#] {
            assert_eq!(put_on(nothing), "None", "{nothing}");
        }
    }
}
