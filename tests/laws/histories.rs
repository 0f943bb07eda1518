//! Random histories of one change.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use usher_core::model::absence::Busy;
use usher_core::model::action::Action;
use usher_core::model::calendar::{Away, Hours};
use usher_core::model::change::{
    Account, ChangeKey, ChangeState, ChangedFile, ForgeKind, OwnersFile, SeenReviewer, SeenReviewers, Size,
    Snapshot, Verdict,
};
use usher_core::model::fact::{Act, Actor, Command, CommentPlace, Fact, Refusal};
use usher_core::model::load::Load;
use usher_core::model::policy::Route;
use usher_core::model::review::{Hold, Review, Routing, Stage};
use usher_core::model::terms::{BoxOverride, BoxOverrides, TimeBoxRule};
use usher_core::model::tickets::Ticket;
use usher_core::model::timebox::{Budget, Step as BoxStep, StepKind};
use usher_core::model::unreachable::UnreachableWhy;

use super::config;
use super::extras::{self, Extra, FEATURE_LABEL, TITLES, befall, extra};
use crate::support::company::{Company, account, pattern, pool, zone as zone_of};
use crate::support::forge::{Forge, account_of};
use crate::support::play::Play;

/// What somebody does to the change.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Push,
    Comment,
    Review(Verdict),
    /// Asks for changes in so many threads.
    AskInThreads(usize),
    Remark,
    /// Resolves so many threads of somebody's.
    Resolve {
        of: u64,
        most: usize,
    },
    Reopen(u64),
    Dismiss(u64),
    Request(u64),
    Unrequest(u64),
    Draft(bool),
    State(ChangeState),
    Label(&'static str),
    Unlabel(&'static str),
    Say(&'static str),
    Rename(&'static str),
    /// So many customer tickets are in the description.
    Describe(u8),
    /// A push that adds lines, to a file of its own or not.
    Grow {
        lines: u64,
        file: bool,
    },
}

/// What becomes of the delivery that tells of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delivery {
    AtOnce,
    Late,
    Lost,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Pass {
        minutes: u32,
    },
    Deed {
        by: u64,
        deed: Deed,
        delivery: Delivery,
    },
    DeliverLate,
    Redeliver {
        which: prop::sample::Index,
    },
    Sweep,
    Busy {
        who: u64,
        busy: bool,
    },
    Courier {
        stopped: bool,
    },
    Refuses {
        who: u64,
        silently: bool,
    },
    Load {
        who: u64,
        open: u32,
        pings: u32,
    },
    Leave {
        who: u64,
        in_days: u8,
        days: u8,
    },
    Reload {
        approvals: u32,
        lead: bool,
        budget_minutes: u32,
    },
    /// The server's clock is put right, or wrong; it may go back. The forge's own clock does not.
    Clock {
        minutes: i32,
    },
    /// Nobody looks at any deadline for so long.
    Outage {
        minutes: u32,
    },
    /// Who of [`MEMBERS`] is in the pool, by bit.
    Members {
        mask: u8,
    },
    Limits {
        change: u32,
        person: u32,
    },
    /// Steps of the reviewing box, by bit: remind twice, widen, escalate.
    Steps {
        mask: u8,
        merge_minutes: u32,
        author_minutes: u32,
    },
    Hours {
        who: u64,
        kind: u8,
    },
    /// The pool `docs` leaves the configuration, or is there again.
    Docs {
        there: bool,
    },
    /// The forge takes everybody again.
    Forgives,
    /// What waits in the outbox has not come about for long, or is given up.
    Blocks {
        given_up: bool,
    },
    /// Usher is started again with or without `dry_run`.
    DryRun {
        on: bool,
    },
    /// A roll call misses the change in the forge's list.
    Lost {
        why: UnreachableWhy,
    },
    Extra(Extra),
}

#[derive(Clone, Debug)]
pub(super) struct Setup {
    github: bool,
    one_reviewer: bool,
    twice: bool,
    deaf: bool,
    members: usize,
    reviewers: u32,
    approvals: u32,
    lead: bool,
    docs_route: bool,
    draft: bool,
    hour: i64,
    first_seen_later: bool,
    extras: Vec<Extra>,
}

const MEMBERS: [&str; 5] = ["rita", "ravi", "dora", "sam", "lena"];

const MONDAY: i64 = 1_795_392_000; // 2026-11-23T00:00:00Z

/// Ids of [`crate::support::company::ACCOUNTS`]: sam is 2, rita 4, ravi 5, lena 6, dora 7, dirk 8.
fn anybody() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 2_u64..9, 1 => 10_u64..14]
}

