//! Fingerprints: stable across versions, machines and restarts.

/// FNV-1a over texts, each followed by a byte that cannot occur in UTF-8.
pub fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let text = |hash, text: &'a str| step(text.as_bytes().iter().fold(hash, step), &0xff);
    texts.into_iter().fold(0xcbf2_9ce4_8422_2325, text)
}
