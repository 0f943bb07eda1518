//! A forge in memory with one change: it does what actions and people tell it, by GitLab's or
//! GitHub's rules, and says so the way the forge's webhooks would.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use usher_core::choose::codeowners::Codeowners;
use usher_core::model::action::{Action, AskedAgain, DesiredState, STATUS_MARKER};
use usher_core::model::change::{
    Account, ChangeState, ChangedFile, ForgeKind, OwnersFile, SeenReviewer, SeenReviewers, Size, Snapshot,
    Verdict,
};
use usher_core::model::fact::{Act, Actor, CommentPlace, Fact, Refusal};
use usher_core::model::threads::Thread;
use usher_core::model::tickets::Ticket;
use usher_words::templates::Templates;
use usher_words::{self as words, Worded};

use super::company::account;
use super::notices::Notices;

/// A comment of Usher's.
#[derive(Clone, Debug)]
pub struct Comment {
    pub body: String,
}

/// The change as the forge keeps it.
#[derive(Clone, Debug)]
pub struct Forge {
    pub kind: ForgeKind,
    /// GitLab Free keeps one reviewer.
    pub one_reviewer: bool,
    /// Asking them is answered with an error, or silently ignored.
    pub not_allowed: BTreeSet<Account>,
    pub dropped: BTreeSet<Account>,
    pub files: Vec<ChangedFile>,
    /// The CODEOWNERS file of the target branch.
    pub codeowners: Option<String>,
    /// It is too large, or cannot be read.
    pub codeowners_unusable: bool,

    pub title: String,
    pub author: Account,
    pub state: ChangeState,
    pub draft: bool,
    pub labels: BTreeSet<String>,
    /// Labels that the repository has already. On GitHub they stay as they are spelled, however they are
    /// asked for.
    pub repository_labels: BTreeSet<String>,
    pub reviewers: Vec<Account>,
    /// What each reviewer said last, and exactly when.
    pub verdicts: BTreeMap<u64, (Verdict, Timestamp)>,
    /// The review around somebody's remark on a line, where GitHub lists nothing else of them.
    wrappers: BTreeMap<u64, u64>,
    pub threads: Vec<Thread>,
    pub target_branch: String,
    /// What the description names, where tickets are looked for.
    pub tickets: Option<BTreeSet<Ticket>>,
    pushes: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Usher's comments.
    pub comments: Vec<Comment>,
    pub reactions: Vec<u64>,
    comment_id: u64,
    /// Labels that somebody else than Usher put on.
    pub foreign: BTreeSet<String>,
    pub remembers_hands: bool,
    /// Times are whole seconds, as on GitHub: what happens in one second has one time.
    pub whole_seconds: bool,
    /// An edit of the status comment moves no clock and is not told: what follows does not depend on
    /// how often it is edited.
    pub quiet_edits: bool,
    /// What tells of a comment shows the change in part, as forges do.
    pub comments_in_part: bool,
    /// What commands are addressed to.
    pub handles: Vec<String>,
    /// Whom the forge notified of what Usher wrote.
    pub notices: Notices,
}

impl Forge {
    pub fn new(kind: ForgeKind, author: Account) -> Forge {
        Forge {
            kind,
            one_reviewer: false,
            not_allowed: BTreeSet::new(),
            dropped: BTreeSet::new(),
            files: vec![],
            codeowners: None,
            codeowners_unusable: false,
            title: "Fix the rounding of totals".into(),
            author,
            state: ChangeState::Open,
            draft: false,
            labels: BTreeSet::new(),
            repository_labels: BTreeSet::new(),
            reviewers: vec![],
            wrappers: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            threads: vec![],
            target_branch: "main".into(),
            tickets: None,
            pushes: 0,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            comments: vec![],
            reactions: vec![],
            comment_id: 100,
            foreign: BTreeSet::new(),
            remembers_hands: true,
            whole_seconds: false,
            quiet_edits: false,
            comments_in_part: false,
            handles: vec!["usher".to_owned()],
            notices: Notices::default(),
        }
    }

