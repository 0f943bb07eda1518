//! One story, played to its end and to quiet.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use usher_sandbox::{Access, ChangeRef, Fault, Forge, NewChange, Refusal};

use super::judges::Judges;
use super::step::{Deed, Failure, PEOPLE, Step, start_of};
use super::world::{Broken, World};
use crate::company::{BOTH, Settings, name, project};

/// How a story ended.
#[derive(Default)]
pub struct Ended {
    pub broken: Option<Broken>,
    pub counts: BTreeMap<&'static str, u64>,
    /// What happened, and when.
    pub log: Vec<String>,
    /// What Usher decided, and why.
    pub ledger: Vec<String>,
}

/// Plays the steps, lets all trouble end, and looks whether everything is as it should be.
pub async fn play(seed: u64, steps: &[Step]) -> Ended {
    let mut world = match World::new(start_of(seed)).await {
        Ok(world) => world,
        Err(broken) => return Ended { broken: Some(broken), ..Ended::default() },
    };
    let mut judges = Judges::default();
    let broken = whole(&mut world, &mut judges, steps).await.err();
    world.counts.insert("steps", steps.len() as u64);
    world.counts.insert("requests", world.lines.requests());
    world.counts.insert("refused writes to the store", world.disk.refused());
    world.counts.insert("deaths at a write", world.disk.deaths());
    world.disk.forget();
    let broken = broken.map(|broken| format!("seed {seed}: {broken}"));
    let ledger = match broken {
        Some(_) => world.ledger().await.unwrap_or_else(|why| vec![why]),
        None => Vec::new(),
    };
    Ended { broken, counts: world.counts, log: world.log, ledger }
}

async fn whole(world: &mut World, judges: &mut Judges, steps: &[Step]) -> Result<(), Broken> {
    for step in steps {
        let shown = format!("{step:?}");
        world.say(&shown);
        if matches!(step, Step::Prune) {
            judges.read_store(world).await?;
        }
        take(world, step).await.map_err(|broken| format!("{shown}: {broken}"))?;
        judges.look(world).await.map_err(|broken| format!("after {shown}: {broken}"))?;
    }
    quiet(world).await.map_err(|broken| format!("on the way to quiet: {broken}"))?;
    judges.look(world).await.map_err(|broken| format!("at quiet: {broken}"))?;
    judges.read_store(world).await.map_err(|broken| format!("at quiet: {broken}"))?;
    judges.at_quiet(world).await.map_err(|broken| format!("at quiet: {broken}"))?;
    judges.told_again(world).await.map_err(|broken| format!("at quiet: {broken}"))
}

/// All trouble ends, everything that is on its way arrives, and whatever was put off is tried again.
async fn quiet(world: &mut World) -> Result<(), Broken> {
    world.say("all is well again");
    world.lines.plan(None);
    world.disk.mend();
    mend(world);
    if world.dry_run {
        world.dry_run = false;
        world.restart().await?;
    }
    world.set_clocks_right();
    world.renew_tokens(true);
    for hours in [1, 26, 1] {
        world.pass(SignedDuration::from_hours(hours)).await?;
        world.sweep(true).await?;
        world.settle().await?;
    }
    world.pass(SignedDuration::from_mins(10)).await
}

fn mend(world: &World) {
    let sandbox = &world.company.sandbox;
    sandbox.clear_faults();
    for forge in BOTH {
        for path in [project(forge).to_owned(), other_name(forge)] {
            sandbox.mend_project(forge, &path);
        }
    }
}

/// What the project of this forge is called after it was renamed.
fn other_name(forge: Forge) -> String {
    format!("{}-two", project(forge))
}

/// The path of the forge's one project now.
fn path_now(world: &World, forge: Forge) -> String {
    if world.renamed.contains(name(forge)) { other_name(forge) } else { project(forge).to_owned() }
}

