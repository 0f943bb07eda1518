//! Projects that were renamed: they have another path. Forges answer a request for the old name with a redirect to
//! the project's number; nothing was done by then, so the same request is sent there, once.
//!
//! GitHub redirects reads with 301 and writes with 307 to `/repositories/{id}/…`; GitLab redirects
//! reads with 301 to `/projects/{id}/…` and refuses writes with 405 (GL `lib/api/helpers.rb`,
//! `find_project!`). The old name is asked anew each time: whoever takes it over gets it at once, and
//! what is meant for the one project never reaches the other.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::headers::text_of;

/// Projects that were told of in the log; after so many there is silence.
const TOLD_MAX: usize = 200;

/// Where a request for a renamed project should go instead: on the same forge, below its API.
pub(super) fn target(api: &Url, asked: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    let lasting = [StatusCode::MOVED_PERMANENTLY, StatusCode::PERMANENT_REDIRECT].contains(&status);
    if !lasting && status != StatusCode::TEMPORARY_REDIRECT {
        return None;
    }
    let mut place = asked.join(text_of(headers, header::LOCATION.as_str())?).ok()?;
    if place.query().is_none() {
        place.set_query(asked.query());
    }
    place.set_fragment(None);
    let ours = place.origin() == api.origin() && place.path().starts_with(api.path());
    (ours && is_project(api, asked) && place != *asked).then_some(place)
}

/// Whether GitLab refuses a write because the project has another name by now.
pub(super) fn is_refused_write(status: StatusCode, body: &[u8]) -> bool {
    let says = |text: &str| text.contains("not allowed for moved projects");
    status == StatusCode::METHOD_NOT_ALLOWED && says(&String::from_utf8_lossy(&body[..body.len().min(1_024)]))
}

/// The project's own address, for a request to something in a GitLab project.
pub(super) fn project(api: &Url, asked: &Url) -> Option<Url> {
    let below = asked.path().strip_prefix(api.path())?;
    let mut parts = below.trim_start_matches('/').split('/');
    let (Some("projects"), Some(name)) = (parts.next(), parts.next()) else { return None };
    let mut project = api.clone();
    project.set_path(&format!("{}projects/{name}", api.path()));
    Some(project)
}

/// The same request to the project at its new address.
pub(super) fn rebase(asked: &Url, old: &Url, new: &Url) -> Option<Url> {
    let rest = asked.path().strip_prefix(old.path())?;
    let mut url = new.clone();
    url.set_path(&format!("{}{rest}", new.path()));
    url.set_query(asked.query());
    Some(url)
}

fn is_project(api: &Url, asked: &Url) -> bool {
    let below = asked.path().strip_prefix(api.path()).unwrap_or_default();
    ["projects/", "repos/"].iter().any(|folder| below.trim_start_matches('/').starts_with(folder))
}

/// Which renames were told of.
#[derive(Debug, Default)]
pub(super) struct Renames(Mutex<BTreeSet<String>>);

impl Renames {
    /// Says once for each project where it is now.
    pub(super) fn tell(&self, api: &Url, old: &Url, new: &Url) {
        let name = |url: &Url| -> String {
            let below = url.path().strip_prefix(api.path()).unwrap_or_default();
            let parts: Vec<&str> = below.trim_start_matches('/').split('/').collect();
            let length = if parts.first() == Some(&"repos") { 3 } else { 2 };
            parts[..parts.len().min(length)].join("/")
        };
        let (old, new) = (name(old), name(new));
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD_MAX && told.insert(old.clone()) {
            tracing::warn!(forge = %api, "`{old}` was renamed or moved and is `{new}` now; correct `projects` if it names it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_project_on_the_same_forge_below_its_api_is_followed() {
        let api = url("https://h/gl/api/v4/");
        let asked = url("https://h/gl/api/v4/projects/a%2Fb/merge_requests?state=opened");
        let place = |status: u16, location: &str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
            target(&api, &asked, StatusCode::from_u16(status).unwrap(), &headers).map(|url| url.to_string())
        };
        let there = "https://h/gl/api/v4/projects/7/merge_requests?state=opened";
        for status in [301, 307, 308] {
            assert_eq!(place(status, "/gl/api/v4/projects/7/merge_requests").as_deref(), Some(there));
            assert_eq!(place(status, there).as_deref(), Some(there));
        }
        for location in [
            "https://evil/gl/api/v4/projects/7",
            "http://h/gl/api/v4/projects/7",
            "/users/sign_in",
            "?state=opened",
        ] {
            assert_eq!(place(301, location), None, "{location}");
        }
        assert_eq!(place(302, there), None, "a sign-in page or a proxy's word, not the forge's");
        let user = url("https://h/gl/api/v4/users/7");
        let headers = HeaderMap::from_iter([(header::LOCATION, there.parse().unwrap())]);
        assert_eq!(target(&api, &user, StatusCode::MOVED_PERMANENTLY, &headers), None);
    }

    #[test]
    fn a_write_goes_to_the_project_of_that_number() {
        let api = url("https://h/gl/api/v4/");
        let asked = url("https://h/gl/api/v4/projects/a%2Fb/merge_requests/3/notes?x=1");
        let old = project(&api, &asked).unwrap();
        assert_eq!(old.as_str(), "https://h/gl/api/v4/projects/a%2Fb");
        let new = rebase(&asked, &old, &url("https://h/gl/api/v4/projects/7")).unwrap();
        assert_eq!(new.as_str(), "https://h/gl/api/v4/projects/7/merge_requests/3/notes?x=1");
        assert!(project(&api, &url("https://h/gl/api/v4/groups/a")).is_none());
        let body = br#"{"message":"405 Non GET methods are not allowed for moved projects"}"#;
        assert!(is_refused_write(StatusCode::METHOD_NOT_ALLOWED, body));
        assert!(!is_refused_write(StatusCode::METHOD_NOT_ALLOWED, b"{}"));
    }
}
