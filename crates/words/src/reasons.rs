//! Reasons as sentences, the same on every surface.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{criterion, day, moment, obstacles, quote, stage_name};
use super::{boxes, lost, owners, scope};
use usher_core::model::assignment::Origin;
use usher_core::model::candidate::{Candidate, Judgement};
use usher_core::model::change::ChangeState;
use usher_core::model::fact::Refusal;
use usher_core::model::reason::Reason;
use usher_core::model::suppressed::SuppressedWhy;

/// A reason as one English sentence, the same on every surface.
pub fn sentence(reason: &Reason) -> String {
    match reason {
        Reason::NotSupport { author } => {
            format!("{} is no support engineer, so this is none of Usher's business.", or_somebody(author))
        }
        Reason::NotWatched => "The project is not among the watched ones.".into(),
        Reason::OlderSnapshot => {
            "This news is older than what is known already, so it changed nothing.".into()
        }
        Reason::Tracked { author } => format!("A support contribution by {author} came into view."),
        Reason::IsDraft => "It is a draft and is left in peace.".into(),
        Reason::Ready => "It is ready for review; the clock starts.".into(),
        Reason::SeenInPart => {
            "Only a part of it was told so far; a look at the whole change comes first.".into()
        }
        Reason::ReadingFiles => "A route has paths, so the changed files are read first.".into(),
        Reason::ReadingOwners => {
            "A route follows CODEOWNERS, so that and the changed files are read first.".into()
        }
        Reason::MeasuringSize => "A rule looks at the size, so the changed files are read.".into(),
        Reason::Owners { pool, people, path } => owners::owners(pool, people, path),
        Reason::NoOwners { pool, why } => owners::none(pool, why),
        Reason::OwnersPassed { pool, people } => owners::passed(pool, people),
        Reason::Routed { pools } => format!("It goes to {}.", pools.join(" and ")),
        Reason::NoRoute => "No route claims it, so nobody can be asked.".into(),
        Reason::Picked { pool, person, origin, candidates } => picked(pool, person, *origin, candidates),
        Reason::NobodyFree { pool, candidates } => {
            format!("Nobody of {pool} can be asked: {}.", obstacles(candidates))
        }
        Reason::Adopted { pool, person } => format!("{person} of {pool} was chosen by a person, and stays."),
        Reason::Declined { person, note: Some(note) } => format!("{person} declined: {}.", quote(note)),
        Reason::Declined { person, note: None } => format!("{person} declined."),
        Reason::Accepted { person } => format!("{person} is on it; the clock starts anew."),
        Reason::Reassigned { from: Some(from), by } => format!("{by} asked for somebody else than {from}."),
        Reason::Reassigned { from: None, by } => format!("{by} asked for another reviewer."),
        Reason::Refused { person, refusal } => refused(person, *refusal),
        Reason::ReviewerAway { person, until } => {
            format!("{person} is away until {}, so somebody else is asked.", day(*until))
        }
        Reason::Approved { person } => format!("{person} approved."),
        Reason::ApprovalWithdrawn { person } => format!("{person}'s verdict no longer stands."),
        Reason::ChangesRequested { person } => format!("{person} asked for changes."),
        Reason::ReviewerCommented { person } => format!("{person} commented."),
        Reason::AuthorActed => "The author answered.".into(),
        Reason::CannotMerge { person } => format!("{person} cannot merge it; approvals stand."),
        Reason::ThreadsOpen { person, open } => threads_open(person, *open),
        Reason::ThreadsResolved { person } => format!("All threads of {person} are resolved."),
        Reason::StageMoved { from, to } => {
            format!("It moved from {} to {}.", stage_name(*from), stage_name(*to))
        }
        Reason::StageSet { stage } => format!("A person set it to {} by label.", stage_name(*stage)),
        Reason::LabelTakenOff { label } => {
            format!("A person took the label {} off; it stays off.", quote(label))
        }
        Reason::ReviewerTakenOff { person } => format!("A person took {person} off; they stay off."),
        Reason::Overwritten { login } => {
            format!("{} was added by a person just as Usher wrote, and is put back.", quote(login))
        }
        Reason::BoxRanOut { stage, holder } => {
            format!("The time box of {holder} ran out ({}).", stage_name(*stage))
        }
        Reason::BoxRuled { stage, rule, budget } => boxes::ruled(*stage, rule, *budget),
        Reason::BoxUnruled { stage } => boxes::unruled(*stage),
        Reason::Reminded { person } => format!("{person} was reminded."),
        Reason::Widened { pool, person } => {
            format!("{person} of {pool} is asked as well; the first reviewer stays.")
        }
        Reason::NobodyToWiden { pool, candidates } => {
            format!("A second reviewer of {pool} was due, but nobody is left: {}.", obstacles(candidates))
        }
        Reason::Escalated { pool, lead } => format!("{lead}, who leads {pool}, was told."),
        Reason::NoLead { pool } => no_lead(pool),
        Reason::HandedOver { by, to } => format!("{by} handed it over; {to} carries on."),
        Reason::WantsToHandOver { by, lead } => wants_to_hand_over(by, lead),
        Reason::ToldOfSilence { person } => format!("{person} was told that nobody acts here."),
        Reason::NobodyToTell => NOBODY_TO_TELL.into(),
        Reason::PingHeld { person, why } => ping_held(person, *why),
        Reason::PingLapsed { person } => {
            format!("A ping for {person} could not be sent while they were at work, so it is due again.")
        }
        Reason::Skipped { by: Some(by) } => format!("{by} asked Usher to leave it alone."),
        Reason::Skipped { by: None } => "It has the skip label and is left alone.".into(),
        Reason::Resumed { by: Some(by) } => format!("{by} asked Usher to go on."),
        Reason::Resumed { by: None } => "Usher goes on with it.".into(),
        Reason::Snoozed { by, until } => {
            format!("{by} snoozed it until {}.", moment(*until, &TimeZone::UTC))
        }
        Reason::Tickets { tickets } => scope::tickets_sentence(tickets),
        Reason::Queued { pool, ahead } => scope::queued_sentence(pool, *ahead),
        Reason::OutOfScope { beyond } => {
            format!("It looks like more than a fix: {}.", scope::beyond(beyond))
        }
        Reason::InScope => "It no longer looks like more than a fix.".into(),
        Reason::Overruled { by, person, note } => overruled(by, person, note.as_deref()),
        Reason::LeftPool { pool, person } => {
            format!("{person} is no longer of {pool}; somebody else is asked.")
        }
        Reason::HandedBack { person } => format!("The author has answered; {person} is asked to look again."),
        Reason::OthersPushed { login } => format!("{login} pushed: no answer of the author's."),
        Reason::Sponsored { by } => format!("{by} takes it on, although it is more than a fix."),
        Reason::Announced { tickets } => scope::announced_sentence(*tickets),
        Reason::HeldForFirstRun => HELD_FOR_FIRST_RUN.into(),
        Reason::WentLive => {
            "The dry run is over: from now on this is written, and every clock starts now.".into()
        }
        Reason::PoolChosen { pool, by } => format!("{by} sent it to {pool}."),
        Reason::WentAway { person, until } => {
            format!("{person} is away until {} and is not asked, on any change.", day(*until))
        }
        Reason::CameBack { person } => format!("{person} is back."),
        Reason::OlderWord { person } => {
            format!("{person} has said something newer about being away, so this changed nothing.")
        }
        Reason::Answered { by, command } => format!("{by} asked for {}.", quote(command)),
        Reason::StrangerRefused { login, command } => {
            format!("{} asked for {}, which was refused.", quote(login), quote(command))
        }
        Reason::CommandRefused { by, command } => {
            format!("{by} asked for {}, which was refused.", quote(command))
        }
        Reason::TemplateBroken { template, fault } => {
            format!(
                "The template {} could not be used, so the built-in words were ({}).",
                quote(template),
                quote(fault)
            )
        }
        Reason::OnlyABot { login } => {
            format!("Only the bot {} did this; the turn does not move.", quote(login))
        }
        Reason::Ended { state: ChangeState::Merged } => "It was merged.".into(),
        Reason::Ended { .. } => "It was closed.".into(),
        Reason::Reopened => "It was opened again.".into(),
        Reason::LostSight { why } => lost::lost_sight(*why),
        Reason::GivenUp { why } => lost::given_up(*why),
        Reason::FoundAgain => "The forge shows it again, and Usher goes on with it.".into(),
        Reason::ForgeRefuses { given_up } => lost::forge_refuses(*given_up),
        Reason::ContactTold { person } => lost::contact_told(person),
        Reason::ForgeTakesIt => "The forge takes it now; the clock runs.".into(),
        Reason::NotSaid { action } => {
            format!("The forge would not take {}, so it is not there.", lost::said(action))
        }
        Reason::WithoutFiles => {
            "Its changed files cannot be read yet; until then it goes where it would without them.".into()
        }
        Reason::Moved { from, to } => lost::moved(from, to),
        Reason::BroughtUpToDate => "What is shown there is brought up to date.".into(),
        Reason::StillOnPaper => "It is a dry run, so this is still not written.".into(),
        Reason::Reshaped => "Labels or reviewers were not as they should be and are set again.".into(),
    }
}

