use super::*;
use jiff::Timestamp;

use crate::audit::words;
use usher_core::model::access::BotRights;
use usher_core::model::change::Account;
use usher_core::model::policy::{ForgePolicy, GroupRef, Pattern, Pool, Support};

const KINDS: [ForgeKind; 2] = [ForgeKind::GitLab, ForgeKind::GitHub];

/// Sam and siobhan are in support by the group `acme/support`, rita and ravi in the pool `backend`;
/// the route `docs` leads from every project if `docs` is set.
struct Office {
    policy: Policy,
    roster: Roster,
}

fn office(kind: ForgeKind, docs: bool) -> Office {
    let all = vec![Pattern::new("**").unwrap()];
    let pool = |name: &str, members: &[&str]| Pool {
        name: name.into(),
        members: members.iter().map(|one| (*one).to_owned()).collect(),
        ..Pool::default()
    };
    let route = |pool: &str| Route { pool: pool.into(), ..Route::default() };
    let mut routes = vec![route("backend")];
    if docs {
        routes.push(Route { paths: vec![Pattern::new("docs/**").unwrap()], ..route("writers") });
    }
    let support = GroupRef { forge: "f".into(), path: "acme/support".into() };
    let policy = Policy {
        forges: vec![ForgePolicy::new("f", kind, all)],
        support: Support { groups: vec![support], ..Support::default() },
        pools: vec![pool("backend", &["rita", "ravi"]), pool("writers", &["dora"])],
        routes,
        ..Policy::default()
    };
    let account = |id: u64, login: &str| (login.to_owned(), Account::new(id, login));
    let roster = Roster {
        fetched_at: Some(Timestamp::UNIX_EPOCH),
        accounts: [account(3, "rita"), account(4, "ravi"), account(5, "dora")].into(),
        groups: [("acme/support".into(), vec![Account::new(1, "sam"), Account::new(2, "siobhan")])].into(),
        ..Roster::default()
    };
    Office { policy, roster }
}

impl Office {
    fn judge(&self, projects: Vec<ProjectFacts>) -> AccessReport {
        let directory = Directory::new(&self.policy, "f", &self.roster);
        let facts = AccessFacts { projects, ..AccessFacts::new(Timestamp::UNIX_EPOCH) };
        judge(&self.policy, "f", &directory, &self.roster, &facts)
    }
}

/// A private project in which everybody who matters may do everything.
fn healthy(project: &str) -> ProjectFacts {
    ProjectFacts {
        project: project.into(),
        members: Some((1..=5).map(|id| (id, Rank::Write)).collect()),
        bot: BotRights::Role(Rank::Maintain),
        ..ProjectFacts::default()
    }
}

fn with(mut facts: ProjectFacts, id: u64, rank: Rank) -> ProjectFacts {
    facts.members.as_mut().unwrap().insert(id, rank);
    facts
}

fn said(kind: ForgeKind, report: &AccessReport) -> Vec<String> {
    let told = |gap: &Gap| format!("{}: {}", words::access_gap(gap), words::access_remedy(kind, gap));
    report.gaps.iter().map(told).collect()
}

#[test]
fn where_everybody_may_do_what_they_need_nothing_is_missing() {
    for kind in KINDS {
        let report = office(kind, true).judge(vec![healthy("acme/shop")]);
        assert_eq!((said(kind, &report), report.bot.len()), (Vec::new(), 0));
        assert!(!report.has_gaps() && report.rows.len() == 5, "{report:#?}");
    }
}

#[test]
fn support_without_read_access_is_the_first_gap_and_the_smallest_role_closes_it() {
    let shop = with(healthy("acme/shop"), 1, Rank::Guest);
    let report = office(ForgeKind::GitLab, false).judge(vec![shop.clone()]);
    let expected = "sam cannot read the code or open a change in acme/shop: give sam Reporter on acme/shop, \
                    or give it to the whole group acme/support";
    assert_eq!(said(ForgeKind::GitLab, &report), [expected]);
    assert!(report.has_gaps());
    let report = office(ForgeKind::GitHub, false).judge(vec![with(shop, 1, Rank::Nobody)]);
    let expected = "sam cannot read the code or open a change in acme/shop: give sam read on acme/shop, \
                    or give it to the whole team acme/support";
    assert_eq!(said(ForgeKind::GitHub, &report), [expected]);
}

#[test]
fn a_group_that_has_the_role_already_is_the_better_advice() {
    let mut shop = with(healthy("acme/shop"), 1, Rank::Nobody);
    shop.groups = vec![
        ("acme/owners".into(), Rank::Admin),
        ("acme/guests".into(), Rank::Guest),
        ("acme/support-readers".into(), Rank::Read),
    ];
    let report = office(ForgeKind::GitLab, false).judge(vec![shop]);
    let told = said(ForgeKind::GitLab, &report);
    assert!(told[0].ends_with("or add sam to the group acme/support-readers, which has it"), "{told:?}");
}

