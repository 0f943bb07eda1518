//! Answers of lists that are asked for again and again. GitHub does not count a request that is
//! answered with 304 "not modified" (GitHub's `best-practices-for-using-the-rest-api.md`), so a sweep
//! over quiet projects costs nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Answers kept: five hundred projects, some of them with several pages, and the rosters.
const ENTRIES_MAX: usize = 2_000;
/// Bytes kept, compressed.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest answer kept, compressed.
const ENTRY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What of the headers is needed besides the body: where the next page is.
const HEADERS_KEPT: [&str; 2] = ["link", "x-next-page"];

/// What an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CacheKey {
    pub url: String,
    pub accept: Option<HeaderValue>,
    /// Whose eyes saw it: another installation of an App may be shown something else.
    pub owner: String,
}

/// An answer that may be used again.
#[derive(Debug)]
pub(super) struct CachedAnswer {
    pub etag: HeaderValue,
    headers: HeaderMap,
    /// Lists are mostly the same words over and over.
    compressed: Vec<u8>,
}

/// The answers kept for one forge identity. The least recently used go first.
#[derive(Debug, Default)]
pub(super) struct EtagCache(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<CacheKey, (u64, Arc<CachedAnswer>)>,
    bytes: usize,
    turn: u64,
}

impl CachedAnswer {
    /// The answer as it came first; where the next page is, `not_modified` knows better if it says so.
    ///
    /// # Errors
    /// When it cannot be unpacked, which would be a mistake of ours; in words.
    pub(super) fn answer(&self, not_modified: &HeaderMap) -> Result<Response<Bytes>, String> {
        let body =
            lz4_flex::decompress_size_prepended(&self.compressed).map_err(|error| error.to_string())?;
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = StatusCode::OK;
        let told = pages(not_modified);
        *answer.headers_mut() = if told.is_empty() { self.headers.clone() } else { told };
        Ok(answer)
    }
}

impl EtagCache {
    /// What was answered before.
    pub(super) fn find(&self, key: &CacheKey) -> Option<Arc<CachedAnswer>> {
        let mut state = self.state();
        state.turn += 1;
        let turn = state.turn;
        let (used, kept) = state.entries.get_mut(key)?;
        *used = turn;
        Some(kept.clone())
    }

    /// Keeps a good answer that has an ETag.
    pub(super) fn keep(&self, key: CacheKey, answer: &Response<Bytes>) {
        let Some(etag) = answer.headers().get(header::ETAG) else { return };
        let compressed = lz4_flex::compress_prepend_size(answer.body());
        if answer.status() != StatusCode::OK || compressed.len() > ENTRY_BYTES_MAX {
            return;
        }
        let kept = CachedAnswer { etag: etag.clone(), headers: pages(answer.headers()), compressed };
        self.state().put(key, kept);
    }

    /// The state is plain data that no panic can leave half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What headers say of other pages.
fn pages(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in HEADERS_KEPT.map(header::HeaderName::from_static) {
        for value in headers.get_all(&name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

impl State {
    fn put(&mut self, key: CacheKey, kept: CachedAnswer) {
        self.turn += 1;
        self.bytes += kept.compressed.len();
        if let Some((_, old)) = self.entries.insert(key, (self.turn, Arc::new(kept))) {
            self.bytes -= old.compressed.len();
        }
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            let Some((_, gone)) = oldest.and_then(|key| self.entries.remove(&key)) else { return };
            self.bytes -= gone.compressed.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(page: usize) -> CacheKey {
        CacheKey { url: format!("https://forge/list?page={page}"), accept: None, owner: String::new() }
    }

    fn answer(body: Vec<u8>) -> Response<Bytes> {
        let answer = Response::builder().header("etag", "W/\"1\"").header("link", "<?page=2>; rel=\"next\"");
        answer.header("date", "today").body(Bytes::from(body)).unwrap()
    }

    #[test]
    fn an_answer_comes_back_with_its_body_and_its_next_page() {
        let cache = EtagCache::default();
        cache.keep(key(1), &answer(b"[1,2]".to_vec()));
        let kept = cache.find(&key(1)).unwrap();
        assert_eq!(kept.etag, "W/\"1\"");
        let again = kept.answer(&HeaderMap::new()).unwrap();
        assert_eq!((again.status(), again.body().as_ref()), (StatusCode::OK, b"[1,2]".as_slice()));
        assert_eq!(again.headers().len(), 1, "{:?}", again.headers());
        let told = answer(Vec::new()).headers().clone();
        let told = HeaderMap::from_iter(
            [(header::LINK, "<?page=9>; rel=\"next\"".parse().unwrap())]
                .into_iter()
                .chain(told.get("date").map(|date| (header::DATE, date.clone()))),
        );
        let again = kept.answer(&told).unwrap();
        assert_eq!((again.headers().len(), &again.headers()["link"]), (1, &told["link"]));
        let other = CacheKey { owner: "beta".into(), ..key(1) };
        assert!(cache.find(&other).is_none() && cache.find(&key(2)).is_none());
        cache.keep(key(3), &Response::new(Bytes::from_static(b"[]")));
        assert!(cache.find(&key(3)).is_none(), "no ETag, nothing to ask with");
    }

    #[test]
    fn entries_and_bytes_have_limits_and_the_least_used_go_first() {
        let cache = EtagCache::default();
        for page in 0..ENTRIES_MAX + 5 {
            cache.keep(key(page), &answer(vec![b' '; 10]));
            cache.find(&key(0));
        }
        assert_eq!(cache.state().entries.len(), ENTRIES_MAX);
        assert!(cache.find(&key(0)).is_some() && cache.find(&key(1)).is_none());
        // What cannot be compressed: a walk through all bytes by a multiplier.
        let mut seed = 1_u64;
        let mut noise = |length: usize| -> Vec<u8> {
            let next = |seed: &mut u64| {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (*seed >> 56) as u8
            };
            (0..length).map(|_| next(&mut seed)).collect()
        };
        cache.keep(key(9_999), &answer(noise(ENTRY_BYTES_MAX + 1)));
        assert!(cache.find(&key(9_999)).is_none(), "too large");
        for page in 10_000..10_040 {
            cache.keep(key(page), &answer(noise(1024 * 1024)));
        }
        let state = cache.state();
        assert!(state.bytes <= BYTES_MAX, "{}", state.bytes);
        assert_eq!(state.bytes, state.entries.values().map(|(_, kept)| kept.compressed.len()).sum::<usize>());
    }
}
