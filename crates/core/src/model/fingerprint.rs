//! Fingerprints: stable across versions, machines and restarts.

use std::hash::{Hash, Hasher};

/// FNV-1a over texts, each followed by a byte that cannot occur in UTF-8.
pub fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let text = |hash, text: &'a str| step(text.as_bytes().iter().fold(hash, step), &0xff);
    texts.into_iter().fold(0xcbf2_9ce4_8422_2325, text)
}

/// FNV-1a over all that a value consists of. It stays the same as long as the value's type does.
pub fn fingerprint_of(value: &impl Hash) -> u64 {
    let mut hasher = Fnv(OFFSET);
    value.hash(&mut hasher);
    hasher.0
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a that hashes numbers the same on every machine.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_i64(number as i64);
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_i64(&mut self, number: i64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }
}
