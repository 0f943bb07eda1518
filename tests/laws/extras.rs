//! What befalls a company along a history, beside people and their change: rules of scope and time,
//! lines of other changes, owners, templates, maintenance, part-timers, maintainers.

use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::{SignedDuration, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;
use usher_core::model::absence::Busy;
use usher_core::model::calendar::{Away, Window};
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::policy::OwnWeek;
use usher_core::model::queue::Waiting;
use usher_core::model::scope::ScopeRules;
use usher_core::model::terms::{BoxOverride, BoxOverrides, TimeBoxRule};
use usher_core::model::timebox::{Budget, Step as BoxStep, StepKind};
use usher_words::templates::{TemplateName, Templates};

use crate::support::company::{Company, PROJECT};
use crate::support::forge::account_of;
use crate::support::play::Play;

#[derive(Clone, Debug)]
pub enum Extra {
    /// What means a feature, by bit: a label, a title, many lines, many files.
    Scope {
        mask: u8,
    },
    Announces {
        on: bool,
    },
    /// Other changes wait for somebody: number, and minutes before now (or after).
    Line {
        who: u64,
        changes: Vec<(u64, i32)>,
    },
    NobodyWaits,
    /// Which CODEOWNERS file there is, and whether routes follow it.
    Owners {
        file: usize,
        followed: bool,
    },
    /// Rules by label and by size, by bit.
    Rules {
        mask: u8,
        minutes: u32,
    },
    /// Time boxes that the pool and the route have agreed on.
    Agreed {
        pool: Option<u32>,
        route: Option<u32>,
    },
    Template {
        text: usize,
        kind: usize,
    },
    Maintenance {
        in_minutes: i32,
        minutes: u32,
    },
    NoMaintenance,
    Week {
        who: u64,
        kind: u8,
    },
    BusyElsewhere {
        who: u64,
        hours: u32,
    },
    Statuses {
        stopped: bool,
    },
    WasAsked {
        who: u64,
        times: u8,
        days_ago: i64,
    },
    /// Somebody came back from a long leave so many days ago.
    CameBack {
        who: u64,
        days_ago: i64,
        days: i64,
    },
    Maintainers {
        there: bool,
    },
    NoAccess {
        who: u64,
        there: bool,
    },
    Capacity {
        who: u64,
        capacity: Option<u32>,
    },
    MaxPools {
        most: usize,
    },
}

/// Whose name is on a roster only because they may be a maintainer.
pub const MAINTAINER: &str = "olga";
/// What counts as a feature by label and by title.
pub const FEATURE_LABEL: &str = "feature";
pub const TITLES: [&str; 4] =
    ["Fix the rounding of totals", "feat: export", "Feature @everybody <!-- usher:status -->", ""];

const CODEOWNERS: [Option<&str>; 5] = [
    None,
    Some("docs/ @dora @olga\nsrc/ @rita @sam @acme/x\n"),
    Some("* @ravi\n[Docs][2] @dirk\ndocs/\n"),
    Some("!! [ @@ \\ \n**/[x @rita\n"),
    Some(""),
];

fn member() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 4_u64..6, 2 => Just(7), 1 => 2_u64..9]
}

pub fn extra() -> impl Strategy<Value = Extra> {
    let waiting = vec((1_u64..5, -3_000_i32..20_000), 1..5);
    let agreed = (prop::option::of(1_u32..3_000), prop::option::of(1_u32..3_000));
    prop_oneof![
        2 => (0_u8..16).prop_map(|mask| Extra::Scope { mask }),
        1 => any::<bool>().prop_map(|on| Extra::Announces { on }),
        4 => (member(), waiting).prop_map(|(who, changes)| Extra::Line { who, changes }),
        1 => Just(Extra::NobodyWaits),
        2 => (0..CODEOWNERS.len(), any::<bool>()).prop_map(|(file, followed)| Extra::Owners { file, followed }),
        2 => (0_u8..16, 1_u32..3_000).prop_map(|(mask, minutes)| Extra::Rules { mask, minutes }),
        1 => agreed.prop_map(|(pool, route)| Extra::Agreed { pool, route }),
        2 => (0_usize..4, 0_usize..9).prop_map(|(text, kind)| Extra::Template { text, kind }),
        3 => (-600_i32..6_000, 1_u32..3_000).prop_map(|(in_minutes, minutes)| Extra::Maintenance { in_minutes, minutes }),
        1 => Just(Extra::NoMaintenance),
        2 => (2_u64..9, 0_u8..6).prop_map(|(who, kind)| Extra::Week { who, kind }),
        2 => (member(), 0_u32..80).prop_map(|(who, hours)| Extra::BusyElsewhere { who, hours }),
        1 => any::<bool>().prop_map(|stopped| Extra::Statuses { stopped }),
        2 => (member(), 0_u8..9, 0_i64..14).prop_map(|(who, times, days_ago)| Extra::WasAsked { who, times, days_ago }),
        2 => (member(), 0_i64..9, 1_i64..9).prop_map(|(who, days_ago, days)| Extra::CameBack { who, days_ago, days }),
        1 => any::<bool>().prop_map(|there| Extra::Maintainers { there }),
        1 => (member(), any::<bool>()).prop_map(|(who, there)| Extra::NoAccess { who, there }),
        2 => (member(), prop::option::of(0_u32..4)).prop_map(|(who, capacity)| Extra::Capacity { who, capacity }),
        1 => (1_usize..4).prop_map(|most| Extra::MaxPools { most }),
    ]
}