fn reviewer() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(4), 3 => Just(5), 1 => 6_u64..12]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Approved),
        Just(Verdict::ChangesRequested),
        Just(Verdict::Commented),
        Just(Verdict::Withdrawn)
    ]
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "bug",
        "support-contribution",
        "support-review::waiting",
        "support-review::reviewing",
        "support-review::with-author",
        "support-review::ready-to-merge",
        "support-review-overdue",
        "support-review-skip",
        "support-review-scope",
        "support-priority",
        FEATURE_LABEL,
    ])
}

fn saying() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "@usher accept",
        "@usher decline",
        "@usher decline no time @everybody",
        "@usher snooze 2d",
        "@usher snooze 30m",
        "@usher reassign",
        "@usher reassign @rita",
        "@usher reassign @sam",
        "@usher ready",
        "@usher overrule @rita",
        "@usher handover",
        "@usher handover @siobhan",
        "@usher pool docs",
        "@usher pool backend",
        "@usher skip",
        "@usher resume",
        "@usher away 3d",
        "@usher away until 2026-12-04",
        "@usher back",
        "@usher why",
        "@usher help",
        "@usher dance `now` @lena",
        "thanks @rita",
        "@usher accept\n@usher why",
        "@usher skip\n@usher resume",
        "@usher decline\n@usher reassign @rita\n@usher help",
        "@usher snooze 1d\n@usher resume\n@usher pool backend\n@usher snooze 2h",
        "@usher sponsor",
        "@usher sponsor\n@usher why",
        "@usher away 2d\n@usher reassign\n@usher pool docs",
        "@usher back\n@usher reassign @ravi\n@usher accept",
        "@usher resume\n@usher reassign @dora\n@usher sponsor\n@usher skip\n@usher resume",
        "@usher nonsense\n@usher more `nonsense` @lena\n@usher pool nowhere\n@usher reassign @nobody",
    ])
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::Push),
        2 => Just(Deed::Comment),
        5 => verdict().prop_map(Deed::Review),
        1 => (1_usize..3).prop_map(Deed::AskInThreads),
        1 => Just(Deed::Remark),
        2 => (reviewer(), 1_usize..4).prop_map(|(of, most)| Deed::Resolve { of, most }),
        1 => reviewer().prop_map(Deed::Reopen),
        1 => reviewer().prop_map(Deed::Dismiss),
        2 => reviewer().prop_map(Deed::Request),
        2 => reviewer().prop_map(Deed::Unrequest),
        1 => any::<bool>().prop_map(Deed::Draft),
        1 => prop::sample::select(vec![
            ChangeState::Open, ChangeState::Open, ChangeState::Open, ChangeState::Closed, ChangeState::Merged
        ])
            .prop_map(Deed::State),
        2 => label().prop_map(Deed::Label),
        2 => label().prop_map(Deed::Unlabel),
        5 => saying().prop_map(Deed::Say),
        1 => prop::sample::select(TITLES.to_vec()).prop_map(Deed::Rename),
        1 => (0_u8..25).prop_map(Deed::Describe),
        1 => (prop_oneof![0_u64..40, Just(u64::MAX)], any::<bool>())
            .prop_map(|(lines, file)| Deed::Grow { lines, file }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let delivery =
        prop_oneof![8 => Just(Delivery::AtOnce), 1 => Just(Delivery::Late), 1 => Just(Delivery::Lost)];
    prop_oneof![
        6 => prop_oneof![1_u32..120, 120_u32..3_000, 3_000_u32..15_000].prop_map(|minutes| Step::Pass { minutes }),
        12 => (anybody(), deed(), delivery).prop_map(|(by, deed, delivery)| Step::Deed { by, deed, delivery }),
        1 => Just(Step::DeliverLate),
        1 => any::<prop::sample::Index>().prop_map(|which| Step::Redeliver { which }),
        2 => Just(Step::Sweep),
        1 => any::<bool>().prop_map(|stopped| Step::Courier { stopped }),
        1 => (4_u64..9, any::<bool>()).prop_map(|(who, silently)| Step::Refuses { who, silently }),
        1 => (2_u64..9, 0_u32..7, 0_u32..7).prop_map(|(who, open, pings)| Step::Load { who, open, pings }),
        1 => (2_u64..9, 0_u8..9, 0_u8..12).prop_map(|(who, in_days, days)| Step::Leave { who, in_days, days }),
        1 => (2_u64..9, any::<bool>()).prop_map(|(who, busy)| Step::Busy { who, busy }),
        1 => (1_u32..3, any::<bool>(), 1_u32..3_000).prop_map(|(approvals, lead, budget_minutes)| {
            Step::Reload { approvals, lead, budget_minutes }
        }),
        3 => upset(),
        5 => extra().prop_map(Step::Extra),
    ]
}

