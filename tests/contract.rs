//! One story, both forges: the real clients against the sandbox, over the wire.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use usher::clock::Clock;
use usher::forge::{BotRole, Client, ClientConfig, Credentials, ForgeFault, Hint, HookPlace, Since};
use usher_core::model::action::{Comment, DesiredState, Write};
use usher_core::model::change::{Account, ChangeKey, ChangeState, ChangedFile, ForgeKind, OwnersFile};
use usher_core::model::fact::{CommentPlace, Fact, Refusal};
use usher_core::model::people::RosterWish;
use usher_core::model::policy::Pattern;
use usher_sandbox::{Access, ChangeRef, Forge, NewChange, Sandbox, Tier, Verdict};

const PROJECT: &str = "acme/shop";

/// A small company on both forges, seen through the client of one of them.
struct Town {
    sandbox: Sandbox,
    clock: Clock,
    forge: Forge,
    client: Client,
}

impl Town {
    /// The same town twice: once with GitLab's client, once with GitHub's.
    async fn both() -> [Town; 2] {
        [Town::new(Forge::Gitlab).await, Town::new(Forge::Github).await]
    }

    async fn new(forge: Forge) -> Town {
        let clock = Clock::virtual_at("2026-03-02T09:00:00Z".parse().unwrap());
        let sandbox = crate::wire::tape::sandbox(clock.clone()).await;
        for login in ["sam", "rita", "ravi"] {
            sandbox.add_member(forge, PROJECT, login, Access::WRITE);
        }
        sandbox.add_user(forge, "olga", "Olga Outsider");
        sandbox.add_bot(forge, "usher", "Usher");
        sandbox.add_member(forge, PROJECT, "usher", Access::MAINTAIN);
        sandbox.add_token(forge, "bot-token", "usher");
        sandbox.add_group_member("acme/support", "sam", Access::READ);
        sandbox.add_team("acme", "support", None, &["sam"]);
        let client = client(&sandbox, &clock, forge, "acme/*");
        Town { sandbox, clock, forge, client }
    }

    fn open(&self) -> ChangeRef {
        self.sandbox.open_change(self.forge, PROJECT, NewChange::by("sam", "Fix the typo")).unwrap()
    }

    fn account(&self, login: &str) -> Account {
        Account::new(self.sandbox.add_user(self.forge, login, login), login)
    }

    fn shape(&self, reviewers: &[&str], labels: &[&str], not_labels: &[&str]) -> Write {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Write::Desired(DesiredState {
            reviewers: reviewers.iter().map(|login| self.account(login)).collect(),
            reviewers_again: BTreeSet::new(),
            not_reviewers: BTreeSet::new(),
            labels: words(labels),
            not_labels: words(not_labels),
        })
    }

    async fn perform(&self, at: &ChangeRef, action: &Write) -> usher::forge::Performed {
        self.client.perform(&key(at), action, Hint::default()).await.unwrap()
    }

    fn traffic(&self) -> (usize, usize) {
        let traffic = (self.sandbox.reads(), self.sandbox.writes());
        self.sandbox.clear_requests();
        traffic
    }

    fn pass_minutes(&self, minutes: i64) {
        self.clock.advance_to(self.clock.now() + SignedDuration::from_mins(minutes));
    }

    fn is_gitlab(&self) -> bool {
        self.forge == Forge::Gitlab
    }
}

/// A client of `forge` that watches `projects`.
fn client(sandbox: &Sandbox, clock: &Clock, forge: Forge, projects: &str) -> Client {
    let (kind, url) = match forge {
        Forge::Gitlab => (ForgeKind::GitLab, sandbox.gitlab_url()),
        Forge::Github => (ForgeKind::GitHub, sandbox.github_url()),
    };
    let config = ClientConfig {
        name: "here".into(),
        kind,
        url,
        credentials: Credentials::Token("bot-token".into()),
        projects: vec![Pattern::new(projects).unwrap()],
        user_agent: "usher/test".into(),
    };
    Client::new(config, clock.clone()).unwrap()
}

fn key(at: &ChangeRef) -> ChangeKey {
    ChangeKey::new("here", at.project.clone(), at.number)
}

fn status(body: &str) -> Write {
    Write::Comment(Comment::Status { body: format!("<!-- usher:status -->\n{body}") })
}

const STAGE: [&str; 2] = ["support-contribution", "support-review::reviewing"];

