//! Scenarios in words: every file in `tests/scenarios/` is one story, its first line the idea.
//!
//! `given` lines set the company up, lines that begin with a time let that time come, other lines
//! happen right away, and `then` lines say what must be so. `tests/scenarios/README.md` lists the
//! lines there are. One function, [`play`], touches the judgement.

#[path = "lines_fair.rs"]
mod lines_fair;
#[path = "lines_words.rs"]
mod lines_words;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use usher_core::model::action::{Action, Comment, STATUS_MARKER};
use usher_core::model::calendar::{Away, Hours};
use usher_core::model::change::{Account, ChangeState, ChangedFile, ForgeKind, Verdict};
use usher_core::model::fact::Fact;
use usher_core::model::people::Workload;
use usher_core::model::policy::Route;
use usher_core::model::timebox::{Budget, Step, StepKind};
use usher_words as words;
use usher_words::templates::Templates;

#[path = "lines_time.rs"]
mod lines_time;

use crate::lines_kind;
use crate::support::company::{self, Company, PROJECT, account, london, pattern, zone};
use crate::support::forge::Forge;
use crate::support::play::Play;

#[path = "lines_avail.rs"]
mod lines_avail;
#[path = "lines_heal.rs"]
mod lines_heal;
mod lines_routes;
#[path = "lines_scope.rs"]
mod lines_scope;

/// Monday of the week in which a story begins unless it names a date.
const FIRST_DAY: &str = "2026-11-23";

#[test]
fn every_scenario_comes_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "txt"));
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios were found", files.len());
    files.retain(|file| file.to_string_lossy().contains(&only));
    let mut failures = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap();
        let result = std::panic::catch_unwind(|| play(&name, &text));
        match result {
            Ok(Ok(story)) if !only.is_empty() => println!("=== {name}\n{story}"),
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => failures.push(failure),
            Err(_) => failures.push(format!("{name}: panicked (see above)")),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n\n{}", failures.len(), files.len(), failures.join("\n\n"));
}

/// Plays one story; the error names file and line, and tells the history so far.
pub(crate) fn play(name: &str, text: &str) -> Result<String, String> {
    let mut lines = text.lines().enumerate();
    let idea = lines.next().map(|(_, line)| line.trim()).unwrap_or_default();
    if idea.len() < 10 || idea.starts_with("given") {
        return Err(format!("{name}:1: the first line says the idea of the story"));
    }
    let mut story = Story::new();
    let mut expectations = 0;
    for (number, line) in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let result = match line.split_once(' ') {
            Some(("given", rest)) => story.given(rest.trim()),
            Some(("then", rest)) => {
                expectations += 1;
                story.then(rest.trim())
            }
            _ => story.happens(line),
        };
        result.map_err(|error| {
            format!("{name}:{}: {idea}\n  {line}\n  {error}\n{}", number + 1, story.play.story())
        })?;
    }
    if expectations == 0 {
        return Err(format!("{name}: a story without a `then`"));
    }
    Ok(format!("{idea}\n{}", story.play.story()))
}

pub(crate) type Told = Result<(), String>;
/// What somebody changes on the forge.
type Edit = fn(&mut Forge);

/// A story while it is told.
pub(crate) struct Story {
    pub(crate) play: Play,
    begun: bool,
    /// Ledger entries, pings and replies before the last thing that happened.
    ledger_seen: usize,
    pings_seen: usize,
    /// Deliveries that are on their way.
    late: Vec<Fact>,
    last: Vec<Fact>,
}

impl Story {
    fn new() -> Story {
        let author = account("sam").unwrap();
        let monday: Date = FIRST_DAY.parse().unwrap();
        let start = at(monday, Time::midnight());
        let play = Play::new(Company::new(), Forge::new(ForgeKind::GitLab, author), start);
        Story { play, begun: false, ledger_seen: 0, pings_seen: 0, late: vec![], last: vec![] }
    }
}

// ---------------------------------------------------------------------------- reading

fn at(date: Date, time: Time) -> Timestamp {
    london().to_timestamp(date.to_datetime(time)).unwrap()
}

