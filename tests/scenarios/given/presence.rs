//! Whom a forge shows as busy.

use jiff::Timestamp;
use usher_core::model::absence::Busy;
use usher_core::model::change::ForgeKind;

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{person, time};

pub(super) const LINES: &[Line<()>] = lines! {
    "{rita} shows as busy" => |story, [who]| shows_as_busy(story, who, None),
        "Her status on the forge says busy.";
    "{rita} shows as busy until {Mon 14:00}" => shows_as_busy_until, "Her status says until when.";
    "{rita} shows as busy on the other forge" => busy_elsewhere,
        "She is on both forges; this one does not show it.";
    "{rita} no longer shows as busy" => no_longer_busy, "Her status is cleared on all forges.";
    "the forges no longer tell who is busy" =>
        |story, []| { story.play.company.statuses_stopped = true; Ok(()) },
        "Usher cannot read statuses any more.";
};

fn shows_as_busy(story: &mut Story, who: &str, until: Option<Timestamp>) -> Told {
    let says = story.play.company.policy.forges[0].kind;
    let busy = Busy { says, until, seen_at: story.play.now };
    story.play.company.roster.busy.insert(person(who)?.id, busy);
    Ok(())
}

fn shows_as_busy_until(story: &mut Story, [who, when]: [&str; 2]) -> Told {
    let until = time(when, story.play.now)?;
    shows_as_busy(story, who, Some(until))
}

fn busy_elsewhere(story: &mut Story, [who]: [&str; 1]) -> Told {
    person(who)?;
    let says = match story.play.company.policy.forges[0].kind {
        ForgeKind::GitLab => ForgeKind::GitHub,
        ForgeKind::GitHub => ForgeKind::GitLab,
    };
    let busy = Busy { says, until: None, seen_at: story.play.now };
    story.play.company.busy_elsewhere.insert(who.to_owned(), busy);
    Ok(())
}

fn no_longer_busy(story: &mut Story, [who]: [&str; 1]) -> Told {
    let account = person(who)?;
    story.play.company.busy_elsewhere.remove(who);
    story.play.company.roster.busy.retain(|id, _| *id != account.id);
    Ok(())
}