/// What happens to the house itself: clocks, configuration, a forge that changes its mind.
fn upset() -> impl Strategy<Value = Step> {
    let limits = (0_u32..5, 0_u32..7).prop_map(|(change, person)| Step::Limits { change, person });
    let steps = (0_u8..16, 1_u32..3_000, 1_u32..9_000).prop_map(|(mask, merge_minutes, author_minutes)| {
        Step::Steps { mask, merge_minutes, author_minutes }
    });
    prop_oneof![
        2 => prop_oneof![-90_i32..90, -6_000_i32..6_000].prop_map(|minutes| Step::Clock { minutes }),
        1 => (60_u32..12_000).prop_map(|minutes| Step::Outage { minutes }),
        2 => (0_u8..32).prop_map(|mask| Step::Members { mask }),
        1 => limits,
        1 => steps,
        1 => (2_u64..9, 0_u8..4).prop_map(|(who, kind)| Step::Hours { who, kind }),
        1 => any::<bool>().prop_map(|there| Step::Docs { there }),
        1 => Just(Step::Forgives),
        1 => prop::bool::weighted(0.3).prop_map(|given_up| Step::Blocks { given_up }),
        1 => any::<bool>().prop_map(|on| Step::DryRun { on }),
        1 => prop::sample::select(vec![UnreachableWhy::Hidden, UnreachableWhy::Hidden, UnreachableWhy::Archived, UnreachableWhy::MovedAway])
            .prop_map(|why| Step::Lost { why }),
    ]
}

pub(super) fn setup() -> impl Strategy<Value = Setup> {
    let forge = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.2));
    let pool = (1_usize..5, 1_u32..3, 1_u32..3, any::<bool>(), prop::bool::weighted(0.3));
    let start = (prop::bool::weighted(0.2), 0_i64..168, prop::bool::weighted(0.15));
    (forge, pool, start, vec(extra(), 0..6)).prop_map(
        |((github, one_reviewer, twice, deaf), pool, (draft, hour, first_seen_later), extras)| {
            let (members, reviewers, approvals, lead, docs_route) = pool;
            Setup {
                github,
                one_reviewer: one_reviewer && !github,
                twice,
                deaf,
                members,
                reviewers,
                approvals,
                lead,
                docs_route,
                draft,
                hour,
                first_seen_later,
                extras,
            }
        },
    )
}

pub(super) fn opened(setup: &Setup) -> Play {
    let mut play = prepared(setup);
    let fact = play.forge.opened(play.now);
    play.tell(fact);
    play
}

/// Everything stands ready, and the change has not been opened yet.
pub(super) fn prepared(setup: &Setup) -> Play {
    let start = Timestamp::from_second(MONDAY + setup.hour * 3_600).unwrap();
    let mut company = Company::new();
    let kind = if setup.github { ForgeKind::GitHub } else { ForgeKind::GitLab };
    company.policy.forges[0].kind = kind;
    let members = &["rita", "ravi", "dora", "sam"][..setup.members];
    let mut backend = pool("backend", members, setup.lead.then_some("lena"));
    (backend.reviewers, backend.approvals) = (setup.reviewers, setup.approvals);
    company.policy.pools = vec![backend, pool("docs", &["dirk", "dora"], None)];
    company.policy.support.lead = setup.lead.then(|| "siobhan".to_owned());
    if setup.docs_route {
        let route = Route { pool: "docs".into(), paths: vec![pattern("docs/**")], ..Route::default() };
        company.policy.routes.insert(0, route);
        // With it comes all else that reads the changed files.
        company.policy.routes.iter_mut().for_each(|route| route.codeowners = true);
        company.policy.box_rules = box_rules();
    }
    if setup.first_seen_later {
        company.first_seen = start + SignedDuration::from_hours(1);
        company.policy.limits.first_run_changes_per_day = 1;
        company.elsewhere.first_run_taken = 1;
    }
    // Who joins a pool later is on the roster from the beginning: of strangers nothing is heard, so
    // what they said before could be news when it comes again.
    MEMBERS.iter().for_each(|name| drop(company.person_mut(name).hours.take()));
    extras::enrol(&mut company);
    let mut forge = Forge::new(kind, account("sam").unwrap());
    forge.one_reviewer = setup.one_reviewer;
    forge.draft = setup.draft;
    forge.codeowners = Some("docs/ @dora @olga\nsrc/ @rita @sam @acme/x\n".into());
    forge.files = vec![
        ChangedFile { path: "docs/a.md".into(), lines: 3, owners: vec![] },
        ChangedFile { path: "src/a.rs".into(), lines: 9, owners: vec![] },
    ];
    let mut play = Play::new(company, forge, start);
    (play.twice, play.deaf_to_itself) = (setup.twice, setup.deaf);
    setup.extras.iter().for_each(|extra| befall(&mut play, extra));
    play
}

