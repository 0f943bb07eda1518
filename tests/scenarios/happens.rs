//! What happens: people do something on the forge, and it tells Usher; deliveries are late or come twice;
//! Usher sweeps, its courier stops, the forge loses a change.

use jiff::{SignedDuration, Timestamp};
use usher_core::decide;
use usher_core::model::change::{ChangeKey, ChangeState, Verdict};
use usher_core::model::fact::Fact;
use usher_core::model::review::Review;
use usher_core::model::unreachable::UnreachableWhy;
use usher_core::model::world::World;
use usher_words as words;

use super::Story;
use super::language::{Chapter, Line, Told, lines, run};
use super::read::{files, moment, person, time};
use crate::support::company::{PROJECT, london};
use crate::support::forge::Forge;

/// What the forge tells of it.
type Facts = Result<Vec<Fact>, String>;

/// What is done on the forge; `unseen: ` before it loses the delivery, `late: ` keeps it for later.
pub(super) const DEEDS: &[Chapter<Vec<Fact>>] = &[
    Chapter { title: "A change is opened, changed and closed", lines: CHANGE },
    Chapter { title: "Reviewers, verdicts, comments", lines: REVIEW },
    Chapter { title: "The forge loses sight of the change", lines: LOST },
];

/// What happens elsewhere than on this change.
pub(super) const EVENTS: &[Chapter<()>] =
    &[Chapter { title: "Deliveries, Usher and other changes", lines: ELSEWHERE }];

const CHANGE: &[Line<Vec<Fact>>] = lines! {
    "{sam} opens a {change}" => |story, [who, what]| opens(story, who, what, |_| Ok(())),
        "Sam opens a change, or a `draft`, here and below.";
    "{sam} opens a {change} touching {docs/a.md (5 lines), src/b.rs (9 lines)}" => opens_touching,
        "The change has these changed files.";
    "{sam} opens a {change} with the reviewer {ravi}" => opens_with_reviewer, "Sam has asked ravi himself.";
    "{sam} opens a {change} labelled {bug}" => opens_labelled, "The change has this label from the start.";
    "{sam} opens a {change} for branch {main}" => opens_for_branch, "The change has this target branch.";
    "{sam} marks it ready" => |story, [who]| edits(story, who, |forge| forge.draft = false),
        "The change is no draft any more.";
    "{sam} puts it back to draft" => |story, [who]| edits(story, who, |forge| forge.draft = true),
        "The change is a draft again.";
    "{sam} pushes" => pushes, "Sam pushes to the branch of the change.";
    "{sam} pushes, and it touches {src/a.rs (80 lines)}" => pushes_files,
        "Sam pushes, and these are all changed files now.";
    "{sam} edits the title" => |story, [who]| edits(story, who, |_| ()),
        "Sam edits something that does not matter.";
    "{sam} renames it to {feat: another title}" => renames, "The change gets this title.";
    "{sam} writes in the description {Fixes ZD-12}" => describes, "The change gets this description.";
    "{lena} adds the label {bug}" => |story, [who, label]| edits(story, who, |forge| forge.label(label)),
        "Lena puts a label on.";
    "{lena} removes the label {bug}" => removes_label, "Lena takes a label off that was on.";
    "{rita} merges it" => |story, [who]| edits(story, who, |forge| forge.state = ChangeState::Merged),
        "The change is merged.";
    "{sam} closes it" => |story, [who]| edits(story, who, |forge| forge.state = ChangeState::Closed),
        "The change is closed without a merge.";
    "{sam} reopens it" => |story, [who]| edits(story, who, |forge| forge.state = ChangeState::Open),
        "The closed change is open again.";
};

const REVIEW: &[Line<Vec<Fact>>] = lines! {
    "{rita} says {@usher why / @usher help}" => says, "Rita writes a comment, ` / ` begins a new line of it.";
    "in a review {rita} says {@usher why / @usher help}" => says_in_a_review,
        "Rita submits a review without a verdict with this text.";
    "on a line {rita} says {@usher why / @usher help}" => says_on_a_line,
        "Rita writes a remark on a line of the change; on GitHub a review without a text is around it.";
    "{rita} comments" => comments, "Rita writes a comment without a command.";
    "{rita} approves" => |story, [who]| reviews(story, who, Verdict::Approved), "Rita submits an approval.";
    "{rita} asks for changes" => |story, [who]| reviews(story, who, Verdict::ChangesRequested),
        "Rita submits a request for changes.";
    "{rita} asks for changes in {2} threads" => asks_in_threads,
        "Rita submits a request for changes with so many remarks on lines.";
    "{sam} resolves {2} threads of {rita}" => resolves, "Sam resolves threads that rita opened, `all` or so many.";
    "{rita} opens a thread of {rita} again" => reopens, "Rita unresolves a thread that she had opened.";
    "{rita} reviews with comments" => |story, [who]| reviews(story, who, Verdict::Commented),
        "Rita submits a review without a verdict.";
    "{rita} takes the approval back" => |story, [who]| reviews(story, who, Verdict::Withdrawn),
        "Rita withdraws her approval.";
    "{lena} dismisses the review of {rita}" => dismisses, "Lena makes rita's verdict void.";
    "{sam} asks {rita} to review" => asks, "A person requests the review, not Usher.";
    "{lena} takes {rita} off" => takes_off, "Lena takes rita off the list of reviewers.";
    "{lena} replaces {rita} with {ravi}" => replaces, "Lena changes the list of reviewers in one act.";
};

