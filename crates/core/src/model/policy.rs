//! The policy: what the company has configured, in the core's words. Built by `config`.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::GlobMatcher;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::calendar::{Away, Hours, Window};
use super::change::{ChangeKey, ForgeKind};
use super::choice::VerdictsTold;
use super::scope::ScopeRules;
use super::stage::Stage;
use super::terms::{BoxOverrides, TimeBoxRule};
use super::tickets::TicketRules;
use super::timebox::{BoxRules, Budget};

/// Everything a decision needs to know that does not change while the configuration stays.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Everything is decided, and nothing written to any forge.
    pub dry_run: bool,
    pub forges: Vec<ForgePolicy>,
    pub support: Support,
    pub maintainers: Maintainers,
    /// People who differ from their handle and the defaults, by name.
    pub people: BTreeMap<String, PersonPolicy>,
    pub pools: Vec<Pool>,
    pub routes: Vec<Route>,
    /// Calendars by name.
    pub calendars: BTreeMap<String, Arc<Hours>>,
    /// Calendar of whoever names none.
    pub default_hours: Arc<Hours>,
    pub boxes: BoxRules,
    /// In their order: the first that matches counts. See [`terms`](super::terms).
    pub box_rules: Vec<TimeBoxRule>,
    pub labels: Labels,
    pub limits: Limits,
    /// How people call Usher in comments, without `@`; `None`: as its account is called.
    pub handle: Option<String>,
    /// How much of a choice is told in public.
    pub verdicts: VerdictsTold,
    /// Who is told where nobody else can be.
    pub contact: Option<String>,
    pub scope: ScopeRules,
    pub tickets: Arc<TicketRules>,
    /// A ticket system is told of every merge of a change with tickets.
    pub announces_merges: bool,
}

impl Default for Policy {
    /// No forges, people and pools; everything else as the configuration has it by default.
    fn default() -> Policy {
        Policy {
            dry_run: false,
            forges: Vec::new(),
            support: Support::default(),
            maintainers: Maintainers::default(),
            people: BTreeMap::new(),
            pools: Vec::new(),
            routes: Vec::new(),
            calendars: BTreeMap::new(),
            default_hours: Arc::new(Hours::office(TimeZone::UTC)),
            boxes: BoxRules::default(),
            box_rules: Vec::new(),
            labels: Labels::default(),
            limits: Limits::default(),
            verdicts: VerdictsTold::default(),
            handle: None,
            contact: None,
            scope: ScopeRules::default(),
            tickets: Arc::default(),
            announces_merges: false,
        }
    }
}

/// What the core must know of a forge.
#[derive(Clone, Debug)]
pub struct ForgePolicy {
    pub name: String,
    pub kind: ForgeKind,
    /// Projects that Usher watches; a change elsewhere is none of its business.
    pub projects: Vec<Pattern>,
    /// When the forge is closed, as [`Window::joined`] leaves it: time boxes stand still, and nobody
    /// is pinged about its changes.
    pub maintenance: Arc<[Window]>,
}

impl ForgePolicy {
    /// A forge of which these projects are watched, and which is never closed.
    pub fn new(name: &str, kind: ForgeKind, projects: Vec<Pattern>) -> ForgePolicy {
        ForgePolicy { name: name.to_owned(), kind, projects, maintenance: Arc::default() }
    }
}

/// A group of a named forge: `gitlab:acme/support` or, for a GitHub team, `github:acme/support`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupRef {
    pub forge: String,
    pub path: String,
}

/// Who is a support engineer.
#[derive(Clone, Debug, Default)]
pub struct Support {
    /// Names of people (a person's name is their login on every forge unless `[[person]]` differs).
    pub members: Vec<String>,
    /// GitLab groups (direct members) and GitHub teams.
    pub groups: Vec<GroupRef>,
    /// Names that are never support engineers, whatever group they are in.
    pub except: Vec<String>,
    /// Told when an author is silent or gone; has an author's rights.
    pub lead: Option<String>,
    /// Working time of support engineers who have none of their own.
    pub hours: Option<Arc<Hours>>,
}

