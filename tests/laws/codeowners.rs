//! CODEOWNERS comes from a repository: whatever is in it, reading it does no harm.

use proptest::prelude::*;
use usher_core::choose::codeowners::Codeowners;
use usher_core::model::change::ForgeKind;

/// Mistakes that are told of one file, at most.
const FLAWS_MAX: usize = 100;

/// Lines that look like entries, headings and comments, and lines that look like nothing.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[!^]?[a-c*?/\\\\# .\\[\\]-]{0,12}( @[a-z/@.-]{0,8}){0,3}",
        "\\^?\\[[a-zA-Z ]{0,6}\\]?(\\[[0-9]{0,3}\\])?( @[a-z]{1,4})?",
        "#\\PC{0,20}",
        "\\PC{0,40}",
    ]
}

proptest! {
    #![proptest_config(super::config(500))]

    #[test]
    fn nothing_makes_it_panic_and_owners_come_from_the_file(
        lines in prop::collection::vec(line(), 0..12),
        path in "[a-c./#\\[\\] ]{0,16}",
        github in any::<bool>(),
    ) {
        let kind = if github { ForgeKind::GitHub } else { ForgeKind::GitLab };
        let text = lines.join("\n");
        let file = Codeowners::parse(kind, &text);
        prop_assert!(file.flaws.len() <= FLAWS_MAX);
        prop_assert!(file.flaws.iter().all(|flaw| (1..=lines.len().max(1)).contains(&flaw.line)));
        for owner in file.owners(&path) {
            let handle = format!("@{owner}");
            prop_assert!(text.contains(&handle), "{}", handle);
            prop_assert!(!owner.starts_with('@') && !owner.contains(char::is_whitespace));
        }
    }
}