const HELD_FOR_FIRST_RUN: &str =
    "It was open before Usher came and waits for its turn in the first roll-out.";
const NOBODY_TO_TELL: &str =
    "Somebody should be told, but the configuration names nobody ([support] lead, [escalation] contact).";

fn no_lead(pool: &str) -> String {
    format!("The lead of {pool} should be told, but there is none on this forge.")
}

fn wants_to_hand_over(by: &str, lead: &str) -> String {
    format!("{by} asks for somebody who carries on; {lead} is told.")
}

fn overruled(by: &str, person: &str, note: Option<&str>) -> String {
    let why = note.map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{by} overruled {person}'s request for changes{why}: it holds the change up no longer.")
}

fn or_somebody(login: &str) -> String {
    if login.is_empty() { "The author".into() } else { quote(login) }
}

fn picked(pool: &str, person: &str, origin: Origin, candidates: &[Candidate]) -> String {
    let others = candidates.len().saturating_sub(1);
    let word = if origin == Origin::Widened { "chosen as a second reviewer" } else { "chosen" };
    let mut decided = candidates.iter().filter_map(|one| match &one.standing {
        Judgement::Chosen { decided_by, .. } if one.person == person => decided_by.0,
        _ => None,
    });
    let why = decided.next().map(|why| format!(": {}", criterion(why))).unwrap_or_default();
    match others {
        0 => format!("{person} of {pool} was {word}, the only one there is."),
        1 => format!("{person} of {pool} was {word}{why}; one other was considered."),
        n => format!("{person} of {pool} was {word}{why}; {n} others were considered."),
    }
}