#[tokio::test]
async fn opening_keeps_the_budget_and_a_second_time_writes_nothing() {
    for town in Town::both().await {
        let at = town.open();
        let shape = town.shape(&["rita"], &STAGE, &["support-review::waiting"]);
        town.perform(&at, &shape).await;
        let comment = town.perform(&at, &status("hello")).await.comment;
        assert_eq!(town.traffic(), (1, 3), "{:?}", town.forge);
        let seen = town.sandbox.snapshot(&at).unwrap();
        assert_eq!(seen.reviewer_logins(), ["rita"]);
        assert_eq!(BTreeSet::from_iter(seen.labels.iter().map(String::as_str)), BTreeSet::from(STAGE));
        assert_eq!(comment, Some(seen.comments_by("usher")[0].id));
        assert!(town.perform(&at, &shape).await.facts.is_empty());
        assert_eq!(town.traffic(), (1, 0));
        let known = Hint { comment_id: comment, look_up: false };
        town.client.perform(&key(&at), &status("bye"), known).await.unwrap();
        let seen = town.sandbox.snapshot(&at).unwrap();
        assert_eq!(seen.comments.len(), 1);
        assert!(seen.comments[0].body.contains("bye") && seen.comments[0].edits == 1);
    }
}

#[tokio::test]
async fn what_people_set_stays_and_only_what_is_named_goes() {
    for town in Town::both().await {
        let at = town.open();
        town.sandbox.request_reviewer(&at, "sam", "ravi").unwrap();
        town.sandbox.add_label(&at, "sam", "bug").unwrap();
        town.perform(&at, &town.shape(&["rita"], &["overdue"], &[])).await;
        let unwanted =
            DesiredState { not_reviewers: [town.account("rita")].into(), ..DesiredState::default() };
        let unwanted = DesiredState { not_labels: ["overdue".to_owned(), "gone".into()].into(), ..unwanted };
        town.perform(&at, &Write::Desired(unwanted)).await;
        let seen = town.sandbox.snapshot(&at).unwrap();
        assert_eq!((seen.reviewer_logins(), seen.labels.join(" ")), (vec!["ravi"], "bug".to_owned()));
    }
}

#[tokio::test]
async fn whoever_cannot_review_is_told_and_the_others_are_asked() {
    for town in Town::both().await {
        let at = town.open();
        let facts = town.perform(&at, &town.shape(&["olga", "rita", "ravi"], &[], &[])).await.facts;
        let refusal = if town.is_gitlab() { Refusal::Dropped } else { Refusal::NotAllowed };
        assert_eq!(facts, [Fact::Refused { reviewer: town.account("olga"), refusal }]);
        let mut asked = town.sandbox.snapshot(&at).unwrap().reviewer_logins().join(" ");
        if asked == "ravi rita" {
            asked = "rita ravi".into();
        }
        assert_eq!(asked, "rita ravi");
    }
}

#[tokio::test]
async fn gitlab_free_keeps_the_reviewer_a_person_chose() {
    let town = Town::new(Forge::Gitlab).await;
    town.sandbox.set_gitlab_tier(Tier::Free);
    let at = town.open();
    // Ravi's id is the larger one: sorted by id, he would be the one to go.
    town.sandbox.request_reviewer(&at, "sam", "ravi").unwrap();
    let facts = town.perform(&at, &town.shape(&["rita"], &[], &[])).await.facts;
    let rita = town.account("rita");
    assert!(rita.id < town.account("ravi").id);
    assert_eq!(facts, [Fact::Refused { reviewer: rita, refusal: Refusal::OneReviewerOnly }]);
    assert_eq!(town.sandbox.snapshot(&at).unwrap().reviewer_logins(), ["ravi"]);
}

/// Before and after GitLab's schema tells whether a change may have several reviewers.
#[tokio::test]
async fn gitlab_free_is_known_before_the_write_where_its_schema_tells() {
    for (tells, writes) in [(false, 1), (true, 0)] {
        let town = Town::new(Forge::Gitlab).await;
        town.sandbox.set_gitlab_tier(Tier::Free);
        town.sandbox.gitlab_tells_reviewer_limit(tells);
        let at = town.open();
        town.sandbox.request_reviewer(&at, "sam", "ravi").unwrap();
        for _ in 0..2 {
            let before = town.sandbox.writes();
            let facts = town.perform(&at, &town.shape(&["rita"], &[], &[])).await.facts;
            assert_eq!(
                facts,
                [Fact::Refused { reviewer: town.account("rita"), refusal: Refusal::OneReviewerOnly }]
            );
            assert_eq!(town.sandbox.writes() - before, writes, "{tells}");
        }
    }
}