/// Fits a line to a pattern in which `{}` stands for one or more words.
pub(crate) fn fit<'a, const N: usize>(pattern: &str, line: &'a str) -> Option<[&'a str; N]> {
    let mut parts = pattern.split("{}");
    let mut rest = line.strip_prefix(parts.next()?)?;
    let mut found = [""; N];
    for slot in &mut found {
        let literal = parts.next()?;
        let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
        *slot = rest[..end].trim();
        if slot.is_empty() {
            return None;
        }
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(found)
}

fn person(name: &str) -> Result<Account, String> {
    let name = name.trim_start_matches("the bot ");
    account(name).ok_or_else(|| format!("nobody is called `{name}`"))
}

/// `rita, ravi and dora`, in order of names.
pub(crate) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.replace(" and ", ", ").split(", ").map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

pub(crate) fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a date"))
}

fn span(text: &str) -> Result<Budget, String> {
    let (amount, unit) = text.split_at(text.len().saturating_sub(1));
    let amount = number(amount)?;
    match unit {
        "m" => Ok(Budget::Minutes(amount)),
        "h" => Ok(Budget::Minutes(amount * 60)),
        "d" => Ok(Budget::Days(amount)),
        _ => Err(format!("`{text}` is no amount of time")),
    }
}

/// `Mon 10:00` (the next one from `now` on) or `2026-12-24 10:00`, and what follows it.
fn moment(line: &str, now: Timestamp) -> Option<(Timestamp, &str)> {
    let (day, rest) = line.split_once(' ')?;
    let (clock, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let time: Time = (clock.len() == 5).then(|| clock.parse().ok())??;
    if let Ok(date) = day.parse::<Date>() {
        return Some((at(date, time), rest.trim()));
    }
    let weekday = match day {
        "Mon" => Weekday::Monday,
        "Tue" => Weekday::Tuesday,
        "Wed" => Weekday::Wednesday,
        "Thu" => Weekday::Thursday,
        "Fri" => Weekday::Friday,
        "Sat" => Weekday::Saturday,
        "Sun" => Weekday::Sunday,
        _ => return None,
    };
    let today = now.to_zoned(london()).date();
    let days = (0..8).filter_map(|days| today.checked_add(days.days()).ok());
    let mut moments = days.filter(|date| date.weekday() == weekday).map(|date| at(date, time));
    // Events move the clock by milliseconds; the same minute is still now.
    moments.find(|moment| *moment + SignedDuration::from_secs(59) >= now).map(|found| (found, rest.trim()))
}

/// `09:00-17:00` in minutes after midnight.
fn hours(text: &str) -> Result<(u16, u16), String> {
    let minute = |clock: &str| {
        let (hour, minute) = clock.split_once(':')?;
        Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
    };
    let parsed = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    parsed.ok_or_else(|| format!("`{text}` are no hours"))
}

// ---------------------------------------------------------------------------- given

impl Story {
    fn given(&mut self, line: &str) -> Told {
        let known = [
            Story::given_presence,
            Story::given_forge,
            Story::given_people,
            // Before the routes, whose lines fit nearly everything.
            Story::given_owners,
            Story::given_boxes,
            Story::given_words,
            Story::given_time,
            Story::given_history,
            Story::given_scope,
            Story::given_pools,
            Story::given_limits,
        ];
        let known = known.into_iter().find_map(|given| given(self, line));
        let told = known.unwrap_or_else(|| Err("no such `given` line".into()));
        self.play.reload();
        told
    }

    fn given_forge(&mut self, line: &str) -> Option<Told> {
        let forge = &mut self.play.forge;
        let kind = |forge: &mut Forge, company: &mut Company, kind| {
            forge.kind = kind;
            company.policy.forges[0].kind = kind;
        };
        match line {
            "the forge is GitHub" => kind(forge, &mut self.play.company, ForgeKind::GitHub),
            "the forge is GitLab" => kind(forge, &mut self.play.company, ForgeKind::GitLab),
            "the forge keeps one reviewer" => forge.one_reviewer = true,
            "every delivery comes twice" => self.play.twice = true,
            "our own edits are not told back" => self.play.deaf_to_itself = true,
            "the project is not watched" => {
                self.play.company.policy.forges[0].projects = vec![pattern("other/*")];
            }
            _ => return self.given_refusals(line),
        }
        Some(Ok(()))
    }

    fn given_refusals(&mut self, line: &str) -> Option<Told> {
        let forge = &mut self.play.forge;
        let told = if let Some([who]) = fit("the forge refuses {}", line) {
            person(who).map(|who| {
                forge.not_allowed.insert(who);
            })
        } else if let Some([who]) = fit("the forge silently drops {}", line) {
            person(who).map(|who| {
                forge.dropped.insert(who);
            })
        } else if let Some([who]) = fit("the forge does not know {}", line) {
            self.play.company.roster.accounts.remove(who).map(|_| ()).ok_or("already unknown".into())
        } else if let Some([when]) = fit("Usher came to this forge on {}", line) {
            let when = moment(when, self.play.now).ok_or_else(|| format!("`{when}` is no time"));
            when.map(|(at, _)| self.play.company.first_seen = at)
        } else {
            return None;
        };
        Some(told)
    }

    fn given_people(&mut self, line: &str) -> Option<Told> {
        let told = if let Some([who, first, last]) = fit("{} is away {}..{}", line) {
            date(first).and_then(|first| {
                let last = date(last)?;
                person(who)?;
                self.play.company.person_mut(who).away.push(Away { first, last });
                Ok(())
            })
        } else if let Some([who, place]) = fit("{} works office hours in {}", line) {
            let hours = Arc::new(Hours::office(zone(place)));
            person(who).map(|_| self.play.company.person_mut(who).hours = Some(hours))
        } else if let Some([who, day, from_to]) = fit("{} works only {} {}", line) {
            let day =
                moment(&format!("{day} 00:00"), self.play.now).map(|(at, _)| at.to_zoned(london()).weekday());
            hours(from_to).and_then(|from_to| {
                let day = day.ok_or("no such day")?;
                let hours = Arc::new(Hours::new(london(), &[day], &[from_to], []));
                self.play.company.person_mut(who).hours = Some(hours);
                Ok(())
            })
        } else if let Some([who, most]) = fit("{} holds at most {} reviews", line) {
            number(most).map(|most| self.play.company.person_mut(who).capacity = Some(most))
        } else {
            return self.given_load(line);
        };
        Some(told)
    }

    fn given_load(&mut self, line: &str) -> Option<Told> {
        let now = self.play.now;
        let mut set = |who: &str, change: &dyn Fn(&mut Workload)| {
            person(who).map(|_| change(self.play.company.elsewhere.people.entry(who.into()).or_default()))
        };
        let told = if let Some([who, open]) = fit("{} has {} other open reviews", line) {
            number(open).and_then(|open| set(who, &|load| load.open = open))
        } else if let Some([who, hours]) = fit("{} was last asked {} hours ago", line) {
            let at = number(hours).map(|hours| now - SignedDuration::from_hours(hours.into()));
            at.and_then(|at| set(who, &|load| load.last_asked = Some(at)))
        } else if let Some([who, pings]) = fit("{} had {} pings today", line) {
            number(pings).and_then(|pings| set(who, &|load| load.pings_today = pings))
        } else if let Some([taken]) = fit("{} old changes were taken on today", line) {
            number(taken).map(|taken| self.play.company.elsewhere.first_run_taken = taken)
        } else {
            return None;
        };
        Some(told)
    }

    fn given_pools(&mut self, line: &str) -> Option<Told> {
        let policy = &mut self.play.company.policy;
        let told = if let Some([pool, lead]) = fit("the lead of {} is {}", line) {
            let lead = (lead != "nobody").then(|| lead.to_owned());
            pool_mut(policy, pool).map(|pool| pool.lead = lead)
        } else if let Some([pool, members, lead]) = fit("the pool {} has {}, led by {}", line) {
            let members = if members == "nobody" { vec![] } else { names(members) };
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            policy.pools.retain(|known| known.name != pool);
            policy.pools.push(company::pool(pool, &members, (lead != "nobody").then_some(lead)));
            Ok(())
        } else if let Some([pool]) = fit("the pool {} is gone", line) {
            policy.pools.retain(|known| known.name != pool);
            policy.routes.retain(|route| route.pool != pool);
            Ok(())
        } else if let Some([pool, approvals]) = fit("{} needs {} approvals", line) {
            number(approvals).and_then(|n| pool_mut(policy, pool).map(|pool| pool.approvals = n))
        } else if let Some([pool, reviewers]) = fit("{} asks {} reviewers", line) {
            number(reviewers).and_then(|n| pool_mut(policy, pool).map(|pool| pool.reviewers = n))
        } else {
            return self.given_routes(line);
        };
        Some(told)
    }

    fn given_routes(&mut self, line: &str) -> Option<Told> {
        let routes = &mut self.play.company.policy.routes;
        let mut first = |pool: &str, route: Route| routes.insert(0, Route { pool: pool.to_owned(), ..route });
        if let Some([label, pool]) = fit("changes labelled {} belong to {}", line) {
            first(pool, Route { labels: vec![label.to_owned()], ..Route::default() });
        } else if let Some([branch, pool]) = fit("changes for branch {} belong to {}", line) {
            first(pool, Route { target_branches: vec![pattern(branch)], ..Route::default() });
        } else if let Some([path, pool]) = fit("{} belongs to {}", line) {
            first(pool, Route { paths: vec![pattern(path)], ..Route::default() });
        } else if line == "nothing belongs anywhere else" {
            routes.retain(|route| !(route.paths.is_empty() && route.labels.is_empty()));
        } else {
            return None;
        }
        Some(Ok(()))
    }

    fn given_limits(&mut self, line: &str) -> Option<Told> {
        let policy = &mut self.play.company.policy;
        let told = if let Some([day]) = fit("{} is a holiday", line) {
            date(day).map(|day| {
                let office = [
                    Weekday::Monday,
                    Weekday::Tuesday,
                    Weekday::Wednesday,
                    Weekday::Thursday,
                    Weekday::Friday,
                ];
                policy.default_hours = Arc::new(Hours::new(london(), &office, &[(540, 1020)], [day]));
            })
        } else if let Some([from_to]) = fit("everybody works every day {}", line) {
            hours(from_to).map(|from_to| {
                let days: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
                policy.default_hours = Arc::new(Hours::new(london(), &days, &[from_to], []));
            })
        } else if let Some([count]) = fit("at most {} pings per person and day", line) {
            number(count).map(|count| policy.limits.pings_per_person_per_day = count)
        } else if let Some([count]) = fit("at most {} pings per change and court", line) {
            number(count).map(|count| policy.limits.pings_per_change = count)
        } else if let Some([count]) = fit("the first roll-out takes {} a day", line) {
            number(count).map(|count| policy.limits.first_run_changes_per_day = count)
        } else if let Some([name, budget]) = fit("the {} box is {}", line) {
            let boxes = &mut policy.boxes;
            let rule = match name {
                "waiting" => Some(&mut boxes.waiting),
                "reviewing" => Some(&mut boxes.reviewing),
                "with_author" => Some(&mut boxes.with_author),
                "ready_to_merge" => Some(&mut boxes.ready_to_merge),
                _ => None,
            };
            span(budget).and_then(|budget| {
                rule.ok_or_else(|| format!("there is no box {name}"))?.budget = budget;
                Ok(())
            })
        } else if let Some([percents]) = fit("a reviewer is reminded at {}", line) {
            let steps = names(percents).into_iter().map(|percent| {
                let at_percent = number(percent.trim_end_matches('%'))?;
                Ok(Step { at_percent, kind: StepKind::Remind })
            });
            steps.collect::<Result<Vec<_>, String>>().map(|mut steps| {
                steps.sort_by_key(|step| step.at_percent);
                policy.boxes.reviewing.steps = steps;
            })
        } else {
            return None;
        };
        Some(told)
    }
}

fn pool_mut<'a>(
    policy: &'a mut usher_core::model::policy::Policy,
    name: &str,
) -> Result<&'a mut usher_core::model::policy::Pool, String> {
    policy.pools.iter_mut().find(|pool| pool.name == name).ok_or_else(|| format!("there is no pool {name}"))
}