/// One rule by size and one by label, so that boxes change their length on the way.
fn box_rules() -> Vec<TimeBoxRule> {
    let box_of = |minutes| BoxOverrides {
        reviewing: BoxOverride { budget: Some(Budget::Minutes(minutes)), steps: None },
        ..BoxOverrides::default()
    };
    vec![
        TimeBoxRule { labels: vec!["bug".into()], boxes: box_of(30), ..TimeBoxRule::default() },
        TimeBoxRule { max_lines: Some(12), boxes: box_of(120), ..TimeBoxRule::default() },
    ]
}

/// The facts by which the forge tells of a deed.
fn done(play: &mut Play, by: u64, deed: &Deed) -> Vec<Fact> {
    let now = play.now;
    let (forge, by) = (&mut play.forge, account_of(by));
    let fact = match deed {
        Deed::Push => {
            forge.files[1].lines = forge.files[1].lines.saturating_add(2);
            forge.pushed(now, &by)
        }
        Deed::Comment => forge.commented(now, &by),
        Deed::Review(Verdict::Withdrawn) if !forge.verdicts.contains_key(&by.id) => return vec![],
        Deed::Review(verdict) => forge.reviewed(now, &by, *verdict),
        Deed::AskInThreads(threads) => return forge.asks_in_threads(now, &by, *threads),
        Deed::Remark => return forge.said_on_a_line(now, &by, "why so?"),
        Deed::Resolve { of, most } => return forge.resolves(now, &by, &account_of(*of), *most),
        Deed::Reopen(whose) => return forge.reopens(&by, &account_of(*whose)),
        Deed::Dismiss(whose) if !forge.verdicts.contains_key(whose) => return vec![],
        Deed::Dismiss(whose) => forge.dismissed(now, &by, &account_of(*whose)),
        Deed::Request(whom) if account_of(*whom) == forge.author => return vec![],
        Deed::Request(whom) => forge.requested(now, &by, &account_of(*whom)),
        Deed::Unrequest(whom) if !forge.reviewers.contains(&account_of(*whom)) => return vec![],
        Deed::Unrequest(whom) => forge.unrequested(now, &by, &account_of(*whom)),
        Deed::Draft(draft) => forge.changed(now, &by, |forge| forge.draft = *draft),
        Deed::State(state) => forge.changed(now, &by, |forge| forge.state = *state),
        Deed::Label(label) => forge.changed(now, &by, |forge| forge.label(label)),
        Deed::Unlabel(label) => forge.changed(now, &by, |forge| drop(forge.labels.take(*label))),
        Deed::Say(text) => return forge.said(now, &by, text),
        Deed::Rename(title) => forge.changed(now, &by, |forge| forge.title = (*title).to_owned()),
        Deed::Describe(number) => forge.changed(now, &by, |forge| forge.tickets = Some(tickets(*number))),
        Deed::Grow { lines, file } => {
            let path = format!("src/b{}.rs", forge.files.len());
            if *file {
                forge.files.push(ChangedFile { path, lines: 0, owners: vec![] });
            }
            let grown = forge.files.last_mut().unwrap();
            grown.lines = grown.lines.saturating_add(*lines);
            forge.pushed(now, &by)
        }
    };
    vec![fact]
}

pub(super) fn tickets(number: u8) -> BTreeSet<Ticket> {
    let ticket = |number: u8| Ticket { system: "zendesk".into(), reference: number.to_string() };
    (0..number).map(ticket).collect()
}

/// The deliveries of a history: those on their way, and those that have arrived.
#[derive(Default)]
pub(super) struct Post {
    late: Vec<Fact>,
    /// With whether the roster knew whoever did it, when it arrived first.
    pub(super) arrived: Vec<(Fact, bool)>,
}

/// Whether the roster knows whoever did it.
fn is_known(play: &Play, fact: &Fact) -> bool {
    match fact {
        Fact::Told { by, .. } => play.directory.by_id(by.account.id).is_some(),
        _ => true,
    }
}

impl Post {
    /// What arrives for the first time.
    pub(super) fn arrives(&mut self, play: &mut Play, fact: Fact) {
        let known = is_known(play, &fact);
        self.arrived.push((fact.clone(), known));
        play.tell(fact);
    }
}

