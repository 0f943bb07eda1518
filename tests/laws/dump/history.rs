//! The history of one seed: made of the seed alone, and played.

use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use usher_core::model::fact::Fact;

use super::layout::{Layout, lay_out, layout};
use super::more::{More, happen, more};
use crate::laws::extras::Extra;
use crate::laws::histories::{
    Post, Setup, Step, odd_fact, opened, plain, prepared, quiet, setup, step, take,
};
use crate::support::play::{Observer, Play};

/// In one of so many seeds nothing follows from anything: facts that no forge would tell.
const ODD_EVERY: u64 = 10;
/// Only in one of so many seeds a template is changed on the way: comments that are there already need
/// not be written again for words alone, so their texts may differ between two versions.
const RETEMPLATED_EVERY: u64 = 8;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Beat {
    Law(Step),
    More(More),
}

/// All of one history.
#[derive(Clone, Debug)]
pub(super) enum History {
    Walk { setup: Setup, layout: Layout, beats: Vec<Beat> },
    Odd { github: bool, facts: Vec<(Fact, i64)> },
}

/// Makes histories of seeds.
pub(super) struct Histories {
    walks: BoxedStrategy<History>,
    odd: BoxedStrategy<History>,
    config: Config,
}

impl Histories {
    pub fn new() -> Histories {
        let beat = prop_oneof![4 => step().prop_map(Beat::Law), 1 => more().prop_map(Beat::More)];
        let walks = (setup(), layout(), vec(beat, 1..50));
        let walks = walks.prop_map(|(setup, layout, beats)| History::Walk { setup, layout, beats });
        let facts = vec((odd_fact(), 0_i64..100), 1..30);
        let odd = (any::<bool>(), facts).prop_map(|(github, facts)| History::Odd { github, facts });
        let config = Config { failure_persistence: None, ..Config::default() };
        Histories { walks: walks.boxed(), odd: odd.boxed(), config }
    }

    /// The history of a seed: the same on every machine, and independent of all other seeds.
    pub fn of(&self, seed: u64) -> History {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(self.config.clone(), rng);
        let strategy = if seed % ODD_EVERY == ODD_EVERY - 1 { &self.odd } else { &self.walks };
        let mut history = strategy.new_tree(&mut runner).unwrap().current();
        if let History::Walk { beats, .. } = &mut history
            && !seed.is_multiple_of(RETEMPLATED_EVERY)
        {
            beats.retain(|beat| !matches!(beat, Beat::Law(Step::Extra(Extra::Template { .. }))));
        }
        history
    }
}

impl History {
    /// Plays it before an observer; `note` hears what is about to happen.
    pub fn play(&self, observer: Observer, note: impl Fn(String)) {
        match self {
            History::Walk { setup, layout, beats } => walk(setup, layout, beats, observer, note),
            History::Odd { github, facts } => odd(*github, facts, observer),
        }
    }
}

fn walk(setup: &Setup, layout: &Layout, beats: &[Beat], observer: Observer, note: impl Fn(String)) {
    let mut play = prepared(setup);
    play.observer = Some(observer);
    play.forge.quiet_edits = true;
    lay_out(&mut play, layout);
    note(format!("{layout:?} {setup:?}"));
    let fact = play.forge.opened(play.now);
    if layout.first_heard_by_comment {
        let author = play.forge.author.clone();
        let fact = play.forge.commented(play.now, &author);
        play.tell(fact);
    } else {
        play.tell(fact);
    }
    let mut post = Post::default();
    for beat in beats {
        note(format!("{beat:?}"));
        match beat {
            Beat::Law(Step::Redeliver { which }) => redeliver(&mut play, which, &post),
            Beat::Law(step) => take(&mut play, step, &mut post),
            Beat::More(more) => happen(&mut play, more),
        }
    }
    note("everything arrives".into());
    quiet(&mut play, &mut post);
}

/// What arrived before comes again; that it changes nothing is for the laws to say.
fn redeliver(play: &mut Play, which: &Index, post: &Post) {
    if !post.arrived.is_empty() {
        play.decide(&Fact::Tick);
        play.decide(&which.get(&post.arrived).0);
    }
}

fn odd(github: bool, facts: &[(Fact, i64)], observer: Observer) {
    let mut play: Play = opened(&plain(github));
    play.observer = Some(observer);
    for (fact, hours) in facts {
        play.now += SignedDuration::from_hours(*hours);
        play.decide(fact);
    }
}
