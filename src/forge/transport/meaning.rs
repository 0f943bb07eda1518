//! What an answer of a forge means, and so who tries again, when, and until when: the table of
//! docs/operations.md, "When a forge fails", as a type. Nobody else judges status codes.

use jiff::SignedDuration;

use super::fault::ForgeFault;
use super::wait::jitter;

/// What it means that something did not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// No connection, no answer in time, 5xx, a proxy's page: the forge, or this project, is ill.
    Ill,
    /// 429 in all its forms, or a pace of our own: slower.
    Slower,
    /// 401: the token is dead.
    DeadToken,
    /// 404, or 403 without a limit: not visible yet, or no right.
    Hidden,
    /// 301: renamed or moved to where Usher does not go by itself.
    Moved,
    /// 422: what was named is refused. A person is taken off where it is about one; else our mistake.
    Refused,
    /// 400, an answer that cannot be read, a request that cannot be made: our mistake.
    Mistake,
    /// 409, 423, GitLab's "preparing": not yet.
    NotYet,
}

/// What follows for an action that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Once the forge may be asked again, which the gate knows. No attempt is counted.
    Uncounted,
    /// After so long. An attempt is counted.
    After(SignedDuration),
    /// Never: it becomes a dead letter.
    Never,
}

/// How long an ill forge is tried: longer than an outage should last.
pub(crate) const ILL_FOR: SignedDuration = SignedDuration::from_hours(8 * 24);
/// How long what is hidden is tried.
pub(crate) const HIDDEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long "not yet" is believed; then it is as good as hidden.
pub(crate) const NOT_YET_FOR: SignedDuration = SignedDuration::from_mins(10);
/// When people are told the truth about what does not come about.
pub const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Nothing is given up before so many attempts, for a server that was off has not tried.
const ATTEMPTS_MIN: u32 = 8;

const LONGEST_ILL_SECONDS: i64 = 600;
const HIDDEN_SECONDS: [i64; 7] = [1, 5, 30, 120, 600, 600, 3_600];
const LONGEST_NOT_YET_SECONDS: i64 = 60;

impl Meaning {
    pub const ALL: [Meaning; 8] = [
        Meaning::Ill,
        Meaning::Slower,
        Meaning::DeadToken,
        Meaning::Hidden,
        Meaning::Moved,
        Meaning::Refused,
        Meaning::Mistake,
        Meaning::NotYet,
    ];

    /// What follows after `attempts` (this one included) in `since`, the time since it was first wanted.
    /// `seed` spreads those that would otherwise all come again at once.
    pub fn again(self, attempts: u32, since: SignedDuration, seed: &str) -> Again {
        let worn = |limit: SignedDuration| since >= limit && attempts >= ATTEMPTS_MIN;
        match self {
            Meaning::Slower | Meaning::DeadToken => Again::Uncounted,
            Meaning::Mistake | Meaning::Refused => Again::Never,
            Meaning::Ill if worn(ILL_FOR) => Again::Never,
            Meaning::Ill => {
                let pause = doubled(attempts, LONGEST_ILL_SECONDS);
                Again::After(jitter(SignedDuration::from_secs(pause), seed))
            }
            Meaning::NotYet if since < NOT_YET_FOR => {
                let left = NOT_YET_FOR - since;
                let pause = SignedDuration::from_secs(doubled(attempts, LONGEST_NOT_YET_SECONDS));
                Again::After(if pause < left { pause } else { left })
            }
            Meaning::Hidden | Meaning::Moved | Meaning::NotYet if worn(HIDDEN_FOR) => Again::Never,
            Meaning::Hidden | Meaning::Moved | Meaning::NotYet => Again::After(hidden(attempts, since)),
        }
    }

    /// Whether people must be told of it now: it has gone on for long, and may go on for longer.
    pub fn is_told(self, attempts: u32, since: SignedDuration) -> bool {
        let lasting = matches!(self, Meaning::Hidden | Meaning::Moved | Meaning::NotYet);
        lasting && attempts > 1 && since >= TOLD_AFTER
    }
}

fn doubled(attempts: u32, longest: i64) -> i64 {
    (1 << attempts.saturating_sub(1).min(16)).min(longest)
}

/// One attempt falls on the moment at which people are told.
fn hidden(attempts: u32, since: SignedDuration) -> SignedDuration {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = HIDDEN_SECONDS.get(step).or(HIDDEN_SECONDS.last()).copied().unwrap_or(1);
    let pause = SignedDuration::from_secs(pause);
    if since < TOLD_AFTER && since + pause > TOLD_AFTER { TOLD_AFTER - since } else { pause }
}

impl ForgeFault {
    /// What it means. The one place that looks at a status.
    pub fn meaning(&self) -> Meaning {
        match self {
            ForgeFault::Later { .. } => Meaning::Slower,
            ForgeFault::Retry { .. } => Meaning::Ill,
            ForgeFault::NotYet { .. } => Meaning::NotYet,
            ForgeFault::Unauthorized => Meaning::DeadToken,
            // A 401 that is still one once the token has proved good speaks of a right.
            ForgeFault::Gone | ForgeFault::Refused { status: 401 | 403 | 404 | 410, .. } => Meaning::Hidden,
            ForgeFault::Refused { status: 300..=399, .. } => Meaning::Moved,
            ForgeFault::Refused { status: 422, .. } => Meaning::Refused,
            ForgeFault::Refused { .. } => Meaning::Mistake,
        }
    }

