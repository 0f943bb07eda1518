//! Another bot and a human edit reviewers and labels between Usher's read and its write, thousands of
//! times, and nobody's reviewer or label is lost (gitlab-org/quality/triage-ops#1889,
//! rust-lang/triagebot#2468). The edits come exactly before a write is carried out; nothing sleeps.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::wire::time::SandboxClock;
use jiff::SignedDuration;
use usher::clock::Clock;
use usher::forge::{Client, ClientConfig, Credentials, Hint};
use usher_core::model::action::{DesiredState, Write};
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::fact::Fact;
use usher_core::model::policy::Pattern;
use usher_sandbox::{Access, ChangeRef, Forge, NewChange, Sandbox, Tier};

const PROJECT: &str = "acme/shop";
const PEOPLE: [&str; 6] = ["rita", "ravi", "dora", "dan", "lena", "hugo"];
const LABELS: [&str; 6] = ["bug", "ui", "contribution", "reviewing", "waiting", "overdue"];
const OTHERS: [&str; 2] = ["sam", "other-bot"];
/// Writes of one action that somebody may come between.
const WRITES_MAX: usize = 4;
/// Rounds for each forge and tier, unless `USHER_INTERLEAVINGS` says how many.
const ROUNDS: u64 = 200;
const ROUNDS_OF_A_TOWN: usize = 100;

