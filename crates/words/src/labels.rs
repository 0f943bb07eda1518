//! How the labels look that Usher makes: a colour for each stage, and what it means.

use usher_core::model::policy::{LabelLook, Labels};

/// Of every label that Usher sets. Those that only people set are theirs to make.
pub fn label_looks(labels: &Labels) -> Vec<LabelLook> {
    let look = |name: &str, color, description| LabelLook { name: name.to_owned(), color, description };
    vec![
        look(&labels.contribution, "5319e7", "Opened by a support engineer"),
        look(&labels.waiting, "fbca04", "Nobody could be asked for a review yet"),
        look(&labels.reviewing, "1d76db", "A reviewer has been asked"),
        look(&labels.with_author, "d93f0b", "The author has something to answer or to change"),
        look(&labels.ready_to_merge, "0e8a16", "Approved, and not merged yet"),
        look(&labels.overdue, "b60205", "Whoever has it has taken longer than planned"),
        look(&labels.out_of_scope, "c5def5", "Looks like more than a fix"),
    ]
}
