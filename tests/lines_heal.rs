//! Lines about changes that the forge no longer shows.

use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::unreachable::Loss;

use super::fit;

/// What a roll call finds out about a change that is missing from the forge's list.
pub(super) fn happens(line: &str) -> Option<Vec<Fact>> {
    let why = match line {
        "the forge does not show it" => Loss::Hidden,
        "its project is archived" => Loss::Archived,
        "it is followed under its project's new name" => Loss::Followed,
        _ => {
            let [project] = fit("its project is called {} now", line)?;
            return Some(vec![Fact::Moved { to: ChangeKey::new("forge", project, 7) }]);
        }
    };
    Some(vec![Fact::Lost { why }])
}
