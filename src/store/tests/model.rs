//! Random work on the store, compared step by step with the same rules in plain Rust.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use usher_core::model::action::Comment;
use usher_core::model::fact::CommentPlace;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Put {
        change: u64,
        id: u8,
        meaning: Option<u8>,
    },
    Facts {
        change: u64,
    },
    Defer {
        pick: usize,
        minutes: i64,
    },
    /// Decides all rows of a change that can be decided, with these people asked and actions wanted.
    Decide {
        change: u64,
        people: Vec<usize>,
        actions: Vec<usize>,
        stale: bool,
    },
    Claim {
        limit: u32,
    },
    Settle {
        pick: usize,
        how: How,
    },
    Restart,
    RetryDead {
        pick: usize,
    },
    Wait {
        minutes: i64,
    },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Done { answer: bool },
    Retry { minutes: i64, unknown: bool, counts: bool },
    Dead,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let how = prop_oneof![
        3 => any::<bool>().prop_map(|answer| How::Done { answer }),
        2 => (0..9i64, any::<bool>(), any::<bool>())
            .prop_map(|(minutes, unknown, counts)| How::Retry { minutes, unknown, counts }),
        1 => Just(How::Dead),
    ];
    let some = |up_to: usize| prop::collection::vec(0..up_to, 0..3);
    let op = prop_oneof![
        3 => (1..4u64, 0..20u8, prop::option::of(0..20u8))
            .prop_map(|(change, id, meaning)| Op::Put { change, id, meaning }),
        1 => (1..4u64).prop_map(|change| Op::Facts { change }),
        1 => (0..9usize, 1..9i64).prop_map(|(pick, minutes)| Op::Defer { pick, minutes }),
        6 => (1..4u64, some(NAMES.len()), some(5), prop::bool::weighted(0.1))
            .prop_map(|(change, people, actions, stale)| Op::Decide { change, people, actions, stale }),
        6 => (0..4u32).prop_map(|limit| Op::Claim { limit }),
        5 => (0..9usize, how).prop_map(|(pick, how)| Op::Settle { pick, how }),
        1 => Just(Op::Restart),
        1 => (0..9usize).prop_map(|pick| Op::RetryDead { pick }),
        3 => (1..7i64).prop_map(|minutes| Op::Wait { minutes }),
    ];
    prop::collection::vec(op, 1..80)
}

const NAMES: [&str; 3] = ["ravi", "rita", "rosa"];

fn action(index: usize) -> Action {
    match index {
        0 => status("x"),
        1 => shape(),
        2 => Action::ReadFiles { codeowners: None },
        3 => Action::React { comment: 4, place: CommentPlace::default() },
        _ => Action::Comment(Comment::Reply { key: "r".into(), body: String::new() }),
    }
}

/// One inbox row of the model; its place in the list is its order.
#[derive(Clone, Debug)]
struct Waiting {
    id: i64,
    change: u64,
    not_before: i64,
}

/// One outbox row of the model. `out` is the end of its lease.
#[derive(Clone, Debug, PartialEq)]
struct Want {
    change: u64,
    kind: String,
    generation: i64,
    attempts: u32,
    run_at: i64,
    out: Option<i64>,
    dead: bool,
    unknown: bool,
}

#[derive(Default)]
struct Model {
    now: i64,
    inbox: Vec<Waiting>,
    ids: BTreeSet<u8>,
    meanings: BTreeSet<u8>,
    versions: BTreeMap<u64, i64>,
    people: BTreeMap<u64, Vec<usize>>,
    outbox: BTreeMap<i64, Want>,
}

impl Model {
    fn decidable(&self) -> Vec<i64> {
        let mut held = BTreeSet::new();
        let mut ids = Vec::new();
        for row in &self.inbox {
            if row.not_before > self.now {
                held.insert(row.change);
            } else if !held.contains(&row.change) {
                ids.push(row.id);
            }
        }
        ids
    }

    /// What may go out now, by change: one of each.
    fn claimable(&self) -> BTreeMap<u64, Vec<i64>> {
        let listening: BTreeSet<u64> = self.inbox.iter().map(|row| row.change).collect();
        let mut next: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for change in 1..4 {
            let alive = || self.outbox.iter().filter(move |(_, w)| w.change == change && !w.dead);
            let is_out = alive().any(|(_, w)| w.out.is_some_and(|until| until > self.now));
            if listening.contains(&change) || is_out {
                continue;
            }
            let turn = |want: &Want| match want.kind.as_str() {
                "files" => 0,
                "shape" => 1,
                _ => 2,
            };
            let may = |want: &Want| {
                want.run_at <= self.now && !alive().any(|(_, w)| turn(w) < turn(want) && w.attempts < 6)
            };
            let ids: Vec<i64> = alive().filter(|(_, w)| may(w)).map(|(id, _)| *id).collect();
            if !ids.is_empty() {
                next.insert(change, ids);
            }
        }
        next
    }