    /// The status comment as it stands.
    pub fn status(&self) -> Option<&str> {
        self.comments.iter().map(|comment| comment.body.as_str()).find(|body| body.starts_with(STATUS_MARKER))
    }

    /// The change as a webhook shows it. GitLab lists all reviewers with their state, dated by the
    /// snapshot; GitHub lists only those who are still asked.
    pub fn snapshot(&self) -> Snapshot {
        let gitlab = self.kind == ForgeKind::GitLab;
        let verdict = |account: &Account| {
            let (verdict, _) = self.verdicts.get(&account.id)?;
            (gitlab && *verdict != Verdict::Withdrawn).then_some((*verdict, self.updated_at))
        };
        let seen = |account: &Account| SeenReviewer {
            account: account.clone(),
            verdict: verdict(account),
            review: None,
        };
        let list = self.reviewers.iter().map(seen).collect();
        self.snapshot_with(SeenReviewers { list, complete: gitlab, beside: None })
    }

    /// The change as a sweep shows it: on GitHub with everybody who gave a verdict, and exactly when.
    pub fn swept(&self) -> Snapshot {
        let mut snapshot = self.snapshot();
        if let (ForgeKind::GitHub, Some(seen)) = (self.kind, &mut snapshot.reviewers) {
            seen.complete = true;
            for (id, verdict) in &self.verdicts {
                seen.list.push(SeenReviewer {
                    account: account_of(*id),
                    verdict: Some(*verdict),
                    review: self.wrappers.get(id).copied(),
                });
            }
        }
        if let (ForgeKind::GitLab, Some(seen)) = (self.kind, &mut snapshot.reviewers) {
            let approving = self.verdicts.iter().filter(|(_, (verdict, _))| *verdict == Verdict::Approved);
            let seen_of = |(id, verdict): (&u64, &(Verdict, Timestamp))| SeenReviewer {
                account: account_of(*id),
                verdict: Some(*verdict),
                review: None,
            };
            let beside = approving.map(seen_of).filter(|one| !self.reviewers.contains(&one.account));
            seen.beside = Some(beside.collect());
        }
        snapshot
    }

    fn snapshot_with(&self, reviewers: SeenReviewers) -> Snapshot {
        Snapshot {
            project_id: Some(7),
            title: self.title.clone(),
            tickets: self.tickets.clone(),
            url: "https://forge.example/acme/shop/7".into(),
            author: self.author.clone(),
            state: self.state,
            draft: Some(self.draft),
            labels: Some(self.labels.clone()),
            reviewers: Some(reviewers),
            target_branch: Some(self.target_branch.clone()),
            head: Some(format!("head{}", self.pushes)),
            size: Size::of(&self.files).filter(|_| self.kind == ForgeKind::GitHub),
            created_at: Some(self.created_at),
            updated_at: self.updated_at,
        }
    }

    /// Moves the forge's clock: every event has a time of its own, unless there are only whole seconds.
    fn touch(&mut self, now: Timestamp) {
        if self.whole_seconds {
            let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
            self.updated_at = self.updated_at.max(second);
            return;
        }
        self.updated_at = now.max(self.updated_at + SignedDuration::from_millis(1));
    }

    pub fn told(&self, by: &Account, act: Act) -> Fact {
        let actor = Actor { account: by.clone(), bot: by.id == 1 || by.login.ends_with("-bot") };
        let mut snapshot = self.snapshot();
        if self.comments_in_part && matches!(act, Act::Commented | Act::Commanded { .. }) {
            self.leave_out(&mut snapshot);
        }
        Fact::Told { act, by: actor, at: self.updated_at, snapshot }
    }

    /// What a note's webhook does not carry on GitLab, and that of an issue's comment not on GitHub.
    fn leave_out(&self, snapshot: &mut Snapshot) {
        snapshot.reviewers = None;
        if self.kind == ForgeKind::GitHub {
            (snapshot.target_branch, snapshot.head, snapshot.size) = (None, None, None);
        }
    }

    pub fn opened(&mut self, now: Timestamp) -> Fact {
        self.created_at = now;
        self.touch(now);
        self.notices.takes_part(&self.author.login.clone());
        self.told(&self.author.clone(), Act::Touched)
    }

