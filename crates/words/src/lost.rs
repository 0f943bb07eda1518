//! Changes that the forge no longer shows.

use super::text::quote;
use usher_core::model::unreachable::UnreachableWhy;

/// Why a review stands still.
pub(super) fn lost_sight(why: UnreachableWhy) -> String {
    match why {
        UnreachableWhy::Hidden => {
            "The forge no longer shows it to Usher; the clock stands still while it is looked for.".into()
        }
        UnreachableWhy::Archived => {
            "Its project is archived; the clock stands still until it is opened again.".into()
        }
        UnreachableWhy::MovedAway => {
            "Its project has moved to where Usher does not watch; the clock stands still for now.".into()
        }
        UnreachableWhy::Followed => {
            "Its project has a new name, under which Usher follows it already.".into()
        }
    }
}

/// Why a review was closed without its change.
pub(super) fn given_up(why: UnreachableWhy) -> String {
    let why = match why {
        UnreachableWhy::Hidden => "the forge no longer shows it to us",
        UnreachableWhy::Archived => "its project is archived",
        UnreachableWhy::MovedAway => "its project has moved to where Usher does not watch",
        UnreachableWhy::Followed => "it goes on under its project's new name",
    };
    format!("The review is closed: {why}. Should the change be seen again, it goes on.")
}

/// Why nobody can be asked.
pub(super) fn forge_refuses(given_up: bool) -> String {
    let next = if given_up {
        "it is tried again when the change is next seen"
    } else {
        "it is tried again and again"
    };
    format!("The forge does not let Usher set reviewers and labels; the clock stands still, and {next}.")
}

/// Whoever looks after Usher knows.
pub(super) fn contact_told(person: &str) -> String {
    format!("{person}, the contact for what nobody else can mend, was told.")
}

/// What was to be said, by the kind of its action.
pub(super) fn said(action: &str) -> &'static str {
    match action.split(':').next() {
        Some("status") => "the status comment",
        Some("ping") => "a ping",
        Some("reply") => "an answer",
        Some("react") => "a reaction",
        _ => "something",
    }
}

pub(super) fn moved(from: &str, to: &str) -> String {
    format!("Its project {} is now {}; the review goes with it.", quote(from), quote(to))
}