    fn settle(&mut self, item: &OutboxItem, lease: i64, how: How) {
        let now = self.now;
        let Some(want) = self.outbox.get_mut(&item.id).filter(|want| want.out == Some(lease)) else { return };
        want.out = None;
        want.unknown |= matches!(how, How::Retry { unknown: true, .. });
        if want.generation != item.generation {
            want.run_at = now;
            return;
        }
        match how {
            How::Done { .. } => {
                self.outbox.remove(&item.id);
            }
            How::Retry { minutes, counts, .. } => {
                want.run_at = now + minutes;
                want.attempts -= u32::from(!counts);
            }
            How::Dead => {
                want.dead = true;
                want.run_at = now;
            }
        }
    }

    fn open(&self, name: usize) -> u32 {
        self.people.values().filter(|people| people.contains(&name)).count() as u32
    }
}

/// The store and the model side by side, and what has been claimed and not been settled.
struct Pair {
    store: Store,
    model: Model,
    out: Vec<(OutboxItem, i64)>,
    /// When an outbox row of the store was wanted, for `release_leases`.
    created: BTreeMap<i64, i64>,
}

impl Pair {
    async fn run(&mut self, op: Op) {
        let now = minute(self.model.now);
        match op {
            Op::Put { change, id, meaning } => self.put(change, id, meaning).await,
            Op::Facts { change: number } => {
                self.store.put_facts(&change(number), &[refused(1)], now).await.unwrap();
                self.take_new_inbox(number).await;
            }
            Op::Defer { pick, minutes } => {
                let Some(id) = self.model.inbox.get(pick).map(|row| row.id) else { return };
                let until = self.model.now + minutes;
                self.store.defer(&[id], minute(until), "later").await.unwrap();
                self.model.inbox[pick].not_before = until;
            }
            Op::Decide { change, people, actions, stale } => {
                self.decide(change, people, &actions, stale).await;
            }
            Op::Claim { limit } => self.claim(limit).await,
            Op::Settle { pick, how } => self.settle(pick, how).await,
            Op::Restart => {
                self.store.release_leases().await.unwrap();
                for (id, want) in self.model.outbox.iter_mut().filter(|(_, want)| want.out.is_some()) {
                    (want.out, want.unknown, want.run_at) = (None, true, self.created[id]);
                }
            }
            Op::RetryDead { pick } => {
                let Some(id) = self.model.outbox.keys().nth(pick).copied() else { return };
                let retried = self.store.retry_dead(id).await.unwrap();
                let want = self.model.outbox.get_mut(&id).unwrap();
                assert_eq!(retried, want.dead);
                if retried {
                    (want.dead, want.attempts) = (false, 0);
                }
            }
            Op::Wait { minutes } => self.model.now += minutes,
        }
    }

    async fn put(&mut self, change: u64, id: u8, meaning: Option<u8>) {
        let text = meaning.map(|meaning| meaning.to_string());
        let new = NewDelivery {
            received_at: minute(self.model.now),
            ..delivery(change, &id.to_string(), text.as_deref())
        };
        let put = self.store.put(new).await.unwrap();
        let known = self.model.ids.contains(&id) || meaning.is_some_and(|m| self.model.meanings.contains(&m));
        assert_eq!(put == Put::Duplicate, known);
        if let Put::Stored(row) = put {
            self.model.ids.insert(id);
            self.model.meanings.extend(meaning);
            self.model.inbox.push(Waiting { id: row, change, not_before: self.model.now });
        }
    }

    /// The store chose an id for facts of our own; the model learns it.
    async fn take_new_inbox(&mut self, change: u64) {
        let rows = self.store.inbox_list(u32::MAX).await.unwrap();
        let id = rows.iter().map(|row| row.id).max().unwrap();
        assert!(self.model.inbox.last().is_none_or(|row| row.id < id), "a new id for a new row");
        self.model.inbox.push(Waiting { id, change, not_before: self.model.now });
    }

    async fn decide(&mut self, number: u64, people: Vec<usize>, actions: &[usize], stale: bool) {
        let model = &mut self.model;
        let of_change: BTreeSet<i64> =
            model.inbox.iter().filter(|row| row.change == number).map(|row| row.id).collect();
        let inbox: Vec<i64> = model.decidable().into_iter().filter(|id| of_change.contains(id)).collect();
        let names: Vec<&str> = people.iter().map(|person| NAMES[*person]).collect();
        let version = model.versions.get(&number).copied();
        let expected_version = if stale { Some(version.unwrap_or(0) + 1) } else { version };
        let wanted: Vec<Action> = actions.iter().map(|index| action(*index)).collect();
        let commit = Commit {
            inbox: inbox.clone(),
            now: minute(model.now),
            ..keep(review(number, &names), expected_version, wanted.clone())
        };
        let committed = self.store.commit(commit).await;
        assert_eq!(matches!(committed, Err(CommitError::Conflict)), stale, "{committed:?}");
        if stale {
            return;
        }
        *model.versions.entry(number).or_default() += 1;
        model.people.insert(number, people);
        model.inbox.retain(|row| !inbox.contains(&row.id));
        for action in wanted {
            self.want(number, &action.kind()).await;
        }
    }