// ---------------------------------------------------------------------------- happens

impl Story {
    fn happens(&mut self, line: &str) -> Told {
        self.ledger_seen = self.play.ledger.len();
        let line = match moment(line, self.play.now) {
            Some((when, rest)) => {
                if when + SignedDuration::from_secs(59) < self.play.now {
                    return Err(format!("it is {} already", words::moment(self.play.now, &london())));
                }
                if rest == "Usher comes back after an outage" {
                    self.play.now = when;
                    self.play.tell(Fact::Tick);
                    return Ok(());
                }
                self.play.pass(when);
                rest
            }
            None => line,
        };
        match line {
            "" | "time passes" => Ok(()),
            "the late delivery arrives" => {
                let late = std::mem::take(&mut self.late);
                if late.is_empty() {
                    return Err("no delivery is late".into());
                }
                late.into_iter().for_each(|fact| self.play.tell(fact));
                Ok(())
            }
            "the last delivery comes again" => {
                self.last.clone().into_iter().for_each(|fact| self.play.tell(fact));
                Ok(())
            }
            "Usher sweeps" => {
                self.play.tell(Fact::Swept { snapshot: self.play.forge.swept() });
                Ok(())
            }
            "the courier stops" => {
                self.play.courier_stopped = true;
                Ok(())
            }
            "the courier runs again" => {
                self.play.courier_runs();
                Ok(())
            }
            _ => match self.says_elsewhere(line) {
                Some(told) => told,
                None => self.deed(line),
            },
        }
    }

