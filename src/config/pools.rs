//! `[[pool]]` and `[[route]]`: who reviews, and what.

use usher_core::model::policy::{Pool, Route, Support};

use super::calendars::Calendars;
use super::forges::ReadForge;
use super::mistakes::{Book, did_you_mean};
use super::people;
use super::reader::{Placed, Section, bare};
use super::{keys, timeboxes, units};

/// Most reviewers and approvals that a pool may want for one change.
const REVIEWERS_MOST: u32 = 20;

pub(super) fn pools(
    root: &Section<'_>,
    calendars: &Calendars,
    forges: &[ReadForge],
    support: &Support,
    book: &mut Book,
) -> Vec<Placed<Pool>> {
    if root.node("pool").is_none() {
        let todo = "begin one with a line [[pool]] and give it a name and members";
        book.mistake(root.place, "nobody reviews: there is no [[pool]]", todo);
    }
    let mut pools: Vec<Placed<Pool>> = Vec::new();
    for section in root.sections(book, "pool", &keys::POOL) {
        let Some(pool) = pool(&section, calendars, forges, support, book) else { continue };
        if pools.iter().any(|other| other.it.name.to_lowercase() == pool.it.name.to_lowercase()) {
            let what = format!("a second pool is called `{}`", pool.it.name);
            book.mistake(&pool.place, what, "each pool has a name of its own");
        }
        pools.push(pool);
    }
    pools
}

fn pool(
    section: &Section<'_>,
    calendars: &Calendars,
    forges: &[ReadForge],
    support: &Support,
    book: &mut Book,
) -> Option<Placed<Pool>> {
    let name = section.own_name(book, "routes and commands refer to it: name = \"backend\"", units::word);
    let members = section.list(book, "members", units::login);
    let groups = people::groups(section, forges, book);
    people::report_twice(&members, book);
    let given = |name: &&str| section.node(name).is_some() && !section.is_empty_list(name);
    if !["members", "gitlab_groups", "github_teams"].iter().any(given) {
        let todo = "name people: members = [\"rita\"], or a group: gitlab_groups = [\"gitlab:acme/backend\"]";
        book.mistake(section.place, "a pool without members and groups", todo);
    }
    if let ([only], true) = (&members[..], groups.is_empty())
        && support.members.iter().any(|member| member.eq_ignore_ascii_case(&only.it))
    {
        let what = format!("`{}` is in support and the only member of this pool", only.it);
        book.warning(
            &only.place,
            what,
            "nobody reviews their own change, so theirs will wait: add another member",
        );
    }
    let leads = leads(section, book);
    let (reviewers, approvals) = numbers(section, members.len(), groups.is_empty(), book);
    let capacity = people::capacity(section, book).unwrap_or(Pool::default().capacity);
    let hours = calendars.named(section, book);
    let boxes = timeboxes::own(section, book);
    let members = bare(members);
    let name = name?;
    let pool = Pool { name: name.it, members, groups, leads, reviewers, approvals, capacity, hours, boxes };
    Some(Placed { it: pool, place: name.place })
}

/// Who is told, in this order: `leads`, or `lead` where there is one.
fn leads(section: &Section<'_>, book: &mut Book) -> Vec<String> {
    let lead = section.value(book, "lead", units::login);
    let leads = section.list(book, "leads", units::login);
    people::report_twice(&leads, book);
    if let (Some(lead), Some(place)) = (&lead, section.key_place("leads")) {
        let what = format!("`lead` names `{}`, and `leads` names leads as well", lead.it);
        book.mistake(place, what, "write all of them in `leads`, in the order in which they are told");
    }
    lead.into_iter().chain(leads).map(|lead| lead.it).collect()
}

/// How many are asked, and how many must approve.
fn numbers(section: &Section<'_>, members: usize, only_members: bool, book: &mut Book) -> (u32, u32) {
    let reviewers = section.value(book, "reviewers", units::count(1, REVIEWERS_MOST));
    let approvals = section.value(book, "approvals", units::count(1, REVIEWERS_MOST));
    let asked = reviewers.as_ref().map_or(1, |reviewers| reviewers.it);
    let needed = approvals.as_ref().map_or(1, |approvals| approvals.it);
    let not_understood = reviewers.is_none() && section.node("reviewers").is_some();
    if let Some(approvals) = approvals.filter(|approvals| approvals.it > asked && !not_understood) {
        let what = format!("{needed} approvals are needed, but `reviewers` is {asked}");
        book.mistake(
            &approvals.place,
            what,
            format!("ask {needed} reviewers, or be content with fewer approvals"),
        );
    }
    if let Some(reviewers) = reviewers.filter(|_| only_members && members > 0 && asked as usize > members) {
        let what = format!("{asked} reviewers are asked of a pool of {members}");
        book.mistake(&reviewers.place, what, "add members, or ask fewer");
    }
    (asked, needed)
}

