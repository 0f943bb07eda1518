//! Sentences about CODEOWNERS. Paths and handles come from the repository: they are quoted.

use super::text::quote;
use usher_core::model::reason::NoOwners;

pub(super) fn owners(pool: &str, people: &[String], path: &str) -> String {
    let (verb, are) = if people.len() == 1 { ("owns", "is") } else { ("own", "are") };
    format!("{} of {pool} {verb} {} by CODEOWNERS and {are} asked first.", people.join(" and "), quote(path))
}

pub(super) fn none(pool: &str, why: &NoOwners) -> String {
    let why = match why {
        NoOwners::NoFile => "The target branch has no CODEOWNERS".to_owned(),
        NoOwners::Unusable => "CODEOWNERS could not be read".to_owned(),
        NoOwners::Unowned => "CODEOWNERS names nobody for the changed files".to_owned(),
        NoOwners::Outside { handles } => {
            let handles: Vec<String> = handles.iter().map(|handle| quote(handle)).collect();
            format!("The owners ({}) are not in {pool}", handles.join(", "))
        }
    };
    format!("{why}, so everybody of {pool} is considered.")
}

pub(super) fn passed(pool: &str, people: &[String]) -> String {
    format!(
        "None of the owners ({}) can take it now, so somebody else of {pool} is asked.",
        people.join(", ")
    )
}