    /// Somebody changes what the snapshot itself shows.
    pub fn changed(&mut self, now: Timestamp, by: &Account, change: impl FnOnce(&mut Forge)) -> Fact {
        let before = self.labels.clone();
        change(self);
        let put_on: BTreeSet<String> = self.labels.difference(&before).cloned().collect();
        self.foreign.extend(put_on.iter().cloned());
        self.touch(now);
        self.told(by, if put_on.is_empty() { Act::Touched } else { Act::Labelled { labels: put_on } })
    }

    pub fn pushed(&mut self, now: Timestamp, by: &Account) -> Fact {
        self.pushes += 1;
        self.touch(now);
        self.told(by, Act::Pushed)
    }

    pub fn commented(&mut self, now: Timestamp, by: &Account) -> Fact {
        self.notices.takes_part(&by.login);
        self.touch(now);
        self.told(by, Act::Commented)
    }

    /// On GitHub a review takes the reviewer off the list of those who are asked.
    pub fn reviewed(&mut self, now: Timestamp, by: &Account, verdict: Verdict) -> Fact {
        self.notices.takes_part(&by.login);
        self.touch(now);
        // GitLab counts who approves by itself: a review without a verdict takes no approval back.
        let approves = self.verdicts.get(&by.id).is_some_and(|(known, _)| *known == Verdict::Approved);
        if !(approves && verdict == Verdict::Commented && self.kind == ForgeKind::GitLab) {
            self.verdicts.insert(by.id, (verdict, self.updated_at));
        }
        self.wrappers.remove(&by.id);
        if self.kind == ForgeKind::GitHub {
            self.reviewers.retain(|reviewer| reviewer != by);
        }
        self.told(by, Act::Reviewed { verdict })
    }

    pub fn dismissed(&mut self, now: Timestamp, by: &Account, reviewer: &Account) -> Fact {
        self.touch(now);
        // GitHub shows the review as dismissed, and dates it as before.
        let given = self.verdicts.get(&reviewer.id).map(|(_, given)| *given);
        let shown = given.filter(|_| self.kind == ForgeKind::GitHub).unwrap_or(self.updated_at);
        self.verdicts.insert(reviewer.id, (Verdict::Withdrawn, shown));
        self.told(by, Act::Dismissed { reviewer: reviewer.clone() })
    }

    pub fn requested(&mut self, now: Timestamp, by: &Account, reviewer: &Account) -> Fact {
        self.touch(now);
        // GitHub keeps the review, GitLab forgets it.
        if self.kind == ForgeKind::GitLab {
            self.verdicts.remove(&reviewer.id);
        }
        self.list(reviewer);
        self.told(by, Act::Requested { reviewer: reviewer.clone() })
    }

    pub fn unrequested(&mut self, now: Timestamp, by: &Account, reviewer: &Account) -> Fact {
        self.touch(now);
        self.reviewers.retain(|listed| listed != reviewer);
        self.told(by, Act::Unrequested { reviewer: reviewer.clone() })
    }

    /// One write, told as two facts with one snapshot, as GitLab does.
    pub fn replaced(&mut self, now: Timestamp, by: &Account, old: &Account, new: &Account) -> Vec<Fact> {
        self.touch(now);
        self.reviewers.retain(|listed| listed != old);
        self.list(new);
        let acts = [Act::Requested { reviewer: new.clone() }, Act::Unrequested { reviewer: old.clone() }];
        acts.into_iter().map(|act| self.told(by, act)).collect()
    }

    pub fn said(&mut self, now: Timestamp, by: &Account, text: &str) -> Vec<Fact> {
        self.notices.takes_part(&by.login);
        self.touch(now);
        self.comment_id += 1;
        let comment = self.comment_id;
        let commands = usher_words::commands::commands(text, &self.handles);
        vec![self.told(
            by,
            Act::commanded(commands, comment, CommentPlace::Conversation).unwrap_or(Act::Commented),
        )]
    }