    /// Whether the forge has answered, whatever it said: it is well.
    pub fn is_answer(&self) -> bool {
        matches!(
            self.meaning(),
            Meaning::Hidden | Meaning::Moved | Meaning::Refused | Meaning::Mistake | Meaning::NotYet
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each attempt comes, in seconds after the first, until it is given up.
    fn attempts(meaning: Meaning) -> Vec<i64> {
        let (mut times, mut now) = (Vec::new(), SignedDuration::ZERO);
        for attempt in 1..100_000 {
            times.push(now.as_secs());
            match meaning.again(attempt, now, "") {
                Again::After(pause) => now += pause,
                Again::Uncounted | Again::Never => break,
            }
        }
        times
    }

    #[test]
    fn what_is_hidden_is_asked_for_soon_then_hourly_and_a_day_long() {
        let hidden = attempts(Meaning::Hidden);
        assert_eq!(hidden[..9], [0, 1, 6, 36, 156, 300, 900, 4_500, 8_100]);
        assert_eq!(*hidden.last().unwrap() / 3_600, 24);
        let told: Vec<i64> = (1..=20)
            .zip(&hidden)
            .filter_map(|(attempt, at)| {
                Meaning::Hidden.is_told(attempt, SignedDuration::from_secs(*at)).then_some(*at)
            })
            .collect();
        assert_eq!(told[0], 300, "five minutes, to the second");
    }

    #[test]
    fn an_ill_forge_is_tried_for_eight_days_and_never_more_often_than_it_bears() {
        let ill = attempts(Meaning::Ill);
        assert_eq!(ill[..5], [0, 1, 3, 7, 15]);
        let pauses = ill.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(pauses.clone().max() <= Some(750) && ill.last() >= Some(&(8 * 24 * 3_600)));
        let worn = SignedDuration::from_hours(9 * 24);
        assert_ne!(Meaning::Ill.again(2, worn, ""), Again::Never, "a server that was off has not tried");
    }

    #[test]
    fn not_yet_is_believed_for_ten_minutes_and_is_as_good_as_hidden_then() {
        let times = attempts(Meaning::NotYet);
        assert!(times.contains(&600), "{times:?}");
        assert!(times.iter().filter(|at| **at < 600).count() > 10, "{times:?}");
        assert_eq!(*times.last().unwrap() / 3_600, 24);
    }

    /// The row of docs/operations.md for a meaning, by its columns.
    fn row(meaning: Meaning) -> Vec<&'static str> {
        let text = include_str!("../../../docs/operations.md");
        let (_, table) = text.split_once("## When a forge fails").unwrap();
        let (table, _) = table.split_once("## Change the configuration").unwrap();
        let word = format!("`{meaning:?}`");
        let mut rows = table.lines().filter(|line| line.starts_with('|'));
        let row = rows.find(|row| row.split('|').nth(2).is_some_and(|cell| cell.contains(&word)));
        row.unwrap_or_else(|| panic!("{word} has no row")).split('|').map(str::trim).collect()
    }

    #[test]
    fn the_table_for_operators_says_what_is_done() {
        for meaning in Meaning::ALL {
            let row = row(meaning);
            let (does, gives_up) = (row[3], row[4]);
            let long = SignedDuration::from_hours(30 * 24);
            let last = match meaning.again(9_999, long, "") {
                Again::Uncounted => "never",
                Again::Never if meaning.again(1, SignedDuration::ZERO, "") == Again::Never => "at once",
                Again::Never if meaning == Meaning::Ill => "after 8 days",
                Again::Never if meaning == Meaning::NotYet => "then as `Hidden`",
                Again::Never => "after a day",
                Again::After(pause) => panic!("{meaning:?} never ends: {pause}"),
            };
            assert!(gives_up.starts_with(last), "{meaning:?}: {gives_up}");
            let told = meaning.is_told(9, TOLD_AFTER);
            let says = row[5].contains("5 minutes") || row[5] == "as `Hidden`" || meaning == Meaning::Moved;
            assert_eq!(told, says, "{meaning:?}: who sees it");
            if let Again::After(_) = meaning.again(1, SignedDuration::ZERO, "") {
                assert!(does.starts_with("again after 1") || does.starts_with("as `Hidden`"), "{does}");
            }
        }
        let statuses =
            [(301, Meaning::Moved), (400, Meaning::Mistake), (422, Meaning::Refused), (404, Meaning::Hidden)];
        for (status, meaning) in statuses {
            let fault = ForgeFault::Refused { status, answer: String::new() };
            assert!(fault.meaning() == meaning && row(meaning)[1].contains(&status.to_string()), "{status}");
        }
    }

    #[test]
    fn every_status_has_one_meaning_and_waiting_counts_for_nothing() {
        let refused = |status| ForgeFault::Refused { status, answer: String::new() }.meaning();
        for (status, meaning) in [
            (0, Meaning::Mistake),
            (200, Meaning::Mistake),
            (301, Meaning::Moved),
            (400, Meaning::Mistake),
            (401, Meaning::Hidden),
            (403, Meaning::Hidden),
            (405, Meaning::Mistake),
            (422, Meaning::Refused),
        ] {
            assert_eq!(refused(status), meaning, "{status}");
        }
        let ever = SignedDuration::from_hours(9_999);
        for meaning in [Meaning::Slower, Meaning::DeadToken] {
            assert_eq!(meaning.again(9_999, ever, ""), Again::Uncounted);
        }
    }
}