    /// Somebody does something; the forge tells it now, later or never.
    fn deed(&mut self, line: &str) -> Told {
        let (seen, late, line) = match (line.strip_prefix("unseen: "), line.strip_prefix("late: ")) {
            (Some(line), _) => (false, false, line),
            (_, Some(line)) => (true, true, line),
            _ => (true, false, line),
        };
        let opening = self.opens(line)?;
        if opening.is_none() && !self.begun {
            return Err("no change has been opened yet".into());
        }
        let facts = match opening {
            Some(facts) => Some(facts),
            None => match (
                self.pushes_files(line)?,
                self.edits_scope(line)?.or(lines_heal::happens(line)),
                self.acts(line)?,
            ) {
                (Some(facts), ..) | (_, Some(facts), _) | (.., Some(facts)) => Some(facts),
                (None, None, None) => self.edits(line)?,
            },
        };
        let facts = facts.ok_or("no such line")?;
        if facts.iter().any(|fact| matches!(fact, Fact::Told { .. })) {
            self.last.clone_from(&facts);
        }
        match (seen, late) {
            (true, true) => self.late.extend(facts),
            (true, false) => facts.into_iter().for_each(|fact| self.play.tell(fact)),
            (false, _) => {}
        }
        Ok(())
    }

    fn opens(&mut self, line: &str) -> Result<Option<Vec<Fact>>, String> {
        let Some([who, what]) = fit("{} opens a {}", line) else { return Ok(None) };
        let forge = &mut self.play.forge;
        if self.begun {
            return Err("the change is open already".into());
        }
        forge.author = person(who)?;
        self.begun = true;
        let change = match what.strip_prefix("draft") {
            Some(rest) => {
                forge.draft = true;
                rest
            }
            None => what.strip_prefix("change").ok_or("what is opened?")?,
        };
        if let Some(files) = change.strip_prefix(" touching ") {
            forge.files = files.split(", ").map(file).collect::<Result<_, _>>()?;
        } else if let Some(who) = change.strip_prefix(" with the reviewer ") {
            forge.reviewers.push(person(who)?);
        } else if let Some(label) = change.strip_prefix(" labelled ") {
            forge.label(label);
        } else if let Some(branch) = change.strip_prefix(" for branch ") {
            forge.target_branch = branch.to_owned();
        } else if !change.is_empty() {
            return Err(format!("`{change}`: a change touching, with the reviewer, labelled, for branch"));
        }
        Ok(Some(vec![forge.opened(self.play.now)]))
    }

