//! Companies that the laws' histories do not have: regions, groups, other logins, no route, comments
//! that show a change in part.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use usher_core::model::calendar::{Away, Hours};
use usher_core::model::change::{Account, ChangedFile, ForgeKind};
use usher_core::model::policy::{GroupRef, Route};
use usher_core::model::terms::{BoxOverride, BoxOverrides};
use usher_core::model::timebox::Budget;

use crate::laws::extras::scope;
use crate::laws::histories::tickets;
use crate::support::company::{Company, account, pattern, pool, zone};
use crate::support::forge::account_of;
use crate::support::play::Play;

/// How a company is built.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shop {
    /// As the laws have it.
    Plain,
    /// Three pools in three time zones; routes by label, branch, project and path. The forge does not
    /// know nadia.
    Regions,
    /// Pool and support are groups of the forge; one of support is in the pool, one is excepted.
    Groups,
    /// People are called otherwise on the forge.
    Logins,
    /// Only a label leads anywhere, and only some projects are watched.
    NoRoute,
    /// The change is none of Usher's business.
    Elsewhere,
}

/// How a history begins, beside what the laws know of it.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub shop: Shop,
    /// Whose change it is.
    author: &'static str,
    /// What tells of comments shows the change in part.
    comments_in_part: bool,
    /// Nobody tells that it was opened: a comment is the first that is heard of it.
    pub first_heard_by_comment: bool,
    /// Customer tickets that it is opened with; the ticket system is told of merges.
    tickets: u8,
    /// What is more than a fix, by bit.
    scope: u8,
    /// Somebody's leave: who, in how many days it begins, and how many it lasts beside the first.
    leave: Option<(u64, i64, i64)>,
    codeowners_unusable: bool,
}

pub(super) fn layout() -> impl Strategy<Value = Layout> {
    let shop = prop_oneof![
        8 => Just(Shop::Plain),
        6 => Just(Shop::Regions),
        3 => Just(Shop::Groups),
        3 => Just(Shop::Logins),
        1 => Just(Shop::NoRoute),
        1 => Just(Shop::Elsewhere),
    ];
    let author = prop_oneof![8 => Just("sam"), 2 => Just("siobhan"), 1 => Just("olga")];
    let comments = (prop::bool::weighted(0.4), prop::bool::weighted(0.1));
    let tickets = prop_oneof![2 => Just(0_u8), 1 => 1_u8..7];
    let scope = prop_oneof![3 => Just(0_u8), 1 => 1_u8..16];
    let leave = prop::option::weighted(0.4, (4_u64..8, 0_i64..4, 0_i64..9));
    let rest = (scope, leave, prop::bool::weighted(0.05));
    (shop, author, comments, tickets, rest).prop_map(|(shop, author, comments, tickets, rest)| {
        let (comments_in_part, first_heard_by_comment) = comments;
        let (scope, leave, codeowners_unusable) = rest;
        Layout {
            shop,
            author,
            comments_in_part,
            first_heard_by_comment,
            tickets,
            scope,
            leave,
            codeowners_unusable,
        }
    })
}