const LOST: &[Line<Vec<Fact>>] = lines! {
    "the forge does not show it" => |_, []| lost(UnreachableWhy::Hidden), "The roll call does not find the change.";
    "its project is archived" => |_, []| lost(UnreachableWhy::Archived), "The roll call finds its project archived.";
    "its project is called {acme/store} now" => moved, "The forge tells the new path of the project.";
    "it is followed under its project's new name" => |_, []| lost(UnreachableWhy::Followed),
        "Another review follows the change.";
    "the forge takes nothing for five minutes" => |story, []| takes_nothing(story, "shape", false),
        "Labels and reviewers have not come about; the courier goes on trying.";
    "the forge takes nothing for a day" => |story, []| takes_nothing(story, "shape", true),
        "Labels and reviewers have not come about, and the courier gives them up.";
    "the changed files cannot be had" => |story, []| takes_nothing(story, "files", false),
        "They were asked for five minutes ago, and the courier goes on trying.";
};

const ELSEWHERE: &[Line<()>] = lines! {
    "time passes" => |_, []| Ok(()), "Nothing else happens, the same as a time alone.";
    "the late delivery arrives" => late_delivery_arrives, "Usher gets all that `late: ` kept.";
    "the last delivery comes again" => last_delivery_comes_again,
        "Usher gets what it was told last once more.";
    "Usher sweeps" => sweeps, "Usher looks at the change by itself.";
    "the courier stops" => |story, []| { story.play.courier_stopped = true; Ok(()) },
        "What Usher wants to write stays in the outbox.";
    "the courier runs again" => |story, []| { story.play.courier_runs(); Ok(()) },
        "The courier empties the outbox.";
    "{Mon 10:00} Usher comes back after an outage" => comes_back, "Usher was down until this time.";
    "on another change {rita} says {@usher away until 2026-12-01}" => says_elsewhere,
        "Rita speaks of her absence on another change.";
    "nobody waits ahead any more" => nobody_waits_ahead, "The queue of other changes is empty.";
};

/// The forge tells the actor's name alone, as GitLab did before May 2021.
fn lose_id(fact: &mut Fact) {
    if let Fact::Told { by, .. } = fact {
        by.account.id = 0;
    }
}

/// The forge's clock is decades ahead.
fn misdate(fact: &mut Fact) {
    redate(fact, |_| Timestamp::from_second(4_000_000_000).unwrap_or(Timestamp::MAX));
}

/// How far a slow clock of the forge is behind ours.
const SLOW: SignedDuration = SignedDuration::from_mins(90);

fn redate(fact: &mut Fact, date: impl Fn(Timestamp) -> Timestamp) {
    if let Fact::Told { at, snapshot, .. } = fact {
        let given = snapshot.reviewers.iter_mut().flat_map(|seen| &mut seen.list);
        given.filter_map(|one| one.verdict.as_mut()).for_each(|(_, at)| *at = date(*at));
        (*at, snapshot.updated_at) = (date(*at), date(snapshot.updated_at));
    }
}

impl Story {
    /// Something happens, at the time named before it or right away.
    pub(super) fn happens(&mut self, line: &str) -> Told {
        self.ledger_seen = self.play.ledger.len();
        if let Some(told) = run(EVENTS, self, line) {
            return told;
        }
        let line = match moment(line, self.play.now) {
            Some((when, rest)) => {
                self.not_past(when)?;
                self.play.pass(when);
                rest
            }
            None => line,
        };
        if line.is_empty() {
            return Ok(());
        }
        run(EVENTS, self, line).unwrap_or_else(|| self.deed(line))
    }

    fn not_past(&self, when: Timestamp) -> Told {
        if when + SignedDuration::from_secs(59) < self.play.now {
            return Err(format!("it is {} already", words::moment(self.play.now, &london())));
        }
        Ok(())
    }