    fn acts(&mut self, line: &str) -> Result<Option<Vec<Fact>>, String> {
        let (forge, now) = (&mut self.play.forge, self.play.now);
        if let Some((who, text)) = line.split_once(" says ") {
            // Lines of one comment, as a story must write them.
            let text = text.replace(" / ", "\n");
            return person(who).map(|who| Some(forge.said(now, &who, &text)));
        }
        let verdicts = [
            ("{} approves", Verdict::Approved),
            ("{} asks for changes", Verdict::ChangesRequested),
            ("{} reviews with comments", Verdict::Commented),
            ("{} takes the approval back", Verdict::Withdrawn),
        ];
        for (pattern, verdict) in verdicts {
            if let Some([who]) = fit(pattern, line) {
                return person(who).map(|who| Some(vec![forge.reviewed(now, &who, verdict)]));
            }
        }
        let fact = if let Some([who]) = fit("{} comments", line) {
            forge.commented(now, &person(who)?)
        } else if let Some([who]) = fit("{} pushes", line) {
            forge.pushed(now, &person(who)?)
        } else if let Some([who, whom]) = fit("{} asks {} to review", line) {
            forge.requested(now, &person(who)?, &person(whom)?)
        } else if let Some([who, whom]) = fit("{} takes {} off", line) {
            forge.unrequested(now, &person(who)?, &person(whom)?)
        } else if let Some([who, old, new]) = fit("{} replaces {} with {}", line) {
            return Ok(Some(forge.replaced(now, &person(who)?, &person(old)?, &person(new)?)));
        } else if let Some([who, whose]) = fit("{} dismisses the review of {}", line) {
            forge.dismissed(now, &person(who)?, &person(whose)?)
        } else {
            return Ok(None);
        };
        Ok(Some(vec![fact]))
    }

