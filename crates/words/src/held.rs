//! What is held back, in sentences.

use super::text::plain;
use usher_core::model::suppressed::{Suppressed, SuppressedWhy};

/// Why something is held back, as one sentence. Until when is told beside it.
pub fn held(held: &Suppressed) -> String {
    match held {
        Suppressed::Ping { person, because, .. } => {
            let person = if person.is_empty() { "somebody".into() } else { plain(person) };
            match because {
                SuppressedWhy::NotWorking { .. } => format!("{person} is not at work, so the ping waits."),
                SuppressedWhy::ForgeClosed { .. } => {
                    format!("The forge is closed for maintenance, so the ping for {person} waits.")
                }
                SuppressedWhy::DayLimit { .. } => {
                    format!("{person} had enough pings for one day, so this one waits.")
                }
                SuppressedWhy::ChangeLimit => format!("The change had its pings, so {person} is not pinged."),
                SuppressedWhy::Overtaken => format!("A later step said it all, so {person} is not pinged."),
            }
        }
        Suppressed::PingsUsedUp { pings: 1 } => {
            "It had its one ping; nobody is pinged before the ball moves.".into()
        }
        Suppressed::PingsUsedUp { pings } => {
            format!("It had its {pings} pings; nobody is pinged before the ball moves.")
        }
        Suppressed::FirstRun => "It was open before Usher came and waits for its turn.".into(),
        Suppressed::Snooze { by, .. } => format!("{} snoozed it; its clocks stand still.", whoever(by)),
        Suppressed::ForgeRefuses => {
            "The forge does not let Usher set reviewers and labels; its clocks stand still.".into()
        }
        Suppressed::Skip { by } => format!("{} asked Usher to leave it alone.", whoever(by)),
    }
}

fn whoever(by: &Option<String>) -> String {
    by.as_deref().map_or_else(|| "Somebody".to_owned(), plain)
}