#[tokio::test]
async fn on_premium_a_second_reviewer_without_access_is_not_taken_for_the_free_tier() {
    let town = Town::new(Forge::Gitlab).await;
    let at = town.open();
    town.perform(&at, &town.shape(&["rita"], &[], &[])).await;
    town.sandbox.add_user(Forge::Gitlab, "stranger", "Stranger");
    let performed = town.perform(&at, &town.shape(&["rita", "stranger"], &[], &[])).await;
    let refused = Fact::Refused { reviewer: town.account("stranger"), refusal: Refusal::Dropped };
    assert_eq!(performed.facts, [refused]);
}

#[tokio::test]
async fn a_lost_answer_never_becomes_a_second_comment() {
    let after = usher_sandbox::Fault::DropConnectionAfterApplying;
    let before = usher_sandbox::Fault::DropConnectionBeforeApplying;
    for (fault, written) in [(after, 1), (before, 0)] {
        for town in Town::both().await {
            let at = town.open();
            let part = if town.is_gitlab() { "/notes" } else { "/comments" };
            town.sandbox.fail_next(town.forge, "POST", part, fault.clone(), 1);
            let lost = town.client.perform(&key(&at), &status("hello"), Hint::default()).await.unwrap_err();
            assert!(matches!(lost, ForgeFault::Retry { outcome_unknown: true, .. }), "{lost}");
            assert_eq!(town.sandbox.snapshot(&at).unwrap().comments.len(), written);
            // The project is left alone for a second after a failure.
            town.clock.advance_to(town.clock.now() + SignedDuration::from_secs(2));
            let look = Hint { comment_id: None, look_up: true };
            let done = town.client.perform(&key(&at), &status("hello again"), look).await.unwrap();
            let comments = town.sandbox.snapshot(&at).unwrap().comments;
            assert_eq!(comments.len(), 1);
            assert_eq!(done.comment, Some(comments[0].id));
            assert!(comments[0].body.contains("hello again"));
        }
    }
}

#[tokio::test]
async fn who_has_approved_is_not_asked_again() {
    for town in Town::both().await {
        let at = town.open();
        let shape = town.shape(&["rita"], &STAGE, &[]);
        town.perform(&at, &shape).await;
        town.pass_minutes(30);
        town.sandbox.review(&at, "rita", Verdict::Approve, "").unwrap();
        town.traffic();
        town.perform(&at, &shape).await;
        assert_eq!(town.traffic().1, 0, "{:?}", town.forge);
        let seen = town.client.observe(&key(&at)).await.unwrap();
        let rita = &seen.reviewers.unwrap().list[0];
        assert_eq!(rita.account, town.account("rita"));
        let (verdict, when) = rita.verdict.expect("a verdict");
        assert_eq!(verdict, usher_core::model::change::Verdict::Approved);
        assert_eq!(when, town.clock.now(), "the time of the approval, not of the request");
    }
}

#[tokio::test]
async fn a_sweep_finds_what_is_open_and_what_has_ended_since() {
    for town in Town::both().await {
        let (first, second) = (town.open(), town.open());
        let listing = town.client.list(&Since::default()).await.unwrap();
        let keys: Vec<ChangeKey> = listing.changes.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [key(&first), key(&second)]);
        // Longer than GitHub's search may lag behind.
        town.pass_minutes(20);
        let mark = town.clock.now();
        town.sandbox.close(&second, "sam").unwrap();
        let listing = town.client.list(&Since::mark(Some(mark))).await.unwrap();
        assert_eq!(listing.changes.len(), 1);
        let (closed, seen) = &listing.changes[0];
        assert_eq!((closed, seen.state), (&key(&second), ChangeState::Closed));
        assert_eq!(town.client.resolve_url(&town.sandbox.web_url(&first)), Some(key(&first)));
        assert_eq!(town.client.resolve_url(&seen.url), Some(key(&second)));
    }
}

#[tokio::test]
async fn a_project_is_found_wherever_a_pattern_says_it_is() {
    for town in Town::both().await {
        let at = town.open();
        town.sandbox.add_user(town.forge, "lena", "Lena Lead");
        town.sandbox.add_project(town.forge, "lena/notes");
        town.sandbox.add_member(town.forge, "lena/notes", "lena", Access::ADMIN);
        town.sandbox.add_member(town.forge, "lena/notes", "usher", Access::MAINTAIN);
        let own =
            town.sandbox.open_change(town.forge, "lena/notes", NewChange::by("lena", "A note")).unwrap();
        for (projects, expected) in [
            ("acme/shop", vec![key(&at)]),
            ("acme/**", vec![key(&at)]),
            ("lena/*", vec![key(&own)]),
            ("**", vec![key(&at), key(&own)]),
        ] {
            let listing = client(&town.sandbox, &town.clock, town.forge, projects)
                .list(&Since::default())
                .await
                .unwrap();
            let mut found: Vec<ChangeKey> = listing.changes.into_iter().map(|(key, _)| key).collect();
            found.sort();
            assert_eq!(found, expected, "{projects} on {:?}", town.forge);
        }
    }
}

