//! Lists whose entries are read one by one, so that one that cannot be read does not hide the others.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

/// Entries of a list that could be read, and how many could not.
#[derive(Clone, Debug)]
pub(in crate::forge) struct Entries<T> {
    pub list: Vec<T>,
    pub unread: usize,
}

impl<T> Default for Entries<T> {
    fn default() -> Entries<T> {
        Entries { list: Vec::new(), unread: 0 }
    }
}

impl<T> Entries<T> {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.list.iter()
    }
}

impl<'a, T> IntoIterator for &'a Entries<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<T> IntoIterator for Entries<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

struct OneByOne<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for OneByOne<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<T>, A::Error> {
        let mut entries = Entries::default();
        while let Some(entry) = list.next_element::<Value>()? {
            match serde_path_to_error::deserialize(entry) {
                Ok(entry) => entries.list.push(entry),
                Err(error) => {
                    // The place alone: what stands there may be anybody's.
                    let at = error.path();
                    tracing::warn!(%at, "an entry of a forge's list cannot be read and is left out");
                    entries.unread += 1;
                }
            }
        }
        Ok(entries)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OneByOne(PhantomData))
    }
}

/// A page of a list. Where all is well, which is nearly always, the detour is not taken.
///
/// # Errors
/// When it is no list, or no JSON.
pub(in crate::forge) fn page<T: DeserializeOwned>(body: &[u8]) -> Result<Entries<T>, serde_json::Error> {
    match serde_json::from_slice(body) {
        Ok(list) => Ok(Entries { list, unread: 0 }),
        Err(error) if error.is_data() => serde_json::from_slice(body),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(Vec<u8>, usize)> {
        page(body.as_bytes()).ok().map(|entries: Entries<u8>| (entries.list, entries.unread))
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_counted() {
        assert_eq!(read("[1, 2]"), Some((vec![1, 2], 0)));
        assert_eq!(read(r#"[1, "two", 3, null, 400]"#), Some((vec![1, 3], 3)));
        assert_eq!(read("[]"), Some((vec![], 0)));
    }

    #[test]
    fn what_is_no_list_is_no_answer() {
        for body in ["{}", "[1, 2", "<html>", "", "null", r#"{"message": "no"}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
