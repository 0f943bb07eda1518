//! Lists that come in pages.

use http::{HeaderMap, header};
use url::Url;

use super::headers::text_of;

/// Entries asked for per page: the most that both forges give.
pub(in crate::forge) const PER_PAGE: u32 = 100;
/// Pages read of one list, at most. 3,000 entries is also where GitHub's file list ends.
pub(in crate::forge) const PAGES_LIMIT: usize = 30;
/// Pages of changes read in one sweep of a project or group, at most: 30,000 changes.
pub(in crate::forge) const SWEEP_PAGES_LIMIT: usize = 300;

/// Entries of a list, whether a limit cut it short, and how many entries could not be read.
#[derive(Debug)]
pub(in crate::forge) struct Pages<T> {
    pub entries: Vec<T>,
    pub truncated: bool,
    pub unread: usize,
}

impl<T> Pages<T> {
    /// A list that is known to be whole.
    pub(crate) fn whole(entries: Vec<T>) -> Pages<T> {
        Pages { entries, truncated: false, unread: 0 }
    }

    /// Whether everything that the forge has is in `entries`.
    pub(crate) fn is_whole(&self) -> bool {
        !self.truncated && self.unread == 0
    }
}

/// The next page of a list at `url`, as the answer's headers tell: GitLab's `X-Next-Page`, or the
/// `Link` with `rel="next"`. A short page says nothing: hidden entries are taken out after paging.
///
/// Only the query of a link is used, on the path that was asked for: behind a proxy or a renamed
/// project its host and path may not be ours to go to.
pub(in crate::forge) fn next_page(url: &Url, headers: &HeaderMap) -> Option<Url> {
    let mut next = url.clone();
    if let Some(page) = text_of(headers, "x-next-page") {
        let page: u64 = page.parse().ok()?;
        let kept: Vec<_> = url.query_pairs().filter(|(key, _)| key != "page").map(own).collect();
        next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &page.to_string());
        return (next != *url).then_some(next);
    }
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let target = links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| matches!(parameter.trim(), r#"rel="next""# | "rel=next");
        parameters.split(';').any(is_next).then_some(target)
    })?;
    next.set_query(url.join(target).ok()?.query());
    (next != *url).then_some(next)
}

fn own(pair: (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> (String, String) {
    (pair.0.into_owned(), pair.1.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_comes_from_headers_and_stays_on_the_path() {
        let url = Url::parse("https://h/gl/api/v4/projects/a%2Fb/diffs?per_page=100&page=1").unwrap();
        let next = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            next_page(&url, &headers).map(|url| url.to_string())
        };
        let second = "https://h/gl/api/v4/projects/a%2Fb/diffs?per_page=100&page=2";
        assert_eq!(next("x-next-page", "2").as_deref(), Some(second));
        assert_eq!(next("x-next-page", ""), None);
        let link = r#"<https://evil/x?page=1>; rel="prev", <https://inner:81/other?per_page=100&page=2>; rel="next""#;
        assert_eq!(next("link", link).as_deref(), Some(second));
        assert_eq!(next("link", r#"<https://h/x?page=9>; rel="last""#), None);
        assert_eq!(next("link", r#"<?per_page=100&page=1>; rel="next""#), None, "a page is not its own next");
    }
}