#[tokio::test]
async fn a_whole_organisation_may_be_the_roster() {
    let town = Town::new(Forge::Github).await;
    let wish = RosterWish { logins: BTreeSet::new(), groups: BTreeSet::from(["acme".to_owned()]) };
    let roster = town.client.roster(&wish).await.unwrap();
    assert_eq!(roster.groups["acme"], [town.account("sam")]);
}

#[tokio::test]
async fn files_people_and_reactions_are_read_and_written() {
    for town in Town::both().await {
        let at = town.open();
        let facts = town.perform(&at, &Write::ReadFiles { codeowners: None }).await.facts;
        let file = ChangedFile { path: "src/lib.rs".into(), lines: 4, owners: vec![] };
        assert_eq!(facts, [Fact::Files { files: vec![file], codeowners: OwnersFile::NotAsked }]);
        let wish = RosterWish {
            logins: ["rita", "nobody"].map(str::to_owned).into(),
            groups: ["acme/support", "acme/none"].map(str::to_owned).into(),
        };
        let roster = town.client.roster(&wish).await.unwrap();
        assert_eq!(roster.me, Some(town.account("usher")));
        assert_eq!(roster.accounts.get("rita"), Some(&town.account("rita")));
        assert_eq!(roster.groups["acme/support"], [town.account("sam")]);
        assert_eq!(roster.unknown, ["acme/none", "nobody"]);
        let comment = town.sandbox.comment(&at, "sam", "@usher accept").unwrap();
        for _ in 0..2 {
            town.perform(&at, &Write::React { comment, place: CommentPlace::Conversation }).await;
        }
        assert_eq!(town.sandbox.snapshot(&at).unwrap().comments[0].reactions.len(), 1);
    }
}

#[tokio::test]
async fn many_people_are_asked_about_in_one_request_and_their_words_are_not_read() {
    for town in Town::both().await {
        town.sandbox.set_busy(town.forge, "rita", true, "Making tea");
        town.sandbox.set_busy(town.forge, "ravi", false, "Here to help");
        let mut people: Vec<Account> =
            ["sam", "rita", "ravi", "olga"].map(|login| town.account(login)).into();
        // Somebody who has left is asked about all the same.
        people.push(Account::new(999_999, "gone"));
        let busy = town.client.busy(&people).await.unwrap();
        assert_eq!(town.traffic(), (1, 0), "{:?}: a query only reads", town.forge);
        let rita = busy.get(&people[1].id).copied().unwrap();
        assert_eq!((busy.len(), rita.until, rita.seen_at), (1, None, town.clock.now()));
        let kept = serde_json::to_string(&busy).unwrap();
        assert!(!kept.contains("tea"), "{kept}");
        assert!(town.client.busy(&[]).await.unwrap().is_empty());
        assert_eq!(town.traffic(), (0, 0));
        let many: Vec<Account> = (0..120).map(|n| town.account(&format!("m{n}"))).collect();
        town.sandbox.set_busy(town.forge, "m117", true, "");
        let busy = town.client.busy(&many).await.unwrap();
        assert_eq!(busy.into_keys().collect::<Vec<_>>(), [many[117].id]);
        assert_eq!(town.traffic(), (3, 0));
    }
    let town = Town::new(Forge::Github).await;
    let until = town.clock.now() + SignedDuration::from_hours(3);
    town.sandbox.set_busy_until("rita", until);
    let rita = town.account("rita");
    assert_eq!(town.client.busy(std::slice::from_ref(&rita)).await.unwrap()[&rita.id].until, Some(until));
}

#[tokio::test]
async fn a_forge_that_does_not_tell_who_is_busy_is_a_fault() {
    for town in Town::both().await {
        let people = [town.account("rita")];
        for fault in [
            usher_sandbox::Fault::status(500, "no"),
            usher_sandbox::Fault::status(404, "no"),
            usher_sandbox::Fault::DropConnectionBeforeApplying,
        ] {
            town.sandbox.fail_next(town.forge, "QUERY", "/graphql", fault, 1);
            assert!(town.client.busy(&people).await.is_err(), "{:?}", town.forge);
        }
        let errors = serde_json::json!({ "errors": [{ "type": "RATE_LIMITED", "message": "slow down" }] });
        let limited = usher_sandbox::Fault::Status { code: 200, headers: Vec::new(), body: errors };
        town.sandbox.fail_next(town.forge, "QUERY", "/graphql", limited, 1);
        let fault = town.client.busy(&people).await.unwrap_err();
        assert!(
            matches!(fault, ForgeFault::Later { .. }),
            "waited for, with whatever else it costs: {fault}"
        );
    }
}