    async fn want(&mut self, change: u64, kind: &str) {
        let now = self.model.now;
        let older = self.model.outbox.iter_mut().find(|(_, w)| w.change == change && w.kind == kind);
        let id = if let Some((id, want)) = older {
            (want.generation, want.attempts, want.dead) = (want.generation + 1, 0, false);
            if want.out.is_none() {
                want.run_at = now;
            }
            *id
        } else {
            let rows = self.store.outbox_list(100).await.unwrap();
            let row = rows.iter().find(|row| row.change.number == change && row.kind == kind).unwrap();
            let (kind, generation, attempts) = (kind.to_owned(), 1, 0);
            let want = Want {
                change,
                kind,
                generation,
                attempts,
                run_at: now,
                out: None,
                dead: false,
                unknown: false,
            };
            self.model.outbox.insert(row.id, want);
            row.id
        };
        self.created.insert(id, now);
    }

    async fn claim(&mut self, limit: u32) {
        let expected = self.model.claimable();
        let items = claim(&self.store, minute(self.model.now), limit).await;
        assert_eq!(items.len(), expected.len().min(limit as usize), "{expected:?}");
        let changes: BTreeSet<u64> = items.iter().map(|item| item.change.number).collect();
        assert_eq!(changes.len(), items.len(), "one of each change");
        for item in &items {
            assert!(expected[&item.change.number].contains(&item.id), "{item:?} of {expected:?}");
        }
        let lease = self.model.now + 5;
        for item in items {
            let want = self.model.outbox.get_mut(&item.id).unwrap();
            want.unknown |= want.out.is_some();
            (want.out, want.run_at, want.attempts) = (Some(lease), lease, want.attempts + 1);
            let seen = (item.generation, item.attempts, item.outcome_unknown, item.leased_until);
            assert_eq!(seen, (want.generation, want.attempts, want.unknown, minute(lease)));
            self.out.push((item, lease));
        }
    }

    async fn settle(&mut self, pick: usize, how: How) {
        if self.out.is_empty() {
            return;
        }
        let (item, lease) = self.out.swap_remove(pick % self.out.len());
        let now = self.model.now;
        let settlement = match how {
            How::Done { answer } => {
                Settlement::Done { comment: None, facts: if answer { vec![refused(1)] } else { Vec::new() } }
            }
            How::Retry { minutes, unknown, counts } => Settlement::Retry {
                at: minute(now + minutes),
                error: "502".into(),
                outcome_unknown: unknown,
                counts,
                facts: Vec::new(),
            },
            How::Dead => Settlement::Dead { error: "403".into(), facts: vec![] },
        };
        self.store.settle(&item, settlement, minute(now)).await.unwrap();
        self.model.settle(&item, lease, how);
        if let How::Done { answer: true } = how {
            self.take_new_inbox(item.change.number).await;
        }
    }

    async fn compare(&self) {
        let (store, model, now) = (&self.store, &self.model, minute(self.model.now));
        assert_eq!(undecided(store, now).await, model.decidable());
        let next = store.next_undecided().await.unwrap();
        assert_eq!(next.is_some_and(|next| next <= now), !model.decidable().is_empty());
        let next = store.next_outbox_due_of("gitlab", &[]).await.unwrap();
        assert_eq!(
            next.is_some_and(|next| next <= now),
            !model.claimable().is_empty(),
            "no spinning, no sleeping in"
        );
        let rows = store.outbox_list(100).await.unwrap();
        let rows: BTreeMap<i64, Want> = rows.into_iter().map(|row| (row.id, seen(row))).collect();
        assert_eq!(rows, model.outbox);
        let loads = store.workloads(now).await.unwrap();
        for (index, name) in NAMES.into_iter().enumerate() {
            assert_eq!(loads.of(name).open.halves() / 2, model.open(index), "{name}");
        }
    }
}

fn seen(row: OutboxRow) -> Want {
    let minutes = |at: Timestamp| (at.as_second() - minute(0).as_second()) / 60;
    let (run_at, out, dead) = match row.state {
        OutboxState::Pending { run_at } => (minutes(run_at), None, false),
        OutboxState::Leased { until } => (minutes(until), Some(minutes(until)), false),
        OutboxState::Dead { since } => (minutes(since), None, true),
    };
    Want {
        change: row.change.number,
        kind: row.kind,
        generation: row.generation,
        attempts: row.attempts,
        run_at,
        out,
        dead,
        unknown: row.outcome_unknown,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn the_store_keeps_its_own_rules(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open("sqlite::memory:").await.unwrap();
            let mut pair =
                Pair { store, model: Model::default(), out: Vec::new(), created: BTreeMap::new() };
            for op in ops {
                pair.run(op).await;
                pair.compare().await;
            }
        });
    }
}