fn all() -> u64 {
    std::env::var("USHER_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// A small generator of its own: the same histories on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % sides as u64).unwrap()
    }

    fn some_of(&mut self, all: &[&'static str]) -> BTreeSet<&'static str> {
        all.iter().copied().filter(|_| self.below(3) == 0).collect()
    }
}

/// What others did: whom and what they put there and did not take away again, and the reverse.
#[derive(Default, Debug)]
struct Theirs {
    reviewers: BTreeSet<String>,
    labels: BTreeSet<String>,
    sent_away: BTreeSet<String>,
    taken_off: BTreeSet<String>,
    edits: usize,
}

fn seen(sandbox: &Sandbox, at: &ChangeRef) -> (BTreeSet<String>, BTreeSet<String>) {
    let seen = sandbox.snapshot(at).unwrap();
    let reviewers = seen.reviewer_logins().into_iter().map(str::to_owned).collect();
    (reviewers, seen.labels.into_iter().collect())
}

/// One edit by somebody else; what came of it is noted.
fn edit(sandbox: &Sandbox, at: &ChangeRef, dice: &mut Dice, theirs: &mut Theirs) {
    let before = seen(sandbox, at);
    let (who, person, label) =
        (OTHERS[dice.below(2)], PEOPLE[dice.below(PEOPLE.len())], LABELS[dice.below(LABELS.len())]);
    // What the forge refuses has no effect, and the comparison shows none.
    let _ = match dice.below(4) {
        0 => sandbox.request_reviewer(at, who, person),
        1 => sandbox.remove_reviewer(at, who, person),
        2 => sandbox.add_label(at, who, label),
        _ => sandbox.remove_label(at, who, label),
    };
    let after = seen(sandbox, at);
    let moved = |was: &BTreeSet<String>,
                 is: &BTreeSet<String>,
                 here: &mut BTreeSet<String>,
                 gone: &mut BTreeSet<String>| {
        for one in is.difference(was) {
            here.insert(one.clone());
            gone.remove(one);
        }
        for one in was.difference(is) {
            gone.insert(one.clone());
            here.remove(one);
        }
    };
    moved(&before.0, &after.0, &mut theirs.reviewers, &mut theirs.sent_away);
    moved(&before.1, &after.1, &mut theirs.labels, &mut theirs.taken_off);
    theirs.edits += usize::from(before != after);
}

struct Town {
    sandbox: Sandbox,
    clock: Clock,
    forge: Forge,
    client: Client,
}

impl Town {
    async fn new(forge: Forge) -> Town {
        let clock = Clock::virtual_at("2026-03-02T09:00:00Z".parse().unwrap());
        let sandbox = Sandbox::start(SandboxClock(clock.clone())).await.unwrap();
        for login in PEOPLE.into_iter().chain(["sam"]) {
            sandbox.add_member(forge, PROJECT, login, Access::WRITE);
        }
        for bot in ["usher", "other-bot"] {
            sandbox.add_bot(forge, bot, bot);
            sandbox.add_member(forge, PROJECT, bot, Access::MAINTAIN);
        }
        sandbox.add_token(forge, "bot-token", "usher");
        let (kind, url) = match forge {
            Forge::Gitlab => (ForgeKind::GitLab, sandbox.gitlab_url()),
            Forge::Github => (ForgeKind::GitHub, sandbox.github_url()),
        };
        let config = ClientConfig {
            name: "here".into(),
            kind,
            url,
            credentials: Credentials::Token("bot-token".into()),
            projects: vec![Pattern::new("acme/*").unwrap()],
            user_agent: "usher/test".into(),
        };
        let client = Client::new(config, clock.clone()).unwrap();
        Town { sandbox, clock, forge, client }
    }

    fn accounts(&self, logins: &BTreeSet<&'static str>) -> BTreeSet<Account> {
        logins
            .iter()
            .map(|login| Account::new(self.sandbox.add_user(self.forge, login, login), *login))
            .collect()
    }

    /// A change as others left it, and what Usher wants of it.
    fn prepare(&self, dice: &mut Dice) -> (ChangeRef, DesiredState, Arc<Mutex<Theirs>>) {
        let at = self.sandbox.open_change(self.forge, PROJECT, NewChange::by("sam", "Fix it")).unwrap();
        let mut theirs = Theirs::default();
        for _ in 0..dice.below(6) {
            edit(&self.sandbox, &at, dice, &mut theirs);
        }
        let wanted = dice.some_of(&PEOPLE[..3]);
        let unwanted = dice.some_of(&PEOPLE[..3]).difference(&wanted).copied().collect();
        let labels = dice.some_of(&LABELS[2..]);
        let not_labels =
            dice.some_of(&LABELS[2..]).difference(&labels).map(|name| (*name).to_owned()).collect();
        let shape = DesiredState {
            reviewers: self.accounts(&wanted),
            reviewers_again: BTreeSet::new(),
            not_reviewers: self.accounts(&unwanted),
            labels: labels.into_iter().map(str::to_owned).collect(),
            not_labels,
        };
        (at, shape, Arc::new(Mutex::new(theirs)))
    }

    /// One action with others in between. What was lost, in words.
    async fn round(&self, number: u64, edits: &mut usize) -> Vec<String> {
        let mut dice = Dice(number);
        let (at, shape, theirs) = self.prepare(&mut dice);
        for write in 0..WRITES_MAX as u64 {
            let (at, theirs) = (at.clone(), theirs.clone());
            let mut dice = Dice(number ^ (write + 1) << 40);
            self.sandbox.before_next_write(self.forge, move |sandbox| {
                for _ in 0..dice.below(4) {
                    edit(sandbox, &at, &mut dice, &mut theirs.lock().unwrap());
                }
            });
        }
        let key = ChangeKey::new("here", PROJECT, at.number);
        let performed = self.client.perform(&key, &Write::Desired(shape.clone()), Hint::default()).await;
        let performed = performed.unwrap_or_else(|fault| panic!("round {number}: {fault}"));
        self.sandbox.clear_faults();
        let theirs = theirs.lock().unwrap();
        *edits += theirs.edits;
        let refused = performed.facts.iter().filter_map(|fact| match fact {
            Fact::Refused { reviewer, .. } => Some(reviewer.login.clone()),
            _ => None,
        });
        self.lost(&at, &shape, &theirs, &refused.collect())
    }

    fn lost(
        &self,
        at: &ChangeRef,
        shape: &DesiredState,
        theirs: &Theirs,
        refused: &BTreeSet<String>,
    ) -> Vec<String> {
        let logins = |accounts: &BTreeSet<Account>| -> BTreeSet<String> {
            accounts.iter().map(|account| account.login.clone()).collect()
        };
        let (reviewers, labels) = seen(&self.sandbox, at);
        let (wanted, unwanted) = (logins(&shape.reviewers), logins(&shape.not_reviewers));
        let mut lost = Vec::new();
        for one in theirs.reviewers.difference(&unwanted).filter(|one| !reviewers.contains(*one)) {
            lost.push(format!("reviewer {one} of somebody else's"));
        }
        for one in theirs.labels.difference(&shape.not_labels).filter(|one| !labels.contains(*one)) {
            lost.push(format!("label {one} of somebody else's"));
        }
        for one in theirs.sent_away.difference(&wanted).filter(|one| reviewers.contains(*one)) {
            lost.push(format!("the removal of reviewer {one}"));
        }
        for one in theirs.taken_off.difference(&shape.labels).filter(|one| labels.contains(*one)) {
            lost.push(format!("the removal of label {one}"));
        }
        for one in wanted.iter().filter(|one| !reviewers.contains(*one)) {
            if !refused.contains(one) && !theirs.sent_away.contains(one) {
                lost.push(format!("our reviewer {one}"));
            }
        }
        lost
    }
}

/// All rounds; how many edits came in, and what was lost. A town that has grown old is slow.
async fn rounds(forge: Forge, settle: impl Fn(&Sandbox)) -> (usize, Vec<String>) {
    let (mut edits, mut lost) = (0, Vec::new());
    for first in (0..all()).step_by(ROUNDS_OF_A_TOWN) {
        let town = Town::new(forge).await;
        settle(&town.sandbox);
        for number in first..all().min(first + ROUNDS_OF_A_TOWN as u64) {
            // Writes are paced by the clock.
            town.clock.advance_to(town.clock.now() + SignedDuration::from_hours(1));
            let found = town.round(number, &mut edits).await;
            lost.extend(found.into_iter().map(|what| format!("round {number}: {what}")));
        }
    }
    (edits, lost)
}

#[tokio::test]
async fn nobody_is_lost_on_github() {
    let (edits, lost) = rounds(Forge::Github, |_| ()).await;
    println!("GitHub: {} interleavings, {edits} edits by others", all());
    assert_eq!(lost, [""; 0]);
}

#[tokio::test]
async fn nobody_is_lost_on_gitlab_free_and_premium() {
    for tier in [Tier::Premium, Tier::Free] {
        let (edits, lost) = rounds(Forge::Gitlab, |sandbox| sandbox.set_gitlab_tier(tier)).await;
        println!("GitLab {tier:?}: {} interleavings, {edits} edits by others", all());
        assert!(edits > 200, "the others were busy: {edits}");
        assert_eq!(lost, [""; 0], "{tier:?}");
    }
}

/// What the test would find, and why the mutation is used: a whole list, as REST has it, overwrites.
#[tokio::test]
async fn a_whole_list_would_lose_people_and_never_labels() {
    let (_, lost) = rounds(Forge::Gitlab, |sandbox| sandbox.gitlab_sets_reviewers_one_by_one(false)).await;
    println!("GitLab before the mutation: {} losses in {} interleavings", lost.len(), all());
    assert!(lost.iter().any(|what| what.contains("reviewer")), "the search works");
    assert!(!lost.iter().any(|what| what.contains("label")), "{lost:?}");
}
