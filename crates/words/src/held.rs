//! What is held back, in sentences.

use super::text::plain;
use usher_core::model::suppressed::{Held, PingHeld};

/// Why something is held back, as one sentence. Until when is told beside it.
pub fn held(held: &Held) -> String {
    match held {
        Held::Ping { person, because, .. } => {
            let person = if person.is_empty() { "somebody".into() } else { plain(person) };
            match because {
                PingHeld::NotWorking { .. } => format!("{person} is not at work, so the ping waits."),
                PingHeld::ForgeClosed { .. } => {
                    format!("The forge is closed for maintenance, so the ping for {person} waits.")
                }
                PingHeld::DayLimit { .. } => {
                    format!("{person} had enough pings for one day, so this one waits.")
                }
                PingHeld::ChangeLimit => format!("The change had its pings, so {person} is not pinged."),
                PingHeld::Overtaken => format!("A later step said it all, so {person} is not pinged."),
            }
        }
        Held::PingsUsedUp { pings: 1 } => {
            "It had its one ping; nobody is pinged before the ball moves.".into()
        }
        Held::PingsUsedUp { pings } => {
            format!("It had its {pings} pings; nobody is pinged before the ball moves.")
        }
        Held::FirstRun => "It was open before Usher came and waits for its turn.".into(),
        Held::Snooze { .. } => "Somebody snoozed it; its clocks stand still.".into(),
        Held::ForgeRefuses => {
            "The forge does not let Usher set reviewers and labels; its clocks stand still.".into()
        }
        Held::Skip => "Somebody asked Usher to leave it alone.".into(),
    }
}