async fn take(world: &mut World, step: &Step) -> Result<(), Broken> {
    let sandbox = world.company.sandbox.clone();
    match step {
        Step::Open { forge, by, draft } => {
            let author = PEOPLE[*by];
            let new = NewChange::by(author, "Round VAT per line");
            let new = NewChange { draft: *draft, ..new };
            if let Ok(change) = sandbox.open_change(*forge, &path_now(world, *forge), new) {
                world.opened.push((*forge, change.number, author));
                world.count("changes");
            }
        }
        Step::Act { change, by, deed } => {
            // The forges tell seconds, and nobody does two things in one.
            world.company.clock.advance_to(world.now() + SignedDuration::from_secs(1));
            if let Some(change) = chosen(world, *change)
                && act(world, &change, PEOPLE[*by], deed).is_ok()
            {
                world.count("acts");
            }
        }
        Step::ActsInBetween { change, by } => {
            if let Some(change) = chosen(world, *change) {
                let who = PEOPLE[*by];
                sandbox.before_next_write(change.forge, move |sandbox| {
                    let _ = sandbox.add_label(&change, who, "bug");
                });
                world.count("acts between read and write");
            }
        }
        Step::Deliver => drop(world.deliver().await?),
        Step::Lose { forge } => {
            sandbox.lose_next(*forge, 1);
            world.count("lost deliveries");
        }
        Step::Twice { new_ids: true } => {
            sandbox.duplicate_pending_under_new_ids();
            world.count("doubled deliveries");
        }
        Step::Twice { new_ids: false } => {
            sandbox.duplicate_pending();
            world.count("doubled deliveries");
        }
        Step::Shuffle { seed } => {
            sandbox.shuffle_pending(*seed);
            world.count("shuffles");
        }
        Step::Redeliver { which } => {
            if let Some(id) = world.delivered.get(*which).cloned()
                && sandbox.redeliver(&id)
            {
                world.count("redeliveries");
            }
        }
        Step::Decide => drop(world.decide().await?),
        Step::Tick => drop(world.tick().await?),
        Step::Perform => drop(world.perform().await?),
        Step::Sweep { told } => world.sweep(*told).await?,
        Step::Prune => world.prune().await?,
        Step::Settle => world.settle().await?,
        Step::Restart => world.restart().await?,
        Step::Dies(death) => world.lines.plan(Some(*death)),
        Step::DiesWriting(death) => world.disk.die_at(Some(*death)),
        Step::Pass { minutes } => world.pass(SignedDuration::from_mins(*minutes)).await?,
        Step::Outage { minutes } => {
            let end = world.now() + SignedDuration::from_mins(*minutes);
            world.company.clock.advance_to(end);
            world.count("outages");
        }
        Step::SetBack { minutes } => {
            world.count("clocks set back");
            world.set_back(SignedDuration::from_mins(*minutes)).await?;
        }
        trouble => trouble_comes(world, trouble).await?,
    }
    Ok(())
}

fn chosen(world: &World, index: usize) -> Option<ChangeRef> {
    let (forge, number, _) = world.opened.get(index % world.opened.len().max(1))?;
    world.change(*forge, *number)
}

fn act(world: &World, change: &ChangeRef, by: &str, deed: &Deed) -> Result<(), Refusal> {
    let sandbox = &world.company.sandbox;
    match deed {
        Deed::Push => sandbox.push(change, by),
        Deed::Say(text) => sandbox.comment(change, by, text).map(drop),
        Deed::Review(verdict) => sandbox.review(change, by, *verdict, "I looked at it."),
        Deed::Remark => sandbox.remark(change, by, "Why so?").map(drop),
        Deed::Resolve => first_thread(world, change, false)
            .map_or(Ok(()), |thread| sandbox.resolve_thread(change, by, thread)),
        Deed::Unresolve => first_thread(world, change, true)
            .map_or(Ok(()), |thread| sandbox.unresolve_thread(change, by, thread)),
        Deed::Unapprove => sandbox.unapprove(change, by),
        Deed::Dismiss(whose) => sandbox.dismiss_review(change, by, PEOPLE[*whose]),
        Deed::Request(whom) => sandbox.request_reviewer(change, by, PEOPLE[*whom]),
        Deed::Unrequest(whom) => sandbox.remove_reviewer(change, by, PEOPLE[*whom]),
        Deed::Label(label) => sandbox.add_label(change, by, label),
        Deed::Unlabel(label) => sandbox.remove_label(change, by, label),
        Deed::Draft => sandbox.mark_draft(change, by),
        Deed::Ready => sandbox.mark_ready(change, by),
        Deed::Retitle => sandbox.retitle(change, by, "Round VAT twice"),
        Deed::Merge => sandbox.merge(change, by),
        Deed::Close => sandbox.close(change, by),
        Deed::Reopen => sandbox.reopen(change, by),
    }
}

