//! What people carry, how often they were asked.

use jiff::SignedDuration;
use jiff::civil::Time;
use usher_core::model::load::Load;
use usher_core::model::people::Workload;

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{at, date, number, person};

pub(super) const LINES: &[Line<()>] = lines! {
    "{rita} has {3} other open reviews" => has_open_reviews, "She reviews so many other changes.";
    "{rita} holds at most {2} reviews" => holds_at_most, "The configuration gives her a capacity of her own.";
    "{rita} was asked {3} times on {2026-11-20}" => was_asked,
        "She was asked for so many other reviews that day.";
    "{sam} is on no roster any more" => is_on_no_roster, "The forge knows no such account, and no list names him.";
    "{rita} was last asked {5} hours ago" => was_last_asked, "Somebody asked her for another review then.";
    "{rita} had {5} pings today" => had_pings, "Usher pinged her on other changes.";
};

fn load<'a>(story: &'a mut Story, who: &str) -> Result<&'a mut Workload, String> {
    person(who)?;
    Ok(story.play.company.elsewhere.people.entry(who.into()).or_default())
}

fn is_on_no_roster(story: &mut Story, [who]: [&str; 1]) -> Told {
    person(who)?;
    let company = &mut story.play.company;
    company.policy.support.members.retain(|member| member != who);
    company.policy.pools.iter_mut().for_each(|pool| pool.members.retain(|member| member != who));
    company.roster.accounts.remove(who);
    Ok(())
}

fn has_open_reviews(story: &mut Story, [who, open]: [&str; 2]) -> Told {
    load(story, who)?.open = Load::of_reviews(number(open)?);
    Ok(())
}

fn holds_at_most(story: &mut Story, [who, most]: [&str; 2]) -> Told {
    story.person_mut(who)?.capacity = Some(number(most)?);
    Ok(())
}

fn was_asked(story: &mut Story, [who, times, day]: [&str; 3]) -> Told {
    let (times, noon) = (number(times)?, at(date(day)?, Time::constant(12, 0, 0, 0)));
    let load = load(story, who)?;
    for _ in 0..times {
        load.asked.add(noon);
    }
    load.last_asked = load.last_asked.max(Some(noon));
    Ok(())
}

fn was_last_asked(story: &mut Story, [who, hours]: [&str; 2]) -> Told {
    let ago = SignedDuration::from_hours(number(hours)?.into());
    let now = story.play.now;
    load(story, who)?.last_asked = Some(now - ago);
    Ok(())
}

fn had_pings(story: &mut Story, [who, pings]: [&str; 2]) -> Told {
    load(story, who)?.pings_today = number(pings)?;
    Ok(())
}
