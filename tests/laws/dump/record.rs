//! What is kept of one seed: three hashes, what occurred, and on request every line.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::view::{Part, Seen};

/// FNV-1a with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): the same on every machine and
/// with every compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fnv(u64);

impl Fnv {
    pub const NEW: Fnv = Fnv(0xcbf2_9ce4_8422_2325);

    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A text and its end, so that "ab" and "c" differ from "a" and "bc".
    fn add_text(&mut self, text: &str) {
        self.add(text.as_bytes());
        self.add(&[0]);
    }
}

/// How often each kind of thing occurred.
pub(super) type Counts = BTreeMap<String, u64>;

/// What is kept of one seed.
pub(super) struct Record {
    seed: u64,
    /// Decisions so far.
    pub facts: u64,
    /// One hash for each [`Part`], over all decisions.
    hashes: [Fnv; 3],
    pub counts: Counts,
    /// The text of the status comment as it was last written.
    status: Option<String>,
    /// Every line, where they are wanted.
    pub detail: Option<String>,
}

impl Record {
    pub fn new(seed: u64, detailed: bool) -> Record {
        let detail = detailed.then(|| format!("== seed {seed}\n"));
        Record { seed, facts: 0, hashes: [Fnv::NEW; 3], counts: Counts::new(), status: None, detail }
    }

    /// What is about to happen, for whoever reads the detail.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(detail) = &mut self.detail {
            let _ = writeln!(detail, "{}   -- {}", self.seed, what());
        }
    }

    /// Takes in one decision: each of its lines, in their order, and the status comment as it stands.
    pub fn decision(&mut self, question: impl FnOnce() -> String, mut seen: Seen) {
        self.facts += 1;
        let news = seen.status.take().filter(|text| self.status.as_ref() != Some(text));
        if let Some(text) = news.clone() {
            seen.kinds.push("text.status".into());
            self.status = Some(text);
        }
        let mut own = [Fnv::NEW; 3];
        for line in &seen.lines {
            let hash = &mut own[line.part as usize];
            hash.add_text(line.field);
            hash.add_text(&line.value);
        }
        own[Part::Status as usize].add_text(self.status.as_deref().unwrap_or_default());
        for (all, own) in self.hashes.iter_mut().zip(&own) {
            all.add(&own.0.to_le_bytes());
        }
        for kind in std::mem::take(&mut seen.kinds) {
            *self.counts.entry(kind).or_default() += 1;
        }
        if let Some(detail) = &mut self.detail {
            let place = format!("{}.{}", self.seed, self.facts);
            let _ = writeln!(detail, "{place} fact {}", question());
            let _ = writeln!(detail, "{place} hash {}", shown(&own));
            for line in &seen.lines {
                let _ = writeln!(detail, "{place} {} {}", line.field, line.value);
            }
            if let Some(text) = news {
                let _ = writeln!(detail, "{place} status {text:?}");
            }
        }
    }

    /// The seed in one line: how many decisions, and the three hashes.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.seed, self.facts, shown(&self.hashes))
    }
}

fn shown(hashes: &[Fnv; 3]) -> String {
    hashes.map(|hash| format!("{:016x}", hash.0)).join(" ")
}
