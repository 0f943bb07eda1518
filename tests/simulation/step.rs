//! What may happen in the world, and the story of a seed.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use usher_sandbox::{Forge, Verdict};

use super::disk::DiskDeath;
use super::wire::Death;

/// Who acts: support engineers, reviewers of both pools, the lead, a stranger.
pub const PEOPLE: [&str; 8] = ["sam", "siobhan", "rita", "ravi", "dora", "dan", "lena", "olga"];

/// Something that a person does to a change.
#[derive(Clone, Debug)]
pub enum Deed {
    Push,
    Say(&'static str),
    Review(Verdict),
    /// A remark on a line, which begins a thread.
    Remark,
    /// The first open thread is resolved.
    Resolve,
    /// The first resolved one is opened again.
    Unresolve,
    Unapprove,
    Dismiss(usize),
    Request(usize),
    Unrequest(usize),
    Label(&'static str),
    Unlabel(&'static str),
    Draft,
    Ready,
    Retitle,
    Merge,
    Close,
    Reopen,
}

/// How a forge fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Error500,
    NotFound,
    Forbidden,
    Limited,
    ProxyPage,
    DroppedBefore,
    DroppedAfter,
    CutOff,
    Unprocessable,
}

/// One step of a story.
#[derive(Clone, Debug)]
pub enum Step {
    Open {
        forge: Forge,
        by: usize,
        draft: bool,
    },
    /// Somebody acts on the change with this number in the order of their openings.
    Act {
        change: usize,
        by: usize,
        deed: Deed,
    },
    /// Between Usher's next read and its write somebody puts a label on.
    ActsInBetween {
        change: usize,
        by: usize,
    },

    Deliver,
    /// The forge loses its next webhook.
    Lose {
        forge: Forge,
    },
    Twice {
        new_ids: bool,
    },
    Shuffle {
        seed: u64,
    },
    /// One that was delivered long ago comes again.
    Redeliver {
        which: usize,
    },

    Decide,
    Tick,
    Perform,
    Sweep {
        told: bool,
    },
    Prune,
    /// All of it until nobody has anything left to say.
    Settle,
    Restart,
    Dies(Death),
    /// It dies at a write to its store.
    DiesWriting(DiskDeath),

    Pass {
        minutes: i64,
    },
    /// Nobody looks at any deadline for so long.
    Outage {
        minutes: i64,
    },
    SetBack {
        minutes: i64,
    },

    Fails {
        forge: Forge,
        how: Failure,
        writes: bool,
        times: u32,
    },
    Mends,
    Breaks {
        forge: Forge,
    },
    /// The disk under the store has no room for so many writes.
    Full {
        writes: u32,
    },
    /// A row in the store that this version cannot read, as a newer one may leave it.
    Unreadable {
        forge: Forge,
    },
    /// Somebody else holds the store so many times.
    Busy {
        times: u32,
    },
    TokenDies {
        forge: Forge,
    },
    ForgeClock {
        forge: Forge,
        seconds: i64,
    },

    Rename {
        forge: Forge,
        back: bool,
    },
    Archive {
        forge: Forge,
        archived: bool,
    },
    Leaves {
        forge: Forge,
        who: usize,
    },
    Comes {
        forge: Forge,
        who: usize,
    },
    LeavesSupport {
        who: usize,
    },
    Reload {
        variant: usize,
    },
    DryRun {
        on: bool,
    },
}

const SAYINGS: [&str; 20] = [
    "thanks",
    "@usher accept",
    "@usher decline",
    "@usher decline no time",
    "@usher snooze 2d",
    "@usher snooze 30m",
    "@usher reassign",
    "@usher reassign @rita",
    "@usher pool docs",
    "@usher skip",
    "@usher resume",
    "@usher ready",
    "@usher overrule @rita",
    "@usher handover",
    "@usher handover @siobhan",
    "@usher away 3d",
    "@usher back",
    "@usher why",
    "@usher help",
    "@usher dance",
];
const LABELS: [&str; 4] =
    ["bug", "support-review::ready-to-merge", "support-review-skip", "support-contribution"];

fn forge() -> impl Strategy<Value = Forge> {
    prop_oneof![Just(Forge::Gitlab), Just(Forge::Github)]
}

fn who() -> std::ops::Range<usize> {
    0..PEOPLE.len()
}

fn deed() -> impl Strategy<Value = Deed> {
    let verdict = prop_oneof![
        3 => Just(Verdict::Approve),
        2 => Just(Verdict::RequestChanges),
        2 => Just(Verdict::Comment)
    ];
    prop_oneof![
        3 => Just(Deed::Push),
        6 => prop::sample::select(SAYINGS.to_vec()).prop_map(Deed::Say),
        6 => verdict.prop_map(Deed::Review),
        2 => Just(Deed::Remark),
        3 => Just(Deed::Resolve),
        1 => Just(Deed::Unresolve),
        1 => Just(Deed::Unapprove),
        1 => who().prop_map(Deed::Dismiss),
        2 => who().prop_map(Deed::Request),
        2 => who().prop_map(Deed::Unrequest),
        1 => prop::sample::select(LABELS.to_vec()).prop_map(Deed::Label),
        1 => prop::sample::select(LABELS.to_vec()).prop_map(Deed::Unlabel),
        1 => Just(Deed::Draft),
        1 => Just(Deed::Ready),
        1 => Just(Deed::Retitle),
        1 => Just(Deed::Merge),
        1 => Just(Deed::Close),
        1 => Just(Deed::Reopen),
    ]
}

fn post() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Deliver),
        2 => forge().prop_map(|forge| Step::Lose { forge }),
        1 => any::<bool>().prop_map(|new_ids| Step::Twice { new_ids }),
        1 => any::<u64>().prop_map(|seed| Step::Shuffle { seed }),
        1 => (0_usize..40).prop_map(|which| Step::Redeliver { which }),
    ]
}