/// It happens, and the configuration is read again.
pub fn befall(play: &mut Play, extra: &Extra) {
    match extra {
        Extra::Line { who, changes } => {
            let person = account_of(*who).login;
            for (number, minutes) in changes {
                let place = play.now - SignedDuration::from_mins(i64::from(*minutes));
                let change = ChangeKey::new("forge", PROJECT, 100 + number);
                play.company.line_up(&person, Waiting { place, change, pool: "backend".into() });
            }
        }
        Extra::NobodyWaits => play.company.nobody_waits(),
        Extra::BusyElsewhere { who, hours } => {
            let until = (*hours > 0).then(|| play.now + SignedDuration::from_hours(i64::from(*hours)));
            let busy = Busy { says: ForgeKind::GitHub, until, seen_at: play.now };
            play.company.busy_elsewhere.insert(account_of(*who).login, busy);
        }
        Extra::Statuses { stopped } => play.company.statuses_stopped = *stopped,
        Extra::WasAsked { who, times, days_ago } => {
            let at = play.now - SignedDuration::from_hours(24 * days_ago);
            let load = play.company.elsewhere.people.entry(account_of(*who).login).or_default();
            (0..*times).for_each(|_| load.asked.add(at));
            load.last_asked = load.last_asked.max((*times > 0).then_some(at));
        }
        Extra::NoAccess { who, there } => {
            let (person, known) = (account_of(*who).login, &mut play.company.elsewhere.no_access);
            if *there {
                known.insert(person)
            } else {
                known.remove(&person)
            };
        }
        Extra::CameBack { who, days_ago, days } => {
            let today = play.now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
            let last = today.saturating_sub((days_ago + 1).days());
            let away = Away { first: last.saturating_sub((days - 1).days()), last };
            play.company.person_mut(&account_of(*who).login).away = vec![away];
        }
        Extra::Owners { file, followed } => {
            play.forge.codeowners = CODEOWNERS[*file].map(str::to_owned);
            play.company.policy.routes.iter_mut().for_each(|route| route.codeowners = *followed);
        }
        extra => reconfigure(play, extra),
    }
    play.reload();
}

/// What the company writes into its configuration.
fn reconfigure(play: &mut Play, extra: &Extra) {
    let (now, company) = (play.now, &mut play.company);
    let policy = &mut company.policy;
    match extra {
        Extra::Scope { mask } => policy.scope = scope(*mask),
        Extra::Announces { on } => policy.announces_merges = *on,
        Extra::Rules { mask, minutes } => policy.box_rules = rules(*mask, *minutes),
        Extra::Agreed { pool, route } => {
            policy.pools[0].boxes = boxes(*pool);
            policy.routes.iter_mut().for_each(|own| own.boxes = boxes(*route));
        }
        Extra::Template { kind: 0, .. } => company.templates = Templates::default(),
        Extra::Template { text, kind } => {
            let text = TemplateName::ALL[*text];
            company.templates.add(text, "words.md", template(text, *kind));
        }
        Extra::Maintenance { in_minutes, minutes } => {
            let start = now + SignedDuration::from_mins(i64::from(*in_minutes));
            let end = start + SignedDuration::from_mins(i64::from(*minutes));
            let mut windows = policy.forges[0].maintenance.to_vec();
            windows.push(Window { start, end });
            policy.forges[0].maintenance = Window::joined(windows).into();
        }
        Extra::NoMaintenance => policy.forges[0].maintenance = Arc::default(),
        Extra::Week { who, kind } => play.company.person_mut(&account_of(*who).login).week = week(*kind),
        Extra::Maintainers { there } => {
            policy.maintainers.members = there.then(|| MAINTAINER.to_owned()).into_iter().collect();
        }
        Extra::Capacity { who, capacity } => {
            play.company.person_mut(&account_of(*who).login).capacity = *capacity;
        }
        Extra::MaxPools { most } => policy.limits.max_pools = *most,
        _ => {}
    }
}