#[test]
fn without_forks_a_change_takes_the_right_to_push() {
    let shop = ProjectFacts { forks: Reach::Off, ..with(healthy("acme/shop"), 2, Rank::Read) };
    let report = office(ForgeKind::GitLab, false).judge(vec![shop.clone()]);
    let told = said(ForgeKind::GitLab, &report);
    assert!(
        told[0].starts_with("siobhan cannot open a change in acme/shop: give siobhan Developer"),
        "{told:?}"
    );
    // GitHub: pull requests from collaborators only.
    let shop = ProjectFacts { forks: Reach::Everybody, writers_only: true, ..shop };
    let report = office(ForgeKind::GitHub, false).judge(vec![shop]);
    let told = said(ForgeKind::GitHub, &report);
    assert!(told[0].starts_with("siobhan cannot open a change in acme/shop: give siobhan write"), "{told:?}");
}

#[test]
fn pushing_is_asked_for_only_where_a_route_is_about_docs() {
    let reads = || vec![with(healthy("acme/shop"), 1, Rank::Read)];
    for kind in KINDS {
        assert!(!office(kind, false).judge(reads()).has_gaps());
        let report = office(kind, true).judge(reads());
        assert_eq!(report.gaps[0].lacks, [Need::PushDocs].into());
        let Remedy::Grant { rank, .. } = report.gaps[0].remedy else { panic!("{report:?}") };
        assert_eq!(rank, Rank::Write);
    }
    let about = |paths: &[&str]| {
        let paths = paths.iter().map(|path| Pattern::new(path).unwrap()).collect();
        is_about_docs(&Route { paths, ..Route::default() })
    };
    assert!(about(&["docs/**"]) && about(&["src/**", "**/*.md"]) && about(&["Documentation/x"]));
    assert!(!about(&[]) && !about(&["src/docserver/**"]) && !about(&["**/*.mdb"]));
}

#[test]
fn a_reviewer_who_only_reads_may_be_asked_but_does_not_count() {
    for kind in KINDS {
        let report = office(kind, false).judge(vec![with(healthy("acme/shop"), 4, Rank::Read)]);
        assert_eq!(
            (&report.gaps[0].people, &report.gaps[0].lacks),
            (&vec!["ravi".into()], &[Need::Approve].into())
        );
        let report = office(kind, false).judge(vec![with(healthy("acme/shop"), 4, Rank::Nobody)]);
        assert_eq!(report.gaps[0].lacks, [Need::BeAsked, Need::Approve].into());
    }
    // In public a reader of GitLab may be asked without a role, and on GitHub not.
    let public = ProjectFacts { public: true, ..with(healthy("acme/shop"), 4, Rank::Nobody) };
    let lacks = |kind| office(kind, false).judge(vec![public.clone()]).gaps[0].lacks.len();
    assert_eq!((lacks(ForgeKind::GitLab), lacks(ForgeKind::GitHub)), (1, 2));
}

#[test]
fn a_reviewer_of_another_route_needs_nothing_here() {
    let mut office = office(ForgeKind::GitLab, false);
    office.policy.routes[0].projects = vec![Pattern::new("acme/tools").unwrap()];
    let report = office.judge(vec![with(healthy("acme/shop"), 4, Rank::Nobody)]);
    assert!(!report.has_gaps() && report.rows.iter().all(|row| row.support), "{report:?}");
}

#[test]
fn what_no_role_brings_is_a_matter_of_settings() {
    let shop = ProjectFacts { changes: Reach::Off, ..healthy("acme/shop") };
    let report = office(ForgeKind::GitLab, false).judge(vec![shop]);
    let told = said(ForgeKind::GitLab, &report);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with("no role helps: switch merge requests on in acme/shop"), "{told:?}");
    let shop = ProjectFacts { code: Reach::Off, ..with(healthy("acme/shop"), 1, Rank::Nobody) };
    let report = office(ForgeKind::GitHub, false).judge(vec![shop]);
    assert!(report.gaps.iter().any(|gap| gap.remedy == Remedy::Switch(Setting::Code)));
}

#[test]
fn the_same_gap_of_many_people_in_many_projects_is_told_once() {
    let shut = |name: &str| with(with(healthy(name), 1, Rank::Nobody), 2, Rank::Nobody);
    let names: Vec<String> = (0..8).map(|n| format!("acme/p{n}")).collect();
    let report = office(ForgeKind::GitLab, false).judge(names.iter().map(|name| shut(name)).collect());
    assert_eq!(report.gaps.len(), 1, "{:?}", report.gaps);
    let told = said(ForgeKind::GitLab, &report).remove(0);
    let place = "acme/p0, acme/p1, acme/p2, acme/p3, acme/p4 and 3 more";
    assert!(told.starts_with(&format!("sam and siobhan cannot read the code or open a change in {place}:")));
    assert!(told.contains("give them Reporter on each"), "{told}");
    assert_eq!(report.gaps[0].projects, names);
}