/// The routes; without any, everything goes to the only pool.
pub(super) fn routes(
    root: &Section<'_>,
    pools: &[Placed<Pool>],
    forges: &[ReadForge],
    book: &mut Book,
) -> Vec<Route> {
    if root.node("route").is_none() {
        if let [_, second, ..] = pools {
            let todo = "add [[route]]s that say which change goes to which pool, first match wins";
            book.mistake(&second.place, "several pools, but no [[route]]", todo);
        }
        return pools
            .first()
            .map(|pool| Route { pool: pool.it.name.clone(), ..Route::default() })
            .into_iter()
            .collect();
    }
    let mut routes: Vec<Route> = Vec::new();
    let mut all_taken = false;
    let mut broken = false;
    for section in root.sections(book, "route", &keys::ROUTE) {
        if all_taken {
            let todo = "put it before the route without conditions: the first match wins";
            book.warning(section.place, "this route is never reached", todo);
            all_taken = false; // Saying it once is enough.
        }
        let Some(route) = route(&section, pools, forges, book) else {
            broken = true;
            continue;
        };
        let conditions = ["projects", "paths", "labels", "target_branches", "forges"];
        all_taken |=
            conditions.iter().all(|name| section.node(name).is_none() || section.is_empty_list(name));
        routes.push(route);
    }
    for pool in pools.iter().filter(|_| !broken) {
        if !routes.iter().any(|route| route.pool == pool.it.name) {
            let what = format!("no route leads to the pool `{}`", pool.it.name);
            book.warning(&pool.place, what, "changes only get there by the command `pool`; add a [[route]]");
        }
    }
    routes
}

fn route(
    section: &Section<'_>,
    pools: &[Placed<Pool>],
    forges: &[ReadForge],
    book: &mut Book,
) -> Option<Route> {
    let pool = pool_of_route(section, pools, book);
    let on_forges = section.list(book, "forges", units::text);
    for name in &on_forges {
        if !forges.iter().any(|forge| forge.name.it == name.it) {
            people::report_no_forge(&name.it, &name.place, forges, book);
        }
    }
    let codeowners = section.value(book, "codeowners", units::boolean).filter(|value| value.it);
    if let (Some(codeowners), Some(pool)) = (&codeowners, &pool)
        && let Some([only]) = members_of(pools, &pool.it)
    {
        let what = format!("`{only}` is the only member of the pool `{}`", pool.it);
        let todo = "owners are chosen among the pool's members, so CODEOWNERS makes no difference here";
        book.warning(&codeowners.place, what, todo);
    }
    let route = Route {
        pool: String::new(),
        codeowners: codeowners.is_some(),
        boxes: timeboxes::own(section, book),
        forges: bare(on_forges),
        projects: bare(section.list(book, "projects", units::project_pattern)),
        paths: bare(section.list(book, "paths", units::pattern)),
        labels: bare(section.list(book, "labels", units::text)),
        target_branches: bare(section.list(book, "target_branches", units::pattern)),
    };
    Some(Route { pool: pool?.it, ..route })
}

/// The members of a pool that has no groups.
fn members_of<'p>(pools: &'p [Placed<Pool>], name: &str) -> Option<&'p [String]> {
    let pool = pools.iter().find(|pool| pool.it.name == name)?;
    pool.it.groups.is_empty().then_some(pool.it.members.as_slice())
}

fn pool_of_route(section: &Section<'_>, pools: &[Placed<Pool>], book: &mut Book) -> Option<Placed<String>> {
    let pool = section.required(book, "pool", "name the pool: pool = \"backend\"", units::text)?;
    if pools.iter().any(|other| other.it.name == pool.it) {
        return Some(pool);
    }
    let names: Vec<&str> = pools.iter().map(|pool| pool.it.name.as_str()).collect();
    let todo = did_you_mean(&pool.it, &names, "describe it with a [[pool]] of that name");
    book.mistake(&pool.place, format!("there is no pool `{}`", pool.it), todo);
    None
}