/// Builds the company before anything happens in it.
pub(super) fn lay_out(play: &mut Play, layout: &Layout) {
    if let Some(author) = account(layout.author) {
        play.forge.author = author;
    }
    play.forge.comments_in_part = layout.comments_in_part;
    play.forge.codeowners_unusable = layout.codeowners_unusable;
    if layout.tickets > 0 {
        play.forge.tickets = Some(tickets(layout.tickets));
        play.company.policy.announces_merges = true;
    }
    if layout.scope > 0 {
        play.company.policy.scope = scope(layout.scope);
    }
    if let Some((who, in_days, days)) = layout.leave {
        let first = play.now.to_zoned_datetime(TimeZone::UTC).date().saturating_add(in_days.days());
        let away = Away { first, last: first.saturating_add(days.days()) };
        play.company.person_mut(&account_of(who).login).away = vec![away];
    }
    let (company, kind) = (&mut play.company, play.forge.kind);
    match layout.shop {
        Shop::Plain => {}
        Shop::Regions => {
            regions(company);
            play.forge.files.push(ChangedFile { path: "web/a.ts".into(), lines: 30, owners: vec![] });
        }
        Shop::Groups => groups(company),
        Shop::Logins => {
            ["rita", "ravi", "lena", "sam"].into_iter().for_each(|name| rename(company, kind, name))
        }
        Shop::NoRoute => {
            let labelled = Route { labels: vec!["bug".into()], pool: "backend".into(), ..Route::default() };
            company.policy.routes = vec![labelled];
            company.policy.forges[0].projects = vec![pattern("acme/*")];
        }
        Shop::Elsewhere => company.policy.forges[0].projects = vec![pattern("elsewhere/**")],
    }
    play.reload();
}

fn regions(company: &mut Company) {
    let policy = &mut company.policy;
    let mut frontend = pool("frontend", &["dora", "dan", "rita", "nadia"], Some("dirk"));
    frontend.hours = Some(Arc::new(Hours::office(zone("America/New_York"))));
    frontend.capacity = 2;
    let mut india = pool("india", &["dan", "dirk"], Some("ravi"));
    india.hours = Some(Arc::new(Hours::office(zone("Asia/Kolkata"))));
    india.boxes.waiting = BoxOverride { budget: Some(Budget::Minutes(20)), steps: None };
    policy.pools.extend([frontend, india]);
    let to = |pool: &str| Route { pool: pool.into(), ..Route::default() };
    let days = BoxOverride { budget: Some(Budget::Days(2)), steps: None };
    let boxes = BoxOverrides { reviewing: days, ..BoxOverrides::default() };
    let routes = [
        Route { labels: vec!["support-priority".into(), "feature".into()], ..to("india") },
        Route { target_branches: vec![pattern("release/*")], boxes, ..to("backend") },
        Route { projects: vec![pattern("acme/store")], ..to("india") },
        Route { paths: vec![pattern("web/**")], codeowners: true, ..to("frontend") },
        Route { paths: vec![pattern("src/b*")], ..to("india") },
    ];
    policy.routes.splice(0..0, routes);
    policy.limits.max_pools = 3;
}

fn groups(company: &mut Company) {
    let group = |path: &str| GroupRef { forge: "forge".into(), path: path.into() };
    let members = |names: &[&str]| names.iter().filter_map(|name| account(name)).collect::<Vec<Account>>();
    let policy = &mut company.policy;
    policy.pools[0].groups = vec![group("acme/backend")];
    policy.pools[0].capacity = 2;
    policy.support.members.clear();
    policy.support.groups = vec![group("acme/support")];
    policy.support.except = vec!["dora".into()];
    policy.maintainers.groups = vec![group("acme/leads")];
    let known = &mut company.roster.groups;
    known.insert("acme/backend".into(), members(&["ravi", "dan", "siobhan", "otto"]));
    known.insert("acme/support".into(), members(&["sam", "siobhan", "dora"]));
    known.insert("acme/leads".into(), members(&["lena", "dirk"]));
}

/// From now on the person has another login: `rita-2`, and `rita-2-2` after that.
pub(super) fn rename(company: &mut Company, kind: ForgeKind, name: &str) {
    let Some(known) = company.roster.accounts.values().find(|known| account(name).as_ref() == Some(*known))
    else {
        return;
    };
    let renamed = Account::new(known.id, format!("{}-2", known.login));
    company.roster.accounts.retain(|_, known| *known != renamed);
    let login = renamed.login.clone();
    company.roster.accounts.insert(login.clone(), renamed);
    let own = company.person_mut(name);
    match kind {
        ForgeKind::GitLab => own.gitlab = Some(login),
        ForgeKind::GitHub => own.github = Some(login),
    }
}