    fn edits(&mut self, line: &str) -> Result<Option<Vec<Fact>>, String> {
        let (forge, now) = (&mut self.play.forge, self.play.now);
        if let Some([who, label]) = fit("{} adds the label {}", line) {
            return person(who).map(|who| Some(vec![forge.changed(now, &who, |f| f.label(label))]));
        }
        if let Some([who, label]) = fit("{} removes the label {}", line) {
            if !forge.labels.contains(label) {
                return Err(format!("{label} is not on the change"));
            }
            let edit = |forge: &mut Forge| forge.labels.retain(|other| other != label);
            return person(who).map(|who| Some(vec![forge.changed(now, &who, edit)]));
        }
        let edits: [(&str, Edit); 6] = [
            ("{} marks it ready", |forge| forge.draft = false),
            ("{} puts it back to draft", |forge| forge.draft = true),
            ("{} merges it", |forge| forge.state = ChangeState::Merged),
            ("{} closes it", |forge| forge.state = ChangeState::Closed),
            ("{} reopens it", |forge| forge.state = ChangeState::Open),
            ("{} edits the title", |_| {}),
        ];
        for (pattern, edit) in edits {
            if let Some([who]) = fit(pattern, line) {
                return person(who).map(|who| Some(vec![forge.changed(now, &who, edit)]));
            }
        }
        Ok(None)
    }
}

/// `docs/guide.md (40 lines)`
fn file(text: &str) -> Result<ChangedFile, String> {
    let [path, lines] =
        fit("{} ({} lines)", text).ok_or_else(|| format!("`{text}`: write `path (5 lines)`"))?;
    Ok(ChangedFile { path: path.to_owned(), lines: number(lines)?.into(), owners: vec![] })
}

// ---------------------------------------------------------------------------- then

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(expected: T, actual: T) -> Told {
    if expected == actual { Ok(()) } else { Err(format!("expected {expected:?}\n  but it is {actual:?}")) }
}

