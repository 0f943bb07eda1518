//! Headers as text.

use http::HeaderMap;

pub(in crate::forge) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