/// Who may command on every change, beside those whom it concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainers {
    /// Names of people, as in [`Support::members`].
    pub members: Vec<String>,
    /// GitLab groups (direct members) and GitHub teams.
    pub groups: Vec<GroupRef>,
}

/// What differs for one person.
#[derive(Clone, Debug, Default)]
pub struct PersonPolicy {
    /// Logins that differ from the name, by forge kind.
    pub gitlab: Option<String>,
    pub github: Option<String>,
    /// The person's own calendar, before [`OwnWeek`]; `None`: the pool's, or the default.
    pub hours: Option<Arc<Hours>>,
    pub week: OwnWeek,
    pub capacity: Option<u32>,
    pub away: Vec<Away>,
}

/// How a person's week differs from their calendar's; holidays and time zone stay the calendar's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnWeek {
    pub days: Option<Vec<Weekday>>,
    /// On every day, in minutes after midnight as in [`Hours::new`].
    pub hours: Option<Vec<(u16, u16)>>,
    /// On single weekdays, in place of `hours`.
    pub hours_on: Vec<(Weekday, Vec<(u16, u16)>)>,
}

impl OwnWeek {
    /// `hours` with this week.
    pub fn of(&self, hours: &Arc<Hours>) -> Arc<Hours> {
        if *self == OwnWeek::default() {
            return hours.clone();
        }
        let week = hours.with_week(self.days.as_deref(), self.hours.as_deref());
        let on = |week: Hours, (day, hours): &(Weekday, Vec<(u16, u16)>)| week.with_hours_on(*day, hours);
        Arc::new(self.hours_on.iter().fold(week, on))
    }
}

/// A named set of reviewers.
#[derive(Clone, Debug)]
pub struct Pool {
    pub name: String,
    pub members: Vec<String>,
    pub groups: Vec<GroupRef>,
    /// In the order in which they are told.
    pub leads: Vec<String>,
    /// How many reviewers are asked at first.
    pub reviewers: u32,
    /// How many approvals make the pool content.
    pub approvals: u32,
    /// Open reviews a member may hold, unless the person's own capacity says otherwise.
    pub capacity: u32,
    pub hours: Option<Arc<Hours>>,
    /// Time boxes that differ from those of the policy.
    pub boxes: BoxOverrides,
}

impl Default for Pool {
    /// A pool without name and members that asks one reviewer, who may hold five reviews at a time.
    fn default() -> Pool {
        Pool {
            name: String::new(),
            members: Vec::new(),
            groups: Vec::new(),
            leads: Vec::new(),
            reviewers: 1,
            approvals: 1,
            capacity: 5,
            hours: None,
            boxes: BoxOverrides::default(),
        }
    }
}

/// A rule that sends a change to a pool. Empty lists match everything.
#[derive(Clone, Debug, Default)]
pub struct Route {
    pub pool: String,
    pub forges: Vec<String>,
    pub projects: Vec<Pattern>,
    /// With paths a route claims single files; without, the whole change.
    pub paths: Vec<Pattern>,
    /// Matches when the change has one of them.
    pub labels: Vec<String>,
    pub target_branches: Vec<Pattern>,
    /// Owners by the repository's CODEOWNERS who are in the pool are asked first.
    pub codeowners: bool,
    /// Time boxes of changes that come by this route.
    pub boxes: BoxOverrides,
}

/// A glob as it was written, with its matcher: `*` stays within a path segment, `**` crosses them.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// A pattern in which case matters: of paths in a repository, of branches.
    ///
    /// # Errors
    /// When `text` is no valid glob; the message names the fault.
    pub fn new(text: &str) -> Result<Pattern, String> {
        Pattern::build(text, false)
    }

    /// A pattern of projects: to both forges `Acme/Shop` and `acme/shop` are one.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn new_ignoring_case(text: &str) -> Result<Pattern, String> {
        Pattern::build(text, true)
    }

    fn build(text: &str, ignoring_case: bool) -> Result<Pattern, String> {
        let mut glob = globset::GlobBuilder::new(text);
        let glob = glob.literal_separator(true).case_insensitive(ignoring_case).build();
        let matcher = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
        Ok(Pattern { text: text.to_owned(), matcher })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }
}