pub(super) fn take(play: &mut Play, step: &Step, post: &mut Post) {
    match step {
        Step::Pass { minutes } => {
            play.pass(play.now + SignedDuration::from_mins(i64::from(*minutes)));
        }
        Step::Deed { by, deed, delivery } => {
            let facts = done(play, *by, deed);
            // Who put a label on that Usher puts on before it hears of it cannot be told.
            play.forge.remembers_hands &= matches!(delivery, Delivery::AtOnce);
            match delivery {
                Delivery::AtOnce => {
                    facts.into_iter().for_each(|fact| post.arrives(play, fact));
                }
                Delivery::Late => post.late.extend(facts),
                Delivery::Lost => {}
            }
        }
        Step::DeliverLate => {
            let late = std::mem::take(&mut post.late);
            late.into_iter().rev().for_each(|fact| post.arrives(play, fact));
        }
        Step::Redeliver { which } if !post.arrived.is_empty() => {
            redeliver(play, which.get(&post.arrived));
        }
        Step::Redeliver { .. } => {}
        Step::Sweep => play.tell(Fact::Swept { snapshot: play.forge.swept() }),
        Step::Courier { stopped: true } => {
            play.courier_stopped = true;
            // Who put a label on that Usher was about to put on cannot be told.
            play.forge.remembers_hands = false;
        }
        Step::Courier { stopped: false } => play.courier_runs(),
        Step::Refuses { who, silently: true } => drop(play.forge.dropped.insert(account_of(*who))),
        Step::Refuses { who, silently: false } => drop(play.forge.not_allowed.insert(account_of(*who))),
        Step::Load { who, open, pings } => {
            let load = play.company.elsewhere.people.entry(account_of(*who).login).or_default();
            (load.open, load.pings_today) = (Load::from_halves(*open), *pings);
        }
        Step::Leave { who, in_days, days } => {
            let today = play.now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
            let first = today.saturating_add(i64::from(*in_days).days());
            let away = Away { first, last: first.saturating_add(i64::from(*days).days()) };
            play.company.person_mut(&account_of(*who).login).away = vec![away];
            play.reload();
        }
        Step::Busy { who, busy } => {
            let seen = Busy { says: play.forge.kind, until: None, seen_at: play.now };
            let known = &mut play.company.roster.busy;
            known.retain(|id, _| id != who);
            known.extend(busy.then_some((*who, seen)));
            play.reload();
        }
        Step::Reload { approvals, lead, budget_minutes } => {
            let policy = &mut play.company.policy;
            policy.pools[0].approvals = *approvals;
            policy.pools[0].leads = lead.then(|| "lena".to_owned()).into_iter().collect();
            policy.boxes.reviewing.budget = Budget::Minutes(*budget_minutes);
            play.reload();
        }
        step => unsettle(play, step),
    }
}

/// Clocks, configuration, a forge that changes its mind.
fn unsettle(play: &mut Play, step: &Step) {
    let policy = &mut play.company.policy;
    match step {
        Step::Clock { minutes } => {
            play.now += SignedDuration::from_mins(i64::from(*minutes));
            play.clock_is_own = true;
        }
        Step::Outage { minutes } => play.now += SignedDuration::from_mins(i64::from(*minutes)),
        Step::Members { mask } => {
            let chosen = MEMBERS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
            policy.pools[0].members = chosen.map(|(_, name)| (*name).to_owned()).collect();
        }
        Step::Limits { change, person } => {
            policy.limits.pings_per_change = *change;
            policy.limits.pings_per_person_per_day = *person;
        }
        Step::Steps { mask, merge_minutes, author_minutes } => {
            let all = [
                (60, StepKind::Remind),
                (100, StepKind::Remind),
                (150, StepKind::Widen),
                (200, StepKind::Escalate),
            ];
            let chosen = all.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
            let step = |(_, (at_percent, kind)): (usize, &(u32, StepKind))| BoxStep {
                at_percent: *at_percent,
                kind: *kind,
            };
            policy.boxes.reviewing.steps = chosen.map(step).collect();
            policy.boxes.ready_to_merge.budget = Budget::Minutes(*merge_minutes);
            policy.boxes.with_author.budget = Budget::Minutes(*author_minutes);
        }
        Step::Hours { who, kind } => {
            let office = |zone: &str| Arc::new(Hours::office(zone_of(zone)));
            let hours = match kind {
                0 => office("Europe/London"),
                1 => office("America/New_York"),
                2 => office("Asia/Kolkata"),
                _ => Arc::new(Hours::new(jiff::tz::TimeZone::UTC, &[], &[], [])),
            };
            play.company.person_mut(&account_of(*who).login).hours = Some(hours);
        }
        Step::Docs { there } => {
            policy.pools.retain(|pool| pool.name != "docs");
            policy.routes.retain(|route| route.pool != "docs");
            if *there {
                policy.pools.push(pool("docs", &["dirk", "dora"], None));
                let route =
                    Route { pool: "docs".into(), paths: vec![pattern("docs/**")], ..Route::default() };
                policy.routes.insert(0, route);
            }
        }
        Step::Forgives => {
            play.forge.dropped.clear();
            play.forge.not_allowed.clear();
        }
        Step::Blocks { given_up } => return blocks(play, *given_up),
        Step::DryRun { on } => policy.dry_run = *on,
        Step::Lost { why } => return play.tell(Fact::Unreachable { why: *why }),
        Step::Extra(extra) => befall(play, extra),
        _ => {}
    }
    play.reload();
}

