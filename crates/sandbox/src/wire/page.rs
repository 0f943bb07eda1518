//! One page of a list.

use super::call::Call;

/// The items of a page, and where it stands among the others.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) number: usize,
    pub(crate) per_page: usize,
    pub(crate) total: usize,
}

impl<T> Page<T> {
    /// The page that was asked for, of all these items.
    pub(crate) fn asked_by(call: &Call, items: Vec<T>, per_page_default: usize) -> Page<T> {
        let asked = |name: &str| call.number(name).and_then(|number| usize::try_from(number).ok());
        let per_page = asked("per_page").unwrap_or(per_page_default).clamp(1, 100);
        let number = asked("page").unwrap_or(1).max(1);
        let total = items.len();
        let items = items.into_iter().skip((number - 1).saturating_mul(per_page)).take(per_page).collect();
        Page { items, number, per_page, total }
    }

    pub(crate) fn last(&self) -> usize {
        self.total.div_ceil(self.per_page).max(1)
    }

    pub(crate) fn next(&self) -> Option<usize> {
        (self.number < self.last()).then_some(self.number + 1)
    }

    pub(crate) fn prev(&self) -> Option<usize> {
        (self.number > 1).then_some(self.number - 1)
    }

    /// The `Link` header with absolute URLs.
    pub(crate) fn link(&self, call: &Call) -> String {
        let relations =
            [("prev", self.prev()), ("next", self.next()), ("first", Some(1)), ("last", Some(self.last()))];
        let links = relations.into_iter().filter_map(|(relation, page)| {
            Some(format!("<{}>; rel=\"{relation}\"", call.at_page(page?, self.per_page)))
        });
        links.collect::<Vec<_>>().join(", ")
    }
}
