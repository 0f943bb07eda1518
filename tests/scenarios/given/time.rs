//! Working time: leave and weeks of single people, holidays, a closed forge.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use usher_core::model::calendar::{Away, Hours, Window};

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{WORKDAYS, date, dates, hours, person, time, weekday};
use crate::support::company::{london, zone};

pub(super) const LINES: &[Line<()>] = lines! {
    "{rita} is away {2026-11-30}..{2026-12-04}" => is_away,
        "The configuration has this leave, first and last day.";
    "the calendar of {backend} is office hours in {America/New_York}" => pool_works_in,
        "The pool has this calendar; members and leads without one of their own work in it.";
    "support engineers work office hours in {America/New_York}" => support_works_in,
        "`[support] calendar`: support engineers without one of their own work in it.";
    "nobody else has a calendar but {Pacific/Auckland}" => default_is,
        "Who has no calendar at all works office hours there.";
    "{rita} works office hours in {America/New_York}" => works_in,
        "She works Monday to Friday, 09:00 to 17:00 there.";
    "{ravi} lives in {America/New_York} with holidays on {2026-11-26, 2026-11-27}" => lives_in,
        "He has office hours and holidays of that place.";
    "{rita} works only {Mon} {09:00-13:00}" => works_only, "She works one day a week.";
    "{rita} works on {Mon, Tue} only" => works_on, "She works on these days, in the usual hours.";
    "{rita} works from {09:00-13:00, 16:00-20:00}" => works_from,
        "She works in these hours, on the usual days.";
    "{rita} never works" => never_works, "Her week has no working hours.";
    "everybody works every day {09:00-17:00}" => works_every_day,
        "Saturday and Sunday are working days, too.";
    "{2026-12-25} is a holiday" => |story, [day]| holidays(story, vec![date(day)?], london()),
        "Nobody works that day.";
    "there are holidays on {2026-12-25, 2026-12-28}" => there_are_holidays, "Nobody works on these days.";
    "the forge is closed from {Mon 12:00} to {Mon 15:00}" => is_closed,
        "The configuration announces maintenance of the forge.";
};

fn is_away(story: &mut Story, [who, first, last]: [&str; 3]) -> Told {
    let leave = Away { first: date(first)?, last: date(last)? };
    story.person_mut(who)?.away.push(leave);
    Ok(())
}

fn works(story: &mut Story, who: &str, hours: Hours) -> Told {
    story.person_mut(who)?.hours = Some(Arc::new(hours));
    Ok(())
}

fn works_in(story: &mut Story, [who, place]: [&str; 2]) -> Told {
    works(story, who, Hours::office(zone(place)))
}

fn pool_works_in(story: &mut Story, [pool, place]: [&str; 2]) -> Told {
    story.pool_mut(pool)?.hours = Some(Arc::new(Hours::office(zone(place))));
    Ok(())
}

fn support_works_in(story: &mut Story, [place]: [&str; 1]) -> Told {
    story.play.company.policy.support.hours = Some(Arc::new(Hours::office(zone(place))));
    Ok(())
}

fn default_is(story: &mut Story, [place]: [&str; 1]) -> Told {
    story.play.company.policy.default_hours = Arc::new(Hours::office(zone(place)));
    Ok(())
}

fn lives_in(story: &mut Story, [who, place, days]: [&str; 3]) -> Told {
    works(story, who, office(zone(place), dates(days)?))
}

fn works_only(story: &mut Story, [who, day, from_to]: [&str; 3]) -> Told {
    works(story, who, Hours::new(london(), &[weekday(day)?], &[hours(from_to)?], []))
}

fn works_on(story: &mut Story, [who, days]: [&str; 2]) -> Told {
    let days = days.split(", ").map(weekday).collect::<Result<_, _>>()?;
    story.person_mut(who)?.week.days = Some(days);
    Ok(())
}

fn works_from(story: &mut Story, [who, spans]: [&str; 2]) -> Told {
    let spans = spans.split(", ").map(hours).collect::<Result<_, _>>()?;
    story.person_mut(who)?.week.hours = Some(spans);
    Ok(())
}

fn never_works(story: &mut Story, [who]: [&str; 1]) -> Told {
    person(who)?;
    works(story, who, Hours::new(london(), &[], &[], []))
}

fn works_every_day(story: &mut Story, [from_to]: [&str; 1]) -> Told {
    let days: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
    story.play.company.policy.default_hours = Arc::new(Hours::new(london(), &days, &[hours(from_to)?], []));
    Ok(())
}

fn there_are_holidays(story: &mut Story, [days]: [&str; 1]) -> Told {
    let zone = story.play.company.policy.default_hours.timezone().clone();
    holidays(story, dates(days)?, zone)
}

fn holidays(story: &mut Story, days: Vec<Date>, zone: TimeZone) -> Told {
    story.play.company.policy.default_hours = Arc::new(office(zone, days));
    Ok(())
}

/// Monday to Friday, 09:00 to 17:00, without these days.
fn office(zone: TimeZone, holidays: Vec<Date>) -> Hours {
    Hours::new(zone, &WORKDAYS, &[(540, 1020)], holidays)
}

fn is_closed(story: &mut Story, [start, end]: [&str; 2]) -> Told {
    let start = time(start, story.play.now)?;
    let end = time(end, start)?;
    let forge = &mut story.play.company.policy.forges[0];
    let mut windows = forge.maintenance.to_vec();
    windows.push(Window { start, end });
    forge.maintenance = Window::joined(windows).into();
    Ok(())
}