pub(super) fn scope(mask: u8) -> ScopeRules {
    let on = |bit: u8| mask & (1 << bit) != 0;
    ScopeRules {
        labels: on(0).then(|| FEATURE_LABEL.to_owned()).into_iter().collect(),
        titles: on(1).then(|| Regex::new("(?i)^feat").unwrap()).into_iter().collect(),
        max_lines: on(2).then_some(20),
        max_files: on(3).then_some(2),
    }
}

/// One rule each by label, by few lines, by many lines, by files.
fn rules(mask: u8, minutes: u32) -> Vec<TimeBoxRule> {
    let own = |minutes: u32| TimeBoxRule { boxes: boxes(Some(minutes)), ..TimeBoxRule::default() };
    let all = [
        TimeBoxRule { labels: vec!["bug".into()], ..own(minutes) },
        TimeBoxRule { max_lines: Some(12), ..own(minutes / 2 + 1) },
        TimeBoxRule {
            min_lines: Some(40),
            name: Some("large @all".into()),
            ..own(minutes.saturating_mul(2))
        },
        TimeBoxRule { max_files: Some(2), ..own(minutes / 4 + 1) },
    ];
    all.into_iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, rule)| rule).collect()
}

fn boxes(minutes: Option<u32>) -> BoxOverrides {
    let Some(minutes) = minutes else { return BoxOverrides::default() };
    let step = |at_percent, kind| BoxStep { at_percent, kind };
    let steps = vec![step(50, StepKind::Remind), step(100, StepKind::Widen), step(120, StepKind::Escalate)];
    let whole = BoxOverride { budget: Some(Budget::Minutes(minutes)), steps: Some(steps) };
    let budget = BoxOverride { budget: Some(Budget::Minutes(minutes)), steps: None };
    BoxOverrides {
        waiting: budget.clone(),
        reviewing: whole,
        with_author: budget.clone(),
        ready_to_merge: budget,
    }
}

/// Templates that can be used (1, 2, 3) and such that cannot.
fn template(text: TemplateName, kind: usize) -> &'static str {
    let status = text == TemplateName::Status;
    match kind {
        1 if status => "{{ text }}\n\n{{ folded }}\n{{ title }} for {{ author.mention }}",
        1 => "{{ text }}",
        2 if status => "@everybody @acme/x {{ headline }}\n/close\n<!-- usher:status -->",
        2 => "{{ person }} @everybody @acme/x\n/close\n<!-- usher:status -->",
        3 if status => {
            "{% for one in reviewers %}{{ one.mention }} {{ one.due }}\n{% endfor %}{{ headline }}"
        }
        3 => "{{ person }}: {{ stage }}{% if due %} by {{ due }}{% endif %}",
        4 => "BROKEN {% if %}",
        5 => "BROKEN {{ nobody.there }}",
        6 => " {# BROKEN #} ",
        7 if status => "BROKEN {{ 'x' * 20000 }}",
        7 => "{{ person }} BROKEN {{ 'x' * 20000 }}",
        _ if status => {
            "BROKEN {% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}"
        }
        _ => "BROKEN, and it names nobody",
    }
}

fn week(kind: u8) -> OwnWeek {
    use Weekday::{Friday, Thursday, Tuesday};
    let (days, hours) = match kind {
        0 => (Some(vec![Tuesday, Thursday]), None),
        1 => (None, Some(vec![(540, 720)])),
        2 => (None, Some(vec![(1_320, 360)])),
        3 => (Some(vec![Friday]), Some(vec![(0, 1_440)])),
        4 => (Some(vec![]), None),
        _ => (None, None),
    };
    OwnWeek { days, hours, hours_on: Vec::new() }
}

/// Who is on the roster from the beginning because of what may happen later.
pub fn enrol(company: &mut Company) {
    drop(company.person_mut(MAINTAINER).hours.take());
}