fn usher() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Decide),
        1 => Just(Step::Tick),
        4 => Just(Step::Perform),
        2 => any::<bool>().prop_map(|told| Step::Sweep { told }),
        1 => Just(Step::Prune),
        4 => Just(Step::Settle),
        1 => Just(Step::Restart),
        2 => (1_u32..9, any::<bool>()).prop_map(|(at, done)| Step::Dies(Death { at, done })),
        2 => (1_u32..40, any::<bool>()).prop_map(|(at, done)| Step::DiesWriting(DiskDeath { at, done })),
    ]
}

fn failure() -> impl Strategy<Value = Failure> {
    use Failure::{
        CutOff, DroppedAfter, DroppedBefore, Error500, Forbidden, Limited, NotFound, ProxyPage, Unprocessable,
    };
    prop::sample::select(vec![
        Error500,
        NotFound,
        Forbidden,
        Limited,
        ProxyPage,
        DroppedBefore,
        DroppedAfter,
        DroppedAfter,
        CutOff,
        Unprocessable,
    ])
}

fn trouble() -> impl Strategy<Value = Step> {
    let fails = (forge(), failure(), any::<bool>(), 1_u32..4)
        .prop_map(|(forge, how, writes, times)| Step::Fails { forge, how, writes, times });
    prop_oneof![
        8 => fails,
        4 => Just(Step::Mends),
        1 => forge().prop_map(|forge| Step::Breaks { forge }),
        1 => (1_u32..12).prop_map(|writes| Step::Full { writes }),
        1 => (1_u32..200).prop_map(|times| Step::Busy { times }),
        1 => forge().prop_map(|forge| Step::Unreadable { forge }),
        1 => forge().prop_map(|forge| Step::TokenDies { forge }),
        1 => (forge(), -200_i64..200).prop_map(|(forge, seconds)| Step::ForgeClock { forge, seconds }),
        1 => (forge(), any::<bool>()).prop_map(|(forge, back)| Step::Rename { forge, back }),
        1 => (forge(), any::<bool>()).prop_map(|(forge, archived)| Step::Archive { forge, archived }),
        1 => (forge(), 2_usize..8).prop_map(|(forge, who)| Step::Leaves { forge, who }),
        1 => (forge(), 2_usize..8).prop_map(|(forge, who)| Step::Comes { forge, who }),
        1 => (0_usize..2).prop_map(|who| Step::LeavesSupport { who }),
        2 => (0_usize..5).prop_map(|variant| Step::Reload { variant }),
        1 => any::<bool>().prop_map(|on| Step::DryRun { on }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let open = (forge(), 0_usize..2, prop::bool::weighted(0.2)).prop_map(|(forge, by, draft)| Step::Open {
        forge,
        by,
        draft,
    });
    let time = prop_oneof![
        6 => prop_oneof![1_i64..60, 60_i64..1_500, 1_500_i64..6_000].prop_map(|minutes| Step::Pass { minutes }),
        1 => (1_i64..2_000).prop_map(|minutes| Step::Outage { minutes }),
        1 => (1_i64..400).prop_map(|minutes| Step::SetBack { minutes }),
    ];
    let act = (0_usize..4, who(), deed()).prop_map(|(change, by, deed)| Step::Act { change, by, deed });
    prop_oneof![
        3 => open,
        14 => act,
        1 => (0_usize..4, who()).prop_map(|(change, by)| Step::ActsInBetween { change, by }),
        8 => post(),
        12 => usher(),
        6 => time,
        6 => trouble(),
    ]
}

/// When the story of a seed begins: on a Monday in winter, or days before the clocks of London change.
pub fn start_of(seed: u64) -> Timestamp {
    let start = match seed % 8 {
        0 => "2026-03-26T10:00:00Z",
        1 => "2026-10-22T10:00:00Z",
        _ => "2026-03-02T10:00:00Z",
    };
    start.parse().expect("an instant")
}

/// The steps of a seed: the same for ever.
pub fn story_of(seed: u64) -> Vec<Step> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let forge = if seed.is_multiple_of(2) { Forge::Gitlab } else { Forge::Github };
    let first = [Step::Open { forge, by: 0, draft: false }, Step::Settle];
    let rest = vec(step(), 4..36).new_tree(&mut runner).expect("a strategy without filters").current();
    first.into_iter().chain(rest).collect()
}