/// The forge hides the change, or refuses: what is wanted of it is tried again, for a day at most.
fn blocks(play: &mut Play, given_up: bool) {
    play.courier_stopped = true;
    play.forge.remembers_hands = false;
    let wanted: Vec<String> = play.outbox.iter().map(Action::kind).collect();
    if given_up {
        play.outbox.clear();
    }
    for action in wanted {
        play.tell(Fact::Failed { action, since: play.now - SignedDuration::from_mins(5), given_up });
    }
}

/// Law 5: what arrived before has no second effect, however late it comes again.
fn redeliver(play: &mut Play, (fact, was_known): &(Fact, bool)) {
    // Whoever is of the roster by now is heard only now.
    if is_known(play, fact) != *was_known {
        return;
    }
    play.tell(Fact::Tick);
    let stage = play.review.done.stage;
    let asked = play.asked();
    let actions = play.decide(fact);
    assert!(actions.is_empty(), "law 5: an old delivery gave {actions:?}: {fact:?}");
    assert_eq!(
        (stage, asked),
        (play.review.done.stage, play.asked()),
        "law 5: an old delivery moved it: {fact:?}"
    );
}

/// Everything that is on its way arrives, and sweeps find nothing to do any more.
pub(super) fn quiet(play: &mut Play, post: &mut Post) {
    play.deaf_to_itself = false;
    play.company.policy.dry_run = false;
    play.reload();
    play.courier_runs();
    take(play, &Step::DeliverLate, post);
    for _ in 0..6 {
        play.pass(play.now + SignedDuration::from_mins(10));
        play.tell(Fact::Swept { snapshot: play.forge.swept() });
    }
}

/// Law 8: the forge shows what the review wants.
fn shows_what_it_wants(play: &Play) -> Result<(), String> {
    let (review, forge) = (&play.review, &play.forge);
    if review.said.hold.is_some()
        || review.done.applied_again >= 3
        || review.planned.routing == Routing::ReadingFiles
    {
        return Ok(());
    }
    let (asked, shown) = (&review.done.last_applied, &forge.labels);
    let reviewers: BTreeSet<Account> = forge.reviewers.iter().cloned().collect();
    let labels = &play.company.policy.labels;
    let stage = labels.of(review.done.stage).filter(|label| !review.said.hands_off.contains(*label));
    let checks = [
        (asked.labels.is_subset(shown), "labels are missing"),
        (asked.not_labels.is_disjoint(shown), "labels are there still"),
        (asked.reviewers.is_subset(&reviewers), "reviewers are missing"),
        (asked.not_reviewers.is_disjoint(&reviewers), "reviewers are there still"),
        (stage.is_none_or(|label| shown.contains(label)), "the stage's label is missing"),
        ((review.done.stage == Stage::Done) == (forge.state != ChangeState::Open), "the end was missed"),
    ];
    let broken = checks.iter().find(|(fine, _)| !fine);
    broken.map_or(Ok(()), |(_, what)| Err(format!("{what}: {shown:?}, {reviewers:?}, asked {asked:?}")))
}