fn holds(fine: bool, otherwise: impl FnOnce() -> String) -> Told {
    if fine { Ok(()) } else { Err(otherwise()) }
}

impl Story {
    fn then(&mut self, line: &str) -> Told {
        let known =
            [Story::then_said, Story::then_usher, Story::then_pinged, Story::then_people, Story::then_seen];
        let known = known.into_iter().find_map(|then| then(self, line)).or_else(|| self.then_words(line));
        let known = known.or_else(|| self.then_announced(line));
        let known = known.or_else(|| lines_kind::then(self, line));
        known.unwrap_or_else(|| Err("no such `then` line".into()))
    }

    fn then_people(&mut self, line: &str) -> Option<Told> {
        let asked = self.play.asked();
        if line == "nobody is asked" {
            return Some(same(vec![], asked));
        }
        if let Some([who]) = fit("{} is not asked", line) {
            return Some(holds(!asked.contains(&who.to_owned()), || format!("{asked:?} are asked")));
        }
        if let Some([who]) = fit("{} is asked", line).or_else(|| fit("{} are asked", line)) {
            return Some(same(names(who), asked));
        }
        let logins = || {
            let mut list: Vec<_> = self.play.forge.reviewers.iter().map(|a| a.login.clone()).collect();
            list.sort();
            list
        };
        if line == "the forge lists no reviewers" {
            return Some(same(vec![], logins()));
        }
        fit("the forge lists {}", line).map(|[who]| same(names(who), logins()))
    }

    fn then_pinged(&mut self, line: &str) -> Option<Told> {
        let expected = match line {
            "nobody was pinged" => vec![],
            _ => {
                let [who] = fit("{} was pinged", line).or_else(|| fit("{} were pinged", line))?;
                names(who)
            }
        };
        let pings = self.play.pings.iter().skip(self.pings_seen).filter(|ping| !ping.withdrawn);
        let mut pinged: Vec<_> = pings.map(|ping| ping.person.clone()).collect();
        pinged.sort();
        self.pings_seen = self.play.pings.len();
        Some(same(expected, pinged))
    }

    fn then_seen(&mut self, line: &str) -> Option<Told> {
        let forge = &self.play.forge;
        if let Some([stage]) = fit("the stage is {}", line) {
            return Some(same(stage, self.play.review.stage.word()));
        }
        if line == "there are no labels" {
            return Some(same(vec![], forge.labels.iter().collect()));
        }
        if let Some([labels]) = fit("the labels are {}", line) {
            return Some(same(names(labels), forge.labels.iter().cloned().collect()));
        }
        if let Some([label]) = fit("the label {} is on", line) {
            return Some(holds(forge.labels.contains(label), || {
                format!("the labels are {:?}", forge.labels)
            }));
        }
        if let Some([label]) = fit("the label {} is off", line) {
            return Some(holds(!forge.labels.contains(label), || {
                format!("the labels are {:?}", forge.labels)
            }));
        }
        let counted =
            fit("there is {} comment in all", line).or_else(|| fit("there are {} comments in all", line));
        counted.map(|[count]| number(count).and_then(|count| same(count as usize, forge.comments.len())))
    }

    fn then_said(&mut self, line: &str) -> Option<Told> {
        let forge = &self.play.forge;
        let status = forge.status();
        let contains = |text: Option<&str>, wanted: &str| {
            let flat = text.unwrap_or("(nothing)").split_whitespace().collect::<Vec<_>>().join(" ");
            holds(flat.contains(wanted), || format!("it says: {flat}"))
        };
        let actions = self.play.ledger[self.ledger_seen..].iter().flat_map(|entry| &entry.actions);
        let mut replies = actions.clone().filter_map(|action| match action {
            Action::Reply(reply) => Some(words::reply(reply).body().to_owned()),
            _ => None,
        });
        let reply = replies.next_back();
        match line {
            "there is no status comment" => return Some(same(None, status)),
            "there is no reply" => return Some(same(None, reply.as_deref())),
            "the command is acknowledged" => {
                let reacted = actions.clone().any(|action| matches!(action, Action::React { .. }));
                return Some(holds(reacted, || "there is no reaction".into()));
            }
            _ => {}
        }
        if let Some([text]) = fit("the status says {}", line) {
            return Some(contains(status, text));
        }
        if let Some([text]) = fit("the status does not say {}", line) {
            let says = contains(status, text).is_ok();
            return Some(holds(!says, || format!("it says: {}", status.unwrap_or_default())));
        }
        if let Some([text]) = fit("the reply says {}", line) {
            return Some(contains(reply.as_deref(), text));
        }
        let ping = self.play.pings.last().map(|ping| ping.body.as_str());
        fit("the ping says {}", line).map(|[text]| contains(ping, text))
    }