    /// Somebody does something; the forge tells it now, later or never.
    fn deed(&mut self, line: &str) -> Told {
        let (seen, late, line) = match (line.strip_prefix("unseen: "), line.strip_prefix("late: ")) {
            (Some(line), _) => (false, false, line),
            (_, Some(line)) => (true, true, line),
            _ => (true, false, line),
        };
        let (misdated, line) = line.strip_prefix("misdated: ").map_or((false, line), |line| (true, line));
        let (slow, line) = line.strip_prefix("by a slow clock: ").map_or((false, line), |line| (true, line));
        let (nameless, line) =
            line.strip_prefix("by name alone: ").map_or((false, line), |line| (true, line));
        let line = line.strip_prefix("the bot ").unwrap_or(line);
        let mut facts = run(DEEDS, self, line).unwrap_or_else(|| Err("no such line".into()))?;
        if nameless {
            facts.iter_mut().for_each(lose_id);
        }
        if misdated {
            self.play.clock_is_own = true;
            facts.iter_mut().for_each(misdate);
        }
        if slow {
            self.play.clock_is_own = true;
            facts.iter_mut().for_each(|fact| redate(fact, |at| at - SLOW));
        }
        if !self.begun {
            return Err("no change has been opened yet".into());
        }
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
}

// ---------------------------------------------------------------------------- the change

fn opens(story: &mut Story, who: &str, what: &str, with: impl FnOnce(&mut Forge) -> Told) -> Facts {
    if story.begun {
        return Err("the change is open already".into());
    }
    let forge = &mut story.play.forge;
    forge.author = person(who)?;
    forge.draft = match what {
        "change" => false,
        "draft" => true,
        _ => return Err(format!("`{what}` is neither a change nor a draft")),
    };
    with(forge)?;
    story.begun = true;
    Ok(vec![forge.opened(story.play.now)])
}

fn opens_touching(story: &mut Story, [who, what, list]: [&str; 3]) -> Facts {
    let list = files(list)?;
    opens(story, who, what, |forge| {
        forge.files = list;
        Ok(())
    })
}

fn opens_with_reviewer(story: &mut Story, [who, what, reviewer]: [&str; 3]) -> Facts {
    opens(story, who, what, |forge| {
        forge.reviewers.push(person(reviewer)?);
        Ok(())
    })
}

fn opens_labelled(story: &mut Story, [who, what, label]: [&str; 3]) -> Facts {
    opens(story, who, what, |forge| {
        forge.label(label);
        Ok(())
    })
}

fn opens_for_branch(story: &mut Story, [who, what, branch]: [&str; 3]) -> Facts {
    opens(story, who, what, |forge| {
        forge.target_branch = branch.to_owned();
        Ok(())
    })
}

/// Somebody changes something on the forge.
fn edits(story: &mut Story, who: &str, edit: impl FnOnce(&mut Forge)) -> Facts {
    let who = person(who)?;
    Ok(vec![story.play.forge.changed(story.play.now, &who, edit)])
}

fn renames(story: &mut Story, [who, title]: [&str; 2]) -> Facts {
    edits(story, who, |forge| forge.title = title.to_owned())
}

fn describes(story: &mut Story, [who, text]: [&str; 2]) -> Facts {
    let tickets = story.play.company.policy.tickets.find(text);
    edits(story, who, |forge| forge.tickets = Some(tickets))
}

fn removes_label(story: &mut Story, [who, label]: [&str; 2]) -> Facts {
    if !story.play.forge.labels.contains(label) {
        return Err(format!("{label} is not on the change"));
    }
    edits(story, who, |forge| forge.unlabel(label))
}

fn pushes(story: &mut Story, [who]: [&str; 1]) -> Facts {
    let who = person(who)?;
    Ok(vec![story.play.forge.pushed(story.play.now, &who)])
}

/// GitHub's webhook tells the new size at once.
fn pushes_files(story: &mut Story, [who, list]: [&str; 2]) -> Facts {
    story.play.forge.files = files(list)?;
    pushes(story, [who])
}

// ---------------------------------------------------------------------------- the review

fn says(story: &mut Story, [who, text]: [&str; 2]) -> Facts {
    let who = person(who)?;
    Ok(story.play.forge.said(story.play.now, &who, &text.replace(" / ", "\n")))
}

fn says_in_a_review(story: &mut Story, [who, text]: [&str; 2]) -> Facts {
    let who = person(who)?;
    Ok(story.play.forge.said_in_a_review(story.play.now, &who, &text.replace(" / ", "\n")))
}

fn says_on_a_line(story: &mut Story, [who, text]: [&str; 2]) -> Facts {
    let who = person(who)?;
    Ok(story.play.forge.said_on_a_line(story.play.now, &who, &text.replace(" / ", "\n")))
}

fn comments(story: &mut Story, [who]: [&str; 1]) -> Facts {
    let who = person(who)?;
    Ok(vec![story.play.forge.commented(story.play.now, &who)])
}

fn reviews(story: &mut Story, who: &str, verdict: Verdict) -> Facts {
    let who = person(who)?;
    Ok(vec![story.play.forge.reviewed(story.play.now, &who, verdict)])
}

fn asks_in_threads(story: &mut Story, [who, threads]: [&str; 2]) -> Facts {
    let who = person(who)?;
    Ok(story.play.forge.asks_in_threads(story.play.now, &who, count(threads)?))
}

fn resolves(story: &mut Story, [who, threads, whose]: [&str; 3]) -> Facts {
    let (who, whose) = (person(who)?, person(whose)?);
    let most = if threads == "all" { usize::MAX } else { count(threads)? };
    Ok(story.play.forge.resolves(story.play.now, &who, &whose, most))
}

fn reopens(story: &mut Story, [who, whose]: [&str; 2]) -> Facts {
    let (who, whose) = (person(who)?, person(whose)?);
    Ok(story.play.forge.reopens(&who, &whose))
}

fn count(number: &str) -> Result<usize, String> {
    number.parse().map_err(|_| format!("`{number}` is no number"))
}

fn dismisses(story: &mut Story, [who, whose]: [&str; 2]) -> Facts {
    let (who, whose) = (person(who)?, person(whose)?);
    Ok(vec![story.play.forge.dismissed(story.play.now, &who, &whose)])
}

fn asks(story: &mut Story, [who, whom]: [&str; 2]) -> Facts {
    let (who, whom) = (person(who)?, person(whom)?);
    Ok(vec![story.play.forge.requested(story.play.now, &who, &whom)])
}

fn takes_off(story: &mut Story, [who, whom]: [&str; 2]) -> Facts {
    let (who, whom) = (person(who)?, person(whom)?);
    Ok(vec![story.play.forge.unrequested(story.play.now, &who, &whom)])
}

fn replaces(story: &mut Story, [who, old, new]: [&str; 3]) -> Facts {
    let (who, old, new) = (person(who)?, person(old)?, person(new)?);
    Ok(story.play.forge.replaced(story.play.now, &who, &old, &new))
}

// ---------------------------------------------------------------------------- lost from sight

fn lost(why: UnreachableWhy) -> Facts {
    Ok(vec![Fact::Unreachable { why }])
}

fn takes_nothing(story: &mut Story, action: &str, given_up: bool) -> Facts {
    let since =
        story.play.now - if given_up { SignedDuration::from_hours(24) } else { SignedDuration::from_mins(5) };
    Ok(vec![Fact::Failed { action: action.to_owned(), since, given_up }])
}

fn moved(_: &mut Story, [project]: [&str; 1]) -> Facts {
    Ok(vec![Fact::Moved { to: ChangeKey::new("forge", project, 7) }])
}

// ---------------------------------------------------------------------------- elsewhere

fn late_delivery_arrives(story: &mut Story, []: [&str; 0]) -> Told {
    let late = std::mem::take(&mut story.late);
    if late.is_empty() {
        return Err("no delivery is late".into());
    }
    late.into_iter().for_each(|fact| story.play.tell(fact));
    Ok(())
}

fn last_delivery_comes_again(story: &mut Story, []: [&str; 0]) -> Told {
    story.last.clone().into_iter().for_each(|fact| story.play.tell(fact));
    Ok(())
}

fn sweeps(story: &mut Story, []: [&str; 0]) -> Told {
    let snapshot = story.play.forge.swept();
    story.play.tell(Fact::Swept { snapshot });
    Ok(())
}

fn comes_back(story: &mut Story, [when]: [&str; 1]) -> Told {
    let when = time(when, story.play.now)?;
    story.not_past(when)?;
    story.play.now = when;
    story.play.tell(Fact::Tick);
    Ok(())
}

fn nobody_waits_ahead(story: &mut Story, []: [&str; 0]) -> Told {
    story.play.company.nobody_waits();
    story.play.tell(Fact::Tick);
    Ok(())
}

fn says_elsewhere(story: &mut Story, [who, text]: [&str; 2]) -> Told {
    let who = person(who)?;
    let play = &mut story.play;
    // Said on a copy of the change, of which this one learns nothing.
    for fact in play.forge.clone().said(play.now, &who, text) {
        let workloads = play.workloads();
        let world = World {
            policy: &play.company.policy,
            directory: &play.directory,
            workloads: &workloads,
            first_seen: play.company.first_seen,
            unsent: false,
            now: play.now,
        };
        let other = Review::new(ChangeKey::new("forge", PROJECT, 8));
        let wish = decide(&world, &other, &fact).absence.ok_or("that is no word on an absence")?;
        play.enter(&wish);
    }
    play.tell(Fact::Tick);
    Ok(())
}