proptest! {
    #![proptest_config(config(60))]

    /// Laws 1 to 8, along any history.
    #[test]
    fn every_history_keeps_the_laws(setup in setup(), steps in vec(step(), 1..40)) {
        let mut play = opened(&setup);
        let mut post = Post::default();
        for step in &steps {
            take(&mut play, step, &mut post);
        }
        quiet(&mut play, &mut post);
        if let Err(broken) = shows_what_it_wants(&play) {
            prop_assert!(false, "law 8: {broken}\n{}", play.story());
        }
        prop_assert_eq!(play.forge.comments.iter().filter(|c| c.body.starts_with("<!-- usher:status -->")).count().min(2) / 2, 0);
        let last = play.review.said.hold;
        prop_assert!(last != Some(Hold::FirstRun) || play.forge.status().is_none());
        let kept = serde_json::to_string(&play.review).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Review>(&kept).unwrap(), &play.review);
    }

    /// Law 5: facts in any order give the same stage once the newest snapshot is in.
    #[test]
    fn the_order_of_facts_does_not_matter(
        github in any::<bool>(),
        deeds in vec((0_u8..6, 0_usize..3), 1..9),
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let stage = |in_order: bool| {
            let mut play = opened(&plain(github));
            let mut facts: Vec<Fact> = Vec::new();
            for (what, who) in &deeds {
                play.now += SignedDuration::from_secs(7);
                let (by, deed) = orderly(*what, *who);
                facts.extend(done(&mut play, by, &deed));
            }
            let places: Vec<usize> =
                if in_order { (0..facts.len()).collect() } else { order.iter().copied().filter(|i| *i < facts.len()).collect() };
            play.courier_stopped = true;
            places.iter().for_each(|place| play.tell(facts[*place].clone()));
            play.tell(Fact::Swept { snapshot: play.forge.swept() });
            play.pass(play.now + SignedDuration::from_mins(15));
            (play.review.done.stage, play.story())
        };
        let (straight, shuffled) = (stage(true), stage(false));
        prop_assert_eq!(straight.0, shuffled.0, "in order:
{}
shuffled:
{}", straight.1, shuffled.1);
    }

    /// `decide` answers everything, even what no forge would tell.
    #[test]
    fn nothing_is_too_odd_to_be_decided(facts in vec(odd_fact(), 1..30), hours in vec(0_i64..100, 30)) {
        let setup = plain(true);
        let mut play = opened(&setup);
        for (fact, hours) in facts.iter().zip(hours) {
            play.now += SignedDuration::from_hours(hours);
            play.decide(fact);
        }
    }
}

pub(super) fn plain(github: bool) -> Setup {
    Setup {
        github,
        one_reviewer: false,
        twice: false,
        deaf: false,
        members: 2,
        reviewers: 1,
        approvals: 1,
        lead: true,
        docs_route: false,
        draft: false,
        hour: 10,
        first_seen_later: false,
        extras: vec![],
    }
}

/// Deeds of which order does not matter, since each carries its time. Commands do matter: they are
/// answered as things stand when they come.
fn orderly(what: u8, who: usize) -> (u64, Deed) {
    let (sam, rita, ravi) = (2, 4, 5);
    let verdict = [Verdict::Approved, Verdict::ChangesRequested, Verdict::Commented][who];
    match what {
        0 => (sam, [Deed::Push, Deed::Comment, Deed::Push][who].clone()),
        1 => (rita, Deed::Review(verdict)),
        2 => (ravi, Deed::Review(verdict)),
        3 => (sam, [Deed::Request(rita), Deed::Draft(true), Deed::Draft(false)][who].clone()),
        4 => (6, [Deed::Unrequest(rita), Deed::Request(rita), Deed::Dismiss(rita)][who].clone()),
        _ => (12, [Deed::Comment, Deed::Review(verdict), Deed::Comment][who].clone()),
    }
}

/// Any instant at all, the ends of time included.
fn instant() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_second() * 1_000);
    let millis = prop_oneof![
        6 => (MONDAY * 1_000)..(MONDAY + 5_000_000) * 1_000,
        1 => first..=last,
        1 => Just(first),
        1 => Just(last),
    ];
    millis.prop_map(|millis| Timestamp::from_millisecond(millis).unwrap())
}

fn odd_account() -> impl Strategy<Value = Account> {
    (prop_oneof![0_u64..14, any::<u64>()], "\\PC{0,12}").prop_map(|(id, login)| Account::new(id, login))
}

fn odd_snapshot() -> impl Strategy<Value = Snapshot> {
    let seen = (odd_account(), prop::option::of((verdict(), instant())))
        .prop_map(|(account, verdict)| SeenReviewer { account, verdict, review: None });
    let reviewers =
        prop::option::of((vec(seen, 0..4), any::<bool>()).prop_map(|(list, complete)| SeenReviewers {
            list,
            complete,
            beside: None,
        }));
    let state = prop::sample::select(vec![
        ChangeState::Open,
        ChangeState::Open,
        ChangeState::Closed,
        ChangeState::Merged,
    ]);
    let labels = prop::option::of(prop::collection::btree_set(label().prop_map(str::to_owned), 0..5));
    let ticket = ("[a-z]{1,3}", "[0-9]{1,3}").prop_map(|(system, reference)| Ticket { system, reference });
    let tickets = prop::option::of(prop::collection::btree_set(ticket, 0..4));
    let text = ("\\PC{0,20}", prop::option::of("[a-z]{0,6}"), prop::option::of("[a-c]"), tickets);
    let size = (any::<u64>(), any::<u64>()).prop_map(|(lines, files)| Size { lines, files });
    let times = (prop::option::of(instant()), instant(), prop::option::of(size));
    (odd_account(), state, prop::option::of(any::<bool>()), labels, reviewers, text, times).prop_map(
        |(
            author,
            state,
            draft,
            labels,
            reviewers,
            (title, target_branch, head, tickets),
            (created_at, updated_at, size),
        )| {
            Snapshot {
                project_id: None,
                url: title.clone(),
                title,
                author,
                state,
                draft,
                labels,
                reviewers,
                target_branch,
                tickets,
                head,
                size,
                created_at,
                updated_at,
            }
        },
    )
}

