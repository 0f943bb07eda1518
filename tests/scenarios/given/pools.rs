//! Pools, routes that lead to them, and owners of files.

use usher_core::model::policy::{GroupRef, Route};

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{names, number, people, person};
use crate::support::company::{self, pattern};

pub(super) const LINES: &[Line<()>] = lines! {
    "the pool {docs} has {dora, dirk}, led by {dan}" => has,
        "A pool of this name is added or replaced; `nobody` may be in it or lead it.";
    "the configuration calls {rita} {Rita}" => calls,
        "Another name for the same account, in all pools and lists.";
    "the lead of {backend} is {lena}" => lead_is, "The pool gets this lead, or `nobody`.";
    "the leads of {backend} are {lena, dan}" => lead_is, "The pool gets these leads, who are told in this order.";
    "support is led by {lena}" => support_is_led_by, "`[support] lead` names her.";
    "the contact is {lena}" => contact_is, "`[escalation] contact` names her.";
    "the pool {docs} is gone" => is_gone, "The configuration loses the pool and all routes to it.";
    "{backend} needs {2} approvals" => needs,
        "A change in this pool is ready to merge after so many approvals.";
    "{backend} asks {2} reviewers" => asks, "The pool asks so many people at once.";
    "{backend} takes in the group {acme/x} with {dirk, dan}" => takes_in,
        "A group of the forge belongs to the pool; these people are in the group.";
    "changes labelled {bug} belong to {backend}" => labelled, "The first route is for this label.";
    "changes for branch {main} belong to {backend}" => for_branch,
        "The first route is for this target branch.";
    "{docs/**} belongs to {docs}" => belongs_to, "The first route is for these changed files.";
    "nothing belongs anywhere else" => nothing_else, "The configuration loses the routes without condition.";
    "CODEOWNERS says {docs/ @rita}" => codeowners_says, "The file has this line, too.";
    "there is no CODEOWNERS" => |story, []| { story.play.forge.codeowners = None; Ok(()) },
        "The file is gone.";
    "the owners of changed files are asked first" => owners_first,
        "Every route so far has `codeowners = true`.";
};

fn has(story: &mut Story, [pool, members, lead]: [&str; 3]) -> Told {
    let members = if members == "nobody" { vec![] } else { names(members) };
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let pools = &mut story.play.company.policy.pools;
    pools.retain(|known| known.name != pool);
    pools.push(company::pool(pool, &members, (lead != "nobody").then_some(lead)));
    Ok(())
}

fn calls(story: &mut Story, [old, new]: [&str; 2]) -> Told {
    let (login, policy) = (person(old)?.login, &mut story.play.company.policy);
    let members = policy.pools.iter_mut().flat_map(|pool| pool.members.iter_mut().chain(&mut pool.leads));
    members
        .chain(&mut policy.support.members)
        .filter(|name| *name == old)
        .for_each(|name| *name = new.into());
    let mut own = policy.people.remove(old).unwrap_or_default();
    (own.gitlab, own.github) = (Some(login.clone()), Some(login));
    policy.people.insert(new.to_owned(), own);
    Ok(())
}

fn support_is_led_by(story: &mut Story, [who]: [&str; 1]) -> Told {
    person(who)?;
    story.play.company.policy.support.lead = Some(who.to_owned());
    story.play.reload();
    Ok(())
}

fn lead_is(story: &mut Story, [pool, lead]: [&str; 2]) -> Told {
    story.pool_mut(pool)?.leads = match lead {
        "nobody" => vec![],
        leads => leads.split(", ").map(str::to_owned).collect(),
    };
    Ok(())
}

fn contact_is(story: &mut Story, [contact]: [&str; 1]) -> Told {
    story.play.company.policy.contact = Some(contact.to_owned());
    Ok(())
}

fn is_gone(story: &mut Story, [pool]: [&str; 1]) -> Told {
    let policy = &mut story.play.company.policy;
    policy.pools.retain(|known| known.name != pool);
    policy.routes.retain(|route| route.pool != pool);
    Ok(())
}

fn needs(story: &mut Story, [pool, approvals]: [&str; 2]) -> Told {
    story.pool_mut(pool)?.approvals = number(approvals)?;
    Ok(())
}

fn asks(story: &mut Story, [pool, reviewers]: [&str; 2]) -> Told {
    story.pool_mut(pool)?.reviewers = number(reviewers)?;
    Ok(())
}

fn takes_in(story: &mut Story, [pool, group, members]: [&str; 3]) -> Told {
    let accounts = people(members)?;
    story.pool_mut(pool)?.groups.push(GroupRef { forge: "forge".into(), path: group.into() });
    story.play.company.roster.groups.insert(group.to_owned(), accounts);
    Ok(())
}

fn route_first(story: &mut Story, pool: &str, route: Route) -> Told {
    story.play.company.policy.routes.insert(0, Route { pool: pool.to_owned(), ..route });
    Ok(())
}

fn labelled(story: &mut Story, [label, pool]: [&str; 2]) -> Told {
    route_first(story, pool, Route { labels: vec![label.to_owned()], ..Route::default() })
}

fn for_branch(story: &mut Story, [branch, pool]: [&str; 2]) -> Told {
    route_first(story, pool, Route { target_branches: vec![pattern(branch)], ..Route::default() })
}

fn belongs_to(story: &mut Story, [path, pool]: [&str; 2]) -> Told {
    route_first(story, pool, Route { paths: vec![pattern(path)], ..Route::default() })
}

fn nothing_else(story: &mut Story, []: [&str; 0]) -> Told {
    let routes = &mut story.play.company.policy.routes;
    routes.retain(|route| !(route.paths.is_empty() && route.labels.is_empty()));
    Ok(())
}

fn codeowners_says(story: &mut Story, [entry]: [&str; 1]) -> Told {
    let text = story.play.forge.codeowners.get_or_insert_default();
    text.push_str(entry);
    text.push('\n');
    Ok(())
}

fn owners_first(story: &mut Story, []: [&str; 0]) -> Told {
    story.play.company.policy.routes.iter_mut().for_each(|route| route.codeowners = true);
    Ok(())
}