#[test]
fn members_who_could_not_be_read_are_a_gap_and_no_guess() {
    let fault = Some("refused with 403: no".into());
    let shop = ProjectFacts { members: None, fault, ..healthy("acme/shop") };
    let report = office(ForgeKind::GitHub, true).judge(vec![shop]);
    assert!(report.has_gaps() && report.gaps.is_empty());
    assert!(report.rows.iter().all(|row| row.may.is_none() && row.lacks.is_empty()));
    let unread = Unread { projects: vec!["acme/shop".into()], why: "refused with 403: no".into() };
    assert_eq!(report.unread, [unread]);
    // The same answer for many projects is told once.
    let shut = |name: &str| ProjectFacts { members: None, fault: Some("no".into()), ..healthy(name) };
    let report = office(ForgeKind::GitHub, true).judge(vec![shut("acme/a"), shut("acme/b")]);
    let (what, remedy) = words::access_unread(ForgeKind::GitHub, "usher", &report.unread[0]);
    assert_eq!(what, "who may do what in acme/a and acme/b could not be read: no");
    assert_eq!((remedy.as_str(), report.unread.len()), ("give usher write on each", 1));
}

#[test]
fn a_project_that_usher_cannot_see_is_a_gap() {
    let office = office(ForgeKind::GitLab, false);
    let directory = Directory::new(&office.policy, "f", &office.roster);
    let unseen = vec![Unseen { place: "acme/gone".into(), why: "not found".into() }];
    let facts = AccessFacts { unseen, ..AccessFacts::new(Timestamp::UNIX_EPOCH) };
    let report = judge(&office.policy, "f", &directory, &office.roster, &facts);
    assert!(report.has_gaps());
    let (what, remedy) = words::access_unseen(ForgeKind::GitLab, "usher", &report.unseen[0]);
    assert_eq!(what, "Usher cannot see acme/gone: not found");
    assert_eq!(remedy, "give usher Developer there, or correct the list of projects in the configuration");
}

#[test]
fn a_team_can_only_be_given_a_role_in_projects_of_its_own_organisation() {
    let project = |owner: &str| with(healthy(&format!("{owner}/notes")), 1, Rank::Nobody);
    let remedy = |kind, owner: &str| {
        let report = office(kind, false).judge(vec![project(owner)]);
        words::access_remedy(kind, &report.gaps[0])
    };
    assert_eq!(
        remedy(ForgeKind::GitHub, "Acme"),
        "give sam read on Acme/notes, or give it to the whole team acme/support"
    );
    assert_eq!(remedy(ForgeKind::GitHub, "lena"), "give sam read on lena/notes");
    assert!(remedy(ForgeKind::GitLab, "lena").ends_with("or give it to the whole group acme/support"));
}

#[test]
fn usher_itself_needs_a_role_for_each_thing_it_does() {
    let bot = |kind, rights: BotRights| {
        let shop = ProjectFacts { bot: rights, ..healthy("acme/shop") };
        let report = office(kind, false).judge(vec![shop]);
        let told = report.bot.iter().map(|gap| {
            format!("{}: {}", words::access_bot_gap(gap), words::access_bot_remedy(kind, "usher", gap))
        });
        (report.has_gaps(), told.collect::<Vec<_>>())
    };
    let (gaps, told) = bot(ForgeKind::GitLab, BotRights::Role(Rank::Write));
    let hooks = "Usher cannot watch its webhooks in acme/shop: it works without; give usher Maintainer on \
                 acme/shop if you want that";
    assert_eq!((gaps, told.as_slice()), (false, [hooks.to_owned()].as_slice()));
    let (gaps, told) = bot(ForgeKind::GitLab, BotRights::Role(Rank::Read));
    assert!(gaps);
    assert_eq!(
        told[0],
        "Usher cannot set labels or ask reviewers in acme/shop: give usher Developer on acme/shop"
    );
    let (gaps, told) = bot(ForgeKind::GitHub, BotRights::Role(Rank::Triage));
    assert!(gaps);
    assert_eq!(
        told,
        ["Usher cannot create labels or read the members in acme/shop: give usher write on acme/shop"]
    );
    assert_eq!(bot(ForgeKind::GitHub, BotRights::Role(Rank::Write)), (false, vec![]));
    let granted = |level: &str| {
        let all = [("pull_requests", level), ("issues", "write")];
        BotRights::Permissions(all.map(|(name, level)| (name.to_owned(), level.to_owned())).into())
    };
    assert_eq!(bot(ForgeKind::GitHub, granted("write")), (false, vec![]));
    let (gaps, told) = bot(ForgeKind::GitHub, granted("read"));
    assert!(gaps && told[0].ends_with("let the App have pull_requests: write on acme/shop"), "{told:?}");
}

#[test]
fn new_access_levels_count_as_the_one_below() {
    let levels = [0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 999].map(Rank::of_gitlab);
    use Rank::{Admin, Guest, Maintain, Nobody, Read, Write};
    assert_eq!(levels, [Nobody, Nobody, Guest, Guest, Read, Read, Write, Maintain, Admin, Admin, Admin]);
}

#[test]
fn a_person_without_an_account_is_named_and_no_gap() {
    let mut office = office(ForgeKind::GitLab, false);
    office.policy.support.members.push("simon".into());
    let report = office.judge(vec![healthy("acme/shop")]);
    assert_eq!(report.strangers, ["simon"]);
    assert!(!report.has_gaps());
}