    /// A review with this text. GitLab tells of the text and of the review.
    pub fn said_in_a_review(&mut self, now: Timestamp, by: &Account, text: &str) -> Vec<Fact> {
        let mut facts = vec![self.reviewed(now, by, Verdict::Commented)];
        self.comment_id += 1;
        let github = self.kind == ForgeKind::GitHub;
        let place = if github { CommentPlace::Review } else { CommentPlace::Conversation };
        let commands = usher_words::commands::commands(text, &self.handles);
        let commanded = Act::commanded(commands, self.comment_id, place);
        if github && commanded.is_some() {
            facts.clear();
            self.wrappers.insert(by.id, self.comment_id);
        }
        if let Some(act) = commanded.or((!github).then_some(Act::Commented)) {
            facts.push(self.told(by, act));
        }
        facts
    }

    /// A remark on a line. GitHub wraps it into a review without a text, which it lists as a comment, tells of
    /// by itself, and for which it takes the reviewer off the list of those who are asked.
    pub fn said_on_a_line(&mut self, now: Timestamp, by: &Account, text: &str) -> Vec<Fact> {
        self.notices.takes_part(&by.login);
        self.touch(now);
        self.comment_id += 1;
        let (comment, wrapper) = (self.comment_id, 9_000 + self.comment_id);
        let github = self.kind == ForgeKind::GitHub;
        let place =
            if github { CommentPlace::Line { review: Some(wrapper) } } else { CommentPlace::Conversation };
        let commands = usher_words::commands::commands(text, &self.handles);
        let remark = Act::Reviewed { verdict: Verdict::Commented };
        let act = Act::commanded(commands, comment, place).unwrap_or(remark);
        self.opens_thread(by);
        if !github {
            return vec![self.told(by, act)];
        }
        self.verdicts.entry(by.id).or_insert((Verdict::Commented, self.updated_at));
        self.wrappers.insert(by.id, wrapper);
        self.reviewers.retain(|reviewer| reviewer != by);
        vec![self.told(by, act), self.told(by, Act::Touched)]
    }

    fn list(&mut self, reviewer: &Account) {
        self.notices.takes_part(&reviewer.login);
        if self.one_reviewer {
            self.reviewers.clear();
        }
        if !self.reviewers.contains(reviewer) {
            self.reviewers.push(reviewer.clone());
        }
    }

    /// Puts a label on; on GitLab a scoped label takes the place of its scope's other labels.
    pub fn label(&mut self, label: &str) {
        if let (ForgeKind::GitLab, Some((scope, _))) = (self.kind, label.rsplit_once("::")) {
            let scope = format!("{scope}::");
            self.labels.retain(|other| !other.starts_with(&scope));
        }
        let label = self.spelled(label);
        self.repository_labels.insert(label.clone());
        self.labels.insert(label);
    }

    /// A label as the repository has it: GitHub knows one of each, without regard to case.
    fn spelled(&self, label: &str) -> String {
        let mut there = self.repository_labels.iter();
        there.find(|there| self.kind.same_label(there, label)).map_or(label, |there| there).to_owned()
    }

    /// Takes a label off, by the name that the forge knows it by.
    pub fn unlabel(&mut self, label: &str) {
        let kind = self.kind;
        self.labels.retain(|on| !kind.same_label(on, label));
    }

    /// Performs an action as the courier would, in the company's words; what the forge then tells comes
    /// back as facts.
    pub fn perform(&mut self, now: Timestamp, action: &Action, templates: &Templates) -> Vec<Fact> {
        let worded = match action {
            Action::ReadFiles { codeowners } => return vec![self.read_files(codeowners.is_some())],
            Action::ReadThreads => return vec![Fact::Threads { threads: self.threads.clone() }],
            Action::Look => return vec![Fact::Swept { snapshot: self.swept() }],
            Action::Desired(shape) => return self.shape(now, shape),
            Action::React { comment, .. } => {
                self.reactions.push(*comment);
                return vec![];
            }
            Action::Announce(_) => return vec![],
            Action::Status(view) => words::status(templates, view),
            Action::Ping(ping) => words::ping(templates, ping),
            Action::Reply(reply) => Worded { comment: words::reply(reply), fault: None },
            Action::Comment(comment) => Worded { comment: comment.clone(), fault: None },
        };
        let body = worded.comment.body();
        let own = |comment: &&mut Comment| comment.body.starts_with(STATUS_MARKER);
        match self.comments.iter_mut().find(own).filter(|_| body.starts_with(STATUS_MARKER)) {
            Some(old) => {
                old.body = body.to_owned();
                if self.quiet_edits {
                    return vec![];
                }
            }
            None => self.write(body),
        }
        self.touch(now);
        let broken = worded.fault.filter(|_| !self.quiet_edits).map(|fault| Fact::TemplateBroken {
            template: fault.text.word().to_owned(),
            fault: fault.to_string(),
        });
        [self.told(&account_of(1), Act::Commented)].into_iter().chain(broken).collect()
    }