/// The names of the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    pub contribution: String,
    pub waiting: String,
    pub reviewing: String,
    pub with_author: String,
    pub ready_to_merge: String,
    pub overdue: String,
    pub skip: String,
    /// On what looks like more than a fix.
    pub out_of_scope: String,
    /// Set by people only: ahead in the queue.
    pub priority: String,
}

/// How a label that Usher makes looks on a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelLook {
    pub name: String,
    /// Six hexadecimal digits.
    pub color: &'static str,
    /// At most 100 characters, as GitHub has it.
    pub description: &'static str,
}

impl Default for Labels {
    fn default() -> Labels {
        Labels {
            contribution: "support-contribution".into(),
            waiting: "support-review::waiting".into(),
            reviewing: "support-review::reviewing".into(),
            with_author: "support-review::with-author".into(),
            ready_to_merge: "support-review::ready-to-merge".into(),
            overdue: "support-review-overdue".into(),
            skip: "support-review-skip".into(),
            out_of_scope: "support-review-scope".into(),
            priority: "support-priority".into(),
        }
    }
}

impl Labels {
    /// The label of a stage; draft and done have none.
    pub fn of(&self, stage: Stage) -> Option<&str> {
        match stage {
            Stage::Waiting => Some(&self.waiting),
            Stage::Reviewing => Some(&self.reviewing),
            Stage::WithAuthor => Some(&self.with_author),
            Stage::ReadyToMerge => Some(&self.ready_to_merge),
            Stage::Draft | Stage::Done => None,
        }
    }

    /// The stage that a label stands for.
    pub fn stage_of(&self, label: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| self.of(*stage) == Some(label))
    }
}

/// Kindness limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pings of one change while one turn holds it.
    pub pings_per_change: u32,
    pub pings_per_person_per_day: u32,
    /// How many changes that were open before Usher came are taken on in a day.
    pub first_run_changes_per_day: u32,
    pub max_pools: usize,
    /// The longest snooze, in working time of whoever asks for it.
    pub snooze_max: Budget,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            pings_per_change: 3,
            pings_per_person_per_day: 5,
            first_run_changes_per_day: 20,
            max_pools: 2,
            snooze_max: Budget::Days(10),
        }
    }
}

impl Policy {
    pub fn forge(&self, name: &str) -> Option<&ForgePolicy> {
        self.forges.iter().find(|forge| forge.name == name)
    }

    /// Whether a snapshot of the forge says when each verdict was given, and not only that it stands.
    pub fn dates_reviews(&self, forge: &str) -> bool {
        self.forge(forge).is_some_and(|forge| forge.kind == ForgeKind::GitHub)
    }

    /// When the forge is closed; never, for a forge that is not configured.
    pub fn maintenance(&self, forge: &str) -> &[Window] {
        self.forge(forge).map_or(&[], |forge| &forge.maintenance)
    }

    /// When the forge opens again, if it is closed at `now`.
    pub fn closed_until(&self, forge: &str, now: Timestamp) -> Option<Timestamp> {
        let windows = self.maintenance(forge).iter();
        windows.filter(|window| window.start <= now).map(|window| window.end).find(|end| now < *end)
    }

    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name)
    }

    /// Whether the change lies in a project that Usher watches.
    pub fn watches(&self, change: &ChangeKey) -> bool {
        self.forge(&change.forge)
            .is_some_and(|forge| forge.projects.iter().any(|pattern| pattern.matches(&change.project)))
    }

    /// The hours of a pool's own calendar.
    pub fn pool_hours(&self, pool: &str) -> &Hours {
        self.pool(pool).and_then(|pool| pool.hours.as_deref()).unwrap_or(&self.default_hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_in_paths_and_branches_and_not_in_projects() {
        let project = Pattern::new_ignoring_case("Acme/*").unwrap();
        assert!(project.matches("acme/shop") && project.matches("ACME/Shop"));
        assert!(!project.matches("acme/tools/shop"), "`*` stays within a part of the path");
        let path = Pattern::new("Docs/*").unwrap();
        assert!(path.matches("Docs/a.md") && !path.matches("docs/a.md"));
    }
}