fn odd_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Help),
        Just(Command::Accept),
        prop::option::of("\\PC{0,200}").prop_map(|note| Command::Decline { note }),
        any::<u32>().prop_map(|days| Command::Snooze { span: Budget::Days(days) }),
        any::<u32>().prop_map(|minutes| Command::Snooze { span: Budget::Minutes(minutes) }),
        prop::option::of(prop_oneof!["\\PC{0,12}", Just("rita".to_owned()), Just("sam".to_owned())])
            .prop_map(|to| Command::Reassign { to }),
        prop_oneof!["\\PC{0,12}", Just("docs".to_owned())].prop_map(|name| Command::Pool { name }),
        Just(Command::Skip),
        Just(Command::Resume),
        Just(Command::Sponsor),
        Just(Command::Ready),
        prop::option::of(prop_oneof!["\\PC{0,12}", Just("siobhan".to_owned()), Just("rita".to_owned())])
            .prop_map(|to| Command::Handover { to }),
        prop_oneof![Just("rita".to_owned()), Just("ravi".to_owned())]
            .prop_map(|whom| Command::Overrule { whom, note: None }),
        Just(Command::Why),
        "\\PC{0,200}".prop_map(|text| Command::Unknown { nearest: Some("snooze".into()), text }),
    ]
}

pub(super) fn odd_fact() -> impl Strategy<Value = Fact> {
    let act = prop_oneof![
        Just(Act::Touched),
        Just(Act::Pushed),
        verdict().prop_map(|verdict| Act::Reviewed { verdict }),
        odd_account().prop_map(|reviewer| Act::Dismissed { reviewer }),
        Just(Act::Commented),
        odd_account().prop_map(|reviewer| Act::Requested { reviewer }),
        odd_account().prop_map(|reviewer| Act::Unrequested { reviewer }),
        (odd_command(), any::<u64>()).prop_map(|(command, comment)| Act::Commanded {
            command,
            comment,
            place: CommentPlace::default(),
            also: vec![]
        }),
    ];
    let by = (odd_account(), prop::bool::weighted(0.1)).prop_map(|(account, bot)| Actor { account, bot });
    let refusal = prop::sample::select(vec![Refusal::NotAllowed, Refusal::Dropped, Refusal::OneReviewerOnly]);
    let handle = prop_oneof!["\\PC{0,12}", Just("rita".to_owned()), Just("sam".to_owned())];
    let file = ("\\PC{0,20}", any::<u64>(), vec(handle, 0..3))
        .prop_map(|(path, lines, owners)| ChangedFile { path, lines, owners });
    let read = prop::sample::select(vec![
        OwnersFile::NotAsked,
        OwnersFile::Missing,
        OwnersFile::Unusable,
        OwnersFile::Read,
    ]);
    prop_oneof![
        8 => (act, by, instant(), odd_snapshot())
            .prop_map(|(act, by, at, snapshot)| Fact::Told { act, by, at, snapshot }),
        2 => odd_snapshot().prop_map(|snapshot| Fact::Swept { snapshot }),
        1 => (vec(file, 0..4), read).prop_map(|(files, codeowners)| Fact::Files { files, codeowners }),
        1 => (odd_account(), refusal).prop_map(|(reviewer, refusal)| Fact::Refused { reviewer, refusal }),
        1 => Just(Fact::Tick),
        1 => prop::sample::select(vec![UnreachableWhy::Hidden, UnreachableWhy::Archived, UnreachableWhy::MovedAway, UnreachableWhy::Followed])
            .prop_map(|why| Fact::Unreachable { why }),
        1 => ("\\PC{0,12}", any::<u64>())
            .prop_map(|(project, number)| Fact::Moved { to: ChangeKey::new("forge", project, number) }),
    ]
}