#[tokio::test]
async fn the_watched_projects_are_listed_and_looked_at_one_by_one() {
    for town in Town::both().await {
        town.sandbox.add_user(town.forge, "lena", "Lena Lead");
        for login in ["lena", "usher"] {
            town.sandbox.add_member(town.forge, "lena/notes", login, Access::WRITE);
        }
        for (projects, expected) in [
            ("acme/*", vec!["acme/shop"]),
            ("lena/*", vec!["lena/notes"]),
            ("**", vec!["acme/shop", "lena/notes"]),
            ("acme/gone", vec!["acme/gone"]),
        ] {
            let client = client(&town.sandbox, &town.clock, town.forge, projects);
            let (paths, more) = client.watched_paths().await.unwrap();
            assert_eq!(Vec::from_iter(paths), expected, "{projects} on {:?}", town.forge);
            assert!(!more, "all of them");
        }
        town.sandbox.add_project_label(town.forge, PROJECT, "bug");
        let facts = town.client.project(PROJECT).await.unwrap();
        assert_eq!(
            (facts.archived, facts.role, facts.labels.join(" ")),
            (false, BotRole::Writes, "bug".to_owned())
        );
        let hooks = if town.is_gitlab() { Some(Vec::new()) } else { None };
        let found = town.client.own_hooks(&HookPlace::Project(PROJECT.into())).await.unwrap();
        assert_eq!(found, hooks, "GitHub shows webhooks to administrators only");
        assert_eq!(town.client.project("acme/gone").await, Err(ForgeFault::Gone));
        let token = town.client.token().await.unwrap();
        assert_eq!((token.expires_at, token.date), (None, Some(town.clock.now())));
        let scopes = town.is_gitlab().then(|| vec!["api".to_owned()]);
        assert_eq!(token.scopes, scopes, "a fine-grained token of GitHub tells none");
    }
}

/// A project's token acts as `project_1_bot_…`, a group's as `group_1_bot_…`, a service account as
/// `service_account_…`; all of them are what `GET /user` says, and nothing else differs.
#[tokio::test]
async fn gitlab_takes_tokens_of_every_kind() {
    for bot in ["project_1_bot_0a1b2c3d", "group_7_bot_4e5f6a7b", "service_account_group_7_8c9d", "sam"] {
        let town = Town::new(Forge::Gitlab).await;
        town.sandbox.add_bot(Forge::Gitlab, bot, "Usher");
        town.sandbox.add_member(Forge::Gitlab, PROJECT, bot, Access::WRITE);
        town.sandbox.add_token(Forge::Gitlab, "bot-token", bot);
        let roster = town.client.roster(&RosterWish::default()).await.unwrap();
        assert_eq!(roster.me, Some(town.account(bot)));
        let at = town.sandbox.open_change(Forge::Gitlab, PROJECT, NewChange::by("ravi", "Fix")).unwrap();
        let facts = town.perform(&at, &town.shape(&["rita"], &STAGE, &[])).await.facts;
        let comment = town.perform(&at, &status("hello")).await.comment;
        let seen = town.sandbox.snapshot(&at).unwrap();
        assert_eq!((facts, seen.reviewer_logins()), (vec![], vec!["rita"]), "{bot}");
        assert_eq!(comment, Some(seen.comments_by(bot)[0].id), "{bot}");
    }
}

#[tokio::test]
async fn an_older_gitlab_gets_whole_lists_of_reviewers() {
    let town = Town::new(Forge::Gitlab).await;
    town.sandbox.gitlab_sets_reviewers_one_by_one(false);
    let at = town.open();
    town.sandbox.request_reviewer(&at, "sam", "ravi").unwrap();
    let facts = town.perform(&at, &town.shape(&["olga", "rita"], &STAGE, &[])).await.facts;
    assert_eq!(facts, [Fact::Refused { reviewer: town.account("olga"), refusal: Refusal::Dropped }]);
    assert_eq!(town.sandbox.snapshot(&at).unwrap().reviewer_logins(), ["ravi", "rita"]);
    assert_eq!(town.traffic(), (1, 2), "it was asked for the mutation, and then by REST");
    town.perform(&at, &town.shape(&["rita"], &["overdue"], &[])).await;
    assert_eq!(town.traffic(), (1, 1));
}