/// The first thread of the change that is resolved, or that is not.
fn first_thread(world: &World, change: &ChangeRef, resolved: bool) -> Option<u64> {
    let seen = world.company.sandbox.snapshot(change).ok()?;
    seen.comments.iter().find(|comment| comment.resolved == Some(resolved)).map(|comment| comment.id)
}

fn fault(how: Failure) -> Fault {
    match how {
        Failure::Error500 => Fault::status(500, "Internal Server Error"),
        Failure::NotFound => Fault::status(404, "Not Found"),
        Failure::Forbidden => Fault::status(403, "Forbidden"),
        Failure::Limited => Fault::retry_after(429, 60),
        Failure::ProxyPage => Fault::page(502, false),
        Failure::DroppedBefore => Fault::DropConnectionBeforeApplying,
        Failure::DroppedAfter => Fault::DropConnectionAfterApplying,
        Failure::CutOff => Fault::CutOff,
        Failure::Unprocessable => Fault::status(422, "Unprocessable Entity"),
    }
}

async fn trouble_comes(world: &mut World, step: &Step) -> Result<(), Broken> {
    let sandbox = world.company.sandbox.clone();
    match step {
        Step::Full { writes } => {
            world.disk.fill(*writes);
            world.count("full stores");
        }
        Step::Unreadable { forge } => world.leave_unreadable(*forge).await?,
        Step::Busy { times } => {
            world.disk.occupy(*times);
            world.count("busy stores");
        }
        Step::Fails { forge, how, writes, times } => {
            let method = if *writes { "POST" } else { "GET" };
            sandbox.fail_next(*forge, method, "", fault(*how), *times);
            world.count("faults of a forge");
        }
        Step::Mends => {
            world.disk.mend();
            mend(world);
            world.renew_tokens(true);
        }
        Step::Breaks { forge } => {
            sandbox.break_project(*forge, &path_now(world, *forge));
            world.count("broken projects");
        }
        Step::TokenDies { forge } => {
            world.kill_token(*forge);
            world.count("dead tokens");
        }
        Step::ForgeClock { forge, seconds } => {
            world.set_forge_ahead(*forge, SignedDuration::from_secs(*seconds));
            world.count("wrong clocks of a forge");
        }
        Step::Rename { forge, back } => {
            let (from, to) = (path_now(world, *forge), other_name(*forge));
            let to = if *back { project(*forge).to_owned() } else { to };
            if from != to {
                if *back {
                    world.renamed.remove(name(*forge))
                } else {
                    world.renamed.insert(name(*forge))
                };
                sandbox.rename_project(*forge, &from, &to);
                world.count("renamed projects");
            }
        }
        Step::Archive { forge, archived } => {
            sandbox.archive_project(*forge, &path_now(world, *forge), *archived);
            if *archived {
                world.archived.insert(name(*forge))
            } else {
                world.archived.remove(name(*forge))
            };
            world.count("archived projects");
        }
        Step::Leaves { forge, who } => {
            sandbox.remove_member(*forge, &path_now(world, *forge), PEOPLE[*who]);
            world.count("members who left");
        }
        Step::Comes { forge, who } => {
            sandbox.add_member(*forge, &path_now(world, *forge), PEOPLE[*who], Access::WRITE);
        }
        Step::LeavesSupport { who } => {
            sandbox.remove_group_member("acme/support", PEOPLE[*who]);
            sandbox.leave_team("acme", "support", PEOPLE[*who], "lena");
            world.count("rosters changed");
        }
        Step::Reload { variant } => {
            world.settings = match variant {
                0 => Settings::default(),
                1 => Settings { members: r#"["rita", "ravi", "dora"]"#, ..Settings::default() },
                2 => Settings { capacity: 1, ..Settings::default() },
                3 => Settings { members: r#"["rita", "nora"]"#, ..Settings::default() },
                _ => Settings { paths: true, ..Settings::default() },
            };
            world.count("reloads");
            world.reload().await?;
        }
        Step::DryRun { on } => {
            world.dry_run = *on;
            world.count("dry runs");
            world.restart().await?;
        }
        _ => return Err(format!("nobody plays {step:?}")),
    }
    Ok(())
}
