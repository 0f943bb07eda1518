//! `given` lines: what the company and its forge are like. In the middle of a story they are a reload of
//! the configuration.

mod boxes;
mod people;
mod pools;
mod presence;
mod scope;
mod time;
mod words;

use usher_core::model::change::ForgeKind;

use super::Story;
use super::language::{Chapter, Line, Told, lines};
use super::read::{names, number, person, span, time};
use crate::support::company::pattern;

pub(super) const CHAPTERS: &[Chapter<()>] = &[
    Chapter { title: "The forge", lines: FORGE },
    Chapter { title: "How much Usher may do", lines: LIMITS },
    Chapter { title: "Pools, routes and owners", lines: pools::LINES },
    Chapter { title: "People and what they carry", lines: people::LINES },
    Chapter { title: "Who is busy", lines: presence::LINES },
    Chapter { title: "Working time", lines: time::LINES },
    Chapter { title: "Time boxes", lines: boxes::LINES },
    Chapter { title: "Features, tickets and the queue", lines: scope::LINES },
    Chapter { title: "Words", lines: words::LINES },
];

const FORGE: &[Line<()>] = lines! {
    "the forge is GitHub" => |story, []| forge_is(story, ForgeKind::GitHub), "The change is on GitHub.";
    "the forge is GitLab" => |story, []| forge_is(story, ForgeKind::GitLab),
        "The change is on GitLab, as it is where nothing is said.";
    "the project is not watched" => is_not_watched, "The configuration names other projects only.";
    "the forge keeps one reviewer" => |story, []| { story.play.forge.one_reviewer = true; Ok(()) },
        "A change has one reviewer at most, as on GitLab's Free tier.";
    "the project has the labels {Bug, Skip-This}" => has_labels,
        "These labels are there already; GitHub keeps their spelling, whatever is asked for.";
    "the forge refuses {rita}" => refuses, "A request to make her a reviewer fails.";
    "the forge silently drops {rita}" => silently_drops,
        "A request to make her a reviewer succeeds and changes nothing.";
    "the forge does not know {rita}" => does_not_know, "The roster has no account of hers.";
    "every delivery comes twice" => |story, []| { story.play.twice = true; Ok(()) },
        "A project webhook and a group webhook tell the same.";
    "the forge tells whole seconds" => |story, []| { story.play.forge.whole_seconds = true; Ok(()) },
        "What happens without a time between is of one second, and Usher hears of it within that.";
    "our own edits are not told back" => |story, []| { story.play.deaf_to_itself = true; Ok(()) },
        "No webhook tells what Usher wrote.";
};

const LIMITS: &[Line<()>] = lines! {
    "Usher came to this forge on {Wed 10:00}" => came_to_this_forge,
        "Usher first wrote to this forge then; it takes on older changes slowly.";
    "a dry run" => |story, []| { story.play.company.policy.dry_run = true; Ok(()) },
        "Usher decides, and writes nothing.";
    "the dry run is over" => |story, []| { dry_run_is_over(story) },
        "The server starts without it: Usher writes, and looks at everything.";
    "the first roll-out takes {10} a day" => first_roll_out, "Usher takes on so many older changes a day.";
    "{10} old changes were taken on today" => taken_on_today, "Usher took on so many older changes today.";
    "at most {5} pings per person and day" => pings_per_day, "The limit of pings for one person.";
    "at most {3} pings per change and turn" => pings_per_turn,
        "The limit of pings for one change, until the ball moves.";
    "at most {10d} of snooze" => longest_snooze, "The longest pause that one `snooze` gives.";
};

fn forge_is(story: &mut Story, kind: ForgeKind) -> Told {
    story.play.forge.kind = kind;
    story.play.company.policy.forges[0].kind = kind;
    Ok(())
}

fn is_not_watched(story: &mut Story, []: [&str; 0]) -> Told {
    story.play.company.policy.forges[0].projects = vec![pattern("other/*")];
    Ok(())
}

fn has_labels(story: &mut Story, [labels]: [&str; 1]) -> Told {
    story.play.forge.repository_labels.extend(names(labels));
    Ok(())
}

fn refuses(story: &mut Story, [who]: [&str; 1]) -> Told {
    story.play.forge.not_allowed.insert(person(who)?);
    Ok(())
}

fn silently_drops(story: &mut Story, [who]: [&str; 1]) -> Told {
    story.play.forge.dropped.insert(person(who)?);
    Ok(())
}

fn does_not_know(story: &mut Story, [who]: [&str; 1]) -> Told {
    story.play.company.roster.accounts.remove(who).map(drop).ok_or_else(|| "already unknown".into())
}

fn came_to_this_forge(story: &mut Story, [when]: [&str; 1]) -> Told {
    story.play.company.first_seen = time(when, story.play.now)?;
    Ok(())
}

fn dry_run_is_over(story: &mut Story) -> Told {
    story.play.company.policy.dry_run = false;
    story.play.review.planned.wake = Some(story.play.now);
    Ok(())
}

fn first_roll_out(story: &mut Story, [changes]: [&str; 1]) -> Told {
    story.play.company.policy.limits.first_run_changes_per_day = number(changes)?;
    Ok(())
}

fn taken_on_today(story: &mut Story, [changes]: [&str; 1]) -> Told {
    story.play.company.elsewhere.first_run_taken = number(changes)?;
    Ok(())
}

fn pings_per_day(story: &mut Story, [pings]: [&str; 1]) -> Told {
    story.play.company.policy.limits.pings_per_person_per_day = number(pings)?;
    Ok(())
}

fn longest_snooze(story: &mut Story, [longest]: [&str; 1]) -> Told {
    story.play.company.policy.limits.snooze_max = span(longest)?;
    Ok(())
}

fn pings_per_turn(story: &mut Story, [pings]: [&str; 1]) -> Told {
    story.play.company.policy.limits.pings_per_change = number(pings)?;
    Ok(())
}
