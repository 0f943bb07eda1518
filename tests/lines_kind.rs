//! Lines of scenarios about kindness: whom the forge notified of what Usher wrote.

use crate::scenarios::{Story, Told, fit, names, number, same};
use crate::support::notices::Got;

/// `rita got 1 request, 1 comment by name and 0 others` · `only rita and sam were notified`
pub(crate) fn then(story: &Story, line: &str) -> Option<Told> {
    let notices = &story.play.forge.notices;
    if let Some([who]) = fit("only {} were notified", line) {
        return Some(same(names(who), notices.notified()));
    }
    let words = line.replace("requests", "request").replace("comments", "comment").replace("others", "other");
    let [who, requests, by_name, others] = fit("{} got {} request, {} comment by name and {} other", &words)?;
    let got = || Ok(Got { requests: number(requests)?, by_name: number(by_name)?, others: number(others)? });
    Some(got().and_then(|expected| same(expected, notices.of(who))))
}