    fn then_usher(&mut self, line: &str) -> Option<Told> {
        let recent = &self.play.ledger[self.ledger_seen..];
        let reasons: Vec<String> =
            recent.iter().flat_map(|entry| &entry.reasons).map(words::sentence).collect();
        if let Some([sentence]) = fit("because: {}", line) {
            let said = reasons.iter().any(|reason| reason.contains(sentence));
            return Some(holds(said, || format!("the reasons are {reasons:#?}")));
        }
        if let Some([sentence]) = fit("not because: {}", line) {
            let said = reasons.iter().any(|reason| reason.contains(sentence));
            return Some(holds(!said, || format!("the reasons are {reasons:#?}")));
        }
        let did: Vec<_> = recent.iter().flat_map(|entry| &entry.actions).collect();
        match line {
            "Usher did nothing" => return Some(same(Vec::<&Action>::new(), did)),
            "Usher is not interested" => {
                let quiet = !self.play.review.tracked && did.is_empty();
                return Some(holds(quiet, || format!("it did {did:?}")));
            }
            "Usher does not look again" => return Some(same(None, self.wake())),
            _ => {}
        }
        let [when] = fit("Usher looks again {}", line)?;
        let Some((wanted, "")) = moment(when, self.play.now) else {
            return Some(Err(format!("`{when}` is no time")));
        };
        Some(same(Some(words::moment(wanted, &london())), self.wake()))
    }

    fn wake(&self) -> Option<String> {
        self.play.review.wake.map(|wake| words::moment(wake, &london()))
    }
}

/// The marker is what the harness finds the status comment by.
#[test]
fn a_status_comment_is_found_by_its_marker() {
    let mut forge = Forge::new(ForgeKind::GitHub, account("sam").unwrap());
    assert_eq!(forge.status(), None);
    let body = format!("{STATUS_MARKER}\nhello");
    let written = Action::Comment(Comment::Status { body: body.clone() });
    forge.perform(Timestamp::UNIX_EPOCH, &written, &Templates::default());
    assert_eq!(forge.status(), Some(body.as_str()));
}

/// A line that nobody understands fails the story and says where.
#[test]
fn an_unknown_line_fails_the_story_with_file_and_line() {
    let story = "An idea that is long enough\n\nMon 10:00 sam opens a change\nthen the moon is full\n";
    let failure = play("moon.txt", story).unwrap_err();
    assert!(failure.starts_with("moon.txt:4:"), "{failure}");
    let wrong = "An idea that is long enough\nMon 10:00 sam opens a change\nthen the stage is done\n";
    let failure = play("done.txt", wrong).unwrap_err();
    assert!(failure.contains("expected \"done\"") && failure.contains("was chosen"), "{failure}");
}

/// The hours in stories are London's; this is what the words mean.
#[test]
fn moments_are_the_next_of_their_name() {
    let monday = moment("Mon 10:00", at(date(FIRST_DAY).unwrap(), Time::midnight())).unwrap().0;
    assert_eq!(monday.to_zoned(london()).datetime(), "2026-11-23T10:00".parse::<DateTime>().unwrap());
    let next = moment("Mon 09:00  rita approves", monday).unwrap();
    assert_eq!(next.0.to_zoned(london()).datetime(), "2026-11-30T09:00".parse::<DateTime>().unwrap());
    assert_eq!(next.1, "rita approves");
    assert_eq!(PROJECT, "acme/shop");
}