fn refused(person: &str, refusal: Refusal) -> String {
    match refusal {
        Refusal::NotAllowed => format!("The forge does not allow {person} as a reviewer."),
        Refusal::Dropped => {
            format!("The forge left {person} out silently; they probably cannot read the project.")
        }
        Refusal::OneReviewerOnly => {
            format!("The forge keeps one reviewer only, so {person} is asked by name instead.")
        }
    }
}

fn ping_held(person: &str, why: SuppressedWhy) -> String {
    let until = |until: Option<Timestamp>| match until {
        Some(at) => format!(" It goes out on {}.", moment(at, &TimeZone::UTC)),
        None => String::new(),
    };
    match why {
        SuppressedWhy::NotWorking { until: at } => {
            format!("A ping for {person} is kept until they work again.{}", until(at))
        }
        SuppressedWhy::ForgeClosed { until: at } => {
            format!("The forge is closed for maintenance, so a ping for {person} is kept.{}", until(at))
        }
        SuppressedWhy::DayLimit { until: at } => format!("{person} had enough pings for today.{}", until(at)),
        SuppressedWhy::ChangeLimit => format!("The change had its pings, so {person} is not pinged."),
        SuppressedWhy::Overtaken => format!("{person} is not reminded, because a later step is due as well."),
    }
}

fn threads_open(person: &str, open: u32) -> String {
    match open {
        1 => format!("One thread of {person} is open."),
        open => format!("{open} threads of {person} are open."),
    }
}