    /// The changed files, and who owns them by the forge's own rules.
    fn read_files(&self, owners: bool) -> Fact {
        let mut files = self.files.clone();
        let codeowners = match &self.codeowners {
            _ if !owners => OwnersFile::NotAsked,
            _ if self.codeowners_unusable => OwnersFile::Unusable,
            None => OwnersFile::Missing,
            Some(text) => {
                let known = Codeowners::parse(self.kind, text);
                for file in &mut files {
                    file.owners = known.owners(&file.path).into_iter().map(str::to_owned).collect();
                }
                OwnersFile::Read
            }
        };
        Fact::Files { files, codeowners }
    }

    fn write(&mut self, body: &str) {
        self.comment_id += 1;
        self.notices.commented(body);
        self.comments.push(Comment { body: body.to_owned() });
    }

    fn shape(&mut self, now: Timestamp, shape: &DesiredState) -> Vec<Fact> {
        let before = (self.labels.clone(), self.reviewers.clone());
        let mut facts = Vec::new();
        for label in &shape.not_labels {
            // A stage label is handed to Usher with the stage, the skip label by `resume`.
            let handed = label.contains("::") || label.ends_with("-skip");
            let spelled = self.spelled(label);
            let own = handed || !self.remembers_hands || !self.foreign.contains(&spelled);
            assert!(own || !self.labels.contains(&spelled), "law 4: {label} was put on by somebody else");
            self.unlabel(label);
        }
        // What was taken off, and is put on now, is Usher's.
        let labels = &self.labels;
        self.foreign.retain(|label| labels.contains(label));
        for label in &shape.labels {
            self.label(label);
        }
        self.reviewers.retain(|listed| !shape.not_reviewers.contains(listed));
        assert!(
            shape.reviewers_again.is_empty() || self.kind == ForgeKind::GitHub,
            "it would end the verdict"
        );
        let silent = |again: &&AskedAgain| {
            self.verdicts.get(&again.account.id).is_none_or(|(_, at)| *at <= again.verdict_at)
        };
        let again: Vec<&Account> =
            shape.reviewers_again.iter().filter(silent).map(|again| &again.account).collect();
        for reviewer in shape.reviewers.iter().chain(again) {
            assert_ne!(*reviewer, self.author, "law 1: the author was asked to review");
            let full = self.one_reviewer && self.reviewers.iter().any(|listed| listed != reviewer);
            let refusal = match () {
                () if self.reviewers.contains(reviewer) => continue,
                () if self.not_allowed.contains(reviewer) => Some(Refusal::NotAllowed),
                () if self.dropped.contains(reviewer) => Some(Refusal::Dropped),
                () if full => Some(Refusal::OneReviewerOnly),
                () => None,
            };
            match refusal {
                Some(refusal) => facts.push(Fact::Refused { reviewer: reviewer.clone(), refusal }),
                None => {
                    self.notices.requested(&reviewer.login);
                    self.reviewers.push(reviewer.clone());
                }
            }
        }
        if before != (self.labels.clone(), self.reviewers.clone()) {
            self.touch(now);
            facts.push(self.told(&account_of(1), Act::Touched));
        }
        facts
    }
}

/// The account with an id of [`super::company::ACCOUNTS`].
pub fn account_of(id: u64) -> Account {
    let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    let name = place.and_then(|place| super::company::ACCOUNTS.get(place)).copied();
    name.and_then(account).unwrap_or_else(|| panic!("no account has the id {id}"))
}
