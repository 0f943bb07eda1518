//! Where a forge lives: the root of its API, and of its pages.

use url::Url;

use usher_core::model::change::{ChangeKey, ForgeKind};

/// The two roots of one forge. Both end with a slash, so that `Url::join` keeps a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForgeAddress {
    kind: ForgeKind,
    /// `https://gitlab.example.com/gl/api/v4/`, `https://api.github.com/`, `https://ghe/api/v3/`.
    pub api: Url,
    /// `https://gitlab.example.com/gl/`, `https://github.com/`, `https://ghe/`.
    pub web: Url,
}

/// Where a forge with this root of its REST API takes GraphQL: GitLab `…/api/graphql`, GitHub
/// `https://api.github.com/graphql`, GitHub Enterprise Server `https://ghe/api/graphql`.
pub(in crate::forge) fn graphql(api: &Url) -> Url {
    let root = api.path().trim_end_matches('/');
    let root = root.strip_suffix("/v4").or_else(|| root.strip_suffix("/v3")).unwrap_or(root);
    let mut url = api.clone();
    url.set_path(&format!("{root}/graphql"));
    url
}

impl ForgeAddress {
    /// Reads a forge's configured url: for GitLab the address of its pages (a path prefix is kept),
    /// for GitHub the address of its API (`https://api.github.com`, `https://ghe.example.com/api/v3`).
    ///
    /// # Errors
    /// A sentence saying what is wrong with `text`.
    pub(crate) fn new(kind: ForgeKind, text: &str) -> Result<ForgeAddress, String> {
        let mut url = Url::parse(text.trim()).map_err(|error| format!("`{text}` is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("`{text}` must start with https:// or http:// and name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a forge's url must not carry a user name or password".into());
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        let at = |path: &str| {
            let mut place = url.clone();
            place.set_path(&format!("{path}/"));
            place
        };
        let (api, web) = match kind {
            ForgeKind::GitLab => {
                let path = path.strip_suffix("/api/v4").unwrap_or(&path);
                (at(&format!("{path}/api/v4")), at(path))
            }
            ForgeKind::GitHub if url.host_str() == Some("api.github.com") => {
                let mut web = at("");
                web.set_host(Some("github.com")).map_err(|error| error.to_string())?;
                (at(&path), web)
            }
            ForgeKind::GitHub => (at(&path), at(path.strip_suffix("/api/v3").unwrap_or(&path))),
        };
        Ok(ForgeAddress { kind, api, web })
    }

    /// The project path and number that the address of a change's page names, or `None` if it is
    /// not the page of a change on this forge. Tabs, anchors and a missing scheme do not matter.
    pub(crate) fn change(&self, text: &str) -> Option<(String, u64)> {
        let text = text.trim();
        let url = match text.split_once("://") {
            Some(_) => Url::parse(text).ok()?,
            None => Url::parse(&format!("{}://{text}", self.web.scheme())).ok()?,
        };
        let host = |url: &Url| url.host_str().map(|host| host.trim_start_matches("www.").to_owned());
        if host(&url) != host(&self.web) || url.port() != self.web.port() {
            return None;
        }
        let path = url.path().strip_prefix(self.web.path())?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (word, shortest) = match self.kind {
            ForgeKind::GitLab => ("merge_requests", 2),
            ForgeKind::GitHub => ("pull", 2),
        };
        let at = parts.iter().rposition(|part| *part == word)?;
        let number = parts.get(at + 1)?.parse().ok()?;
        let project = match parts[..at].split_last() {
            Some((&"-", project)) if self.kind == ForgeKind::GitLab => project,
            _ => &parts[..at],
        };
        let right_depth = match self.kind {
            ForgeKind::GitLab => project.len() >= shortest,
            ForgeKind::GitHub => project.len() == shortest,
        };
        right_depth.then(|| (project.join("/"), number))
    }

    /// As [`ForgeAddress::change`], with the name of the forge.
    pub(crate) fn change_key(&self, forge: &str, text: &str) -> Option<ChangeKey> {
        self.change(text).map(|(project, number)| ChangeKey::new(forge, project, number))
    }
}

/// `root` with further path segments, each encoded whole (a label may hold a slash).
pub(in crate::forge) fn below<'a>(root: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = root.clone();
    // Only addresses like `mailto:` have no segments, and `ForgeAddress::new` refuses those.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use ForgeKind::{GitHub, GitLab};

    const GITHUB_API: &str = "https://api.github.com";

    #[test]
    fn graphql_lives_beside_rest() {
        let at = |kind, url: &str| graphql(&ForgeAddress::new(kind, url).unwrap().api).to_string();
        let gitlab = |url: &str| at(ForgeKind::GitLab, url);
        assert_eq!(gitlab("https://gitlab.com"), "https://gitlab.com/api/graphql");
        assert_eq!(gitlab("https://h/gl/"), "https://h/gl/api/graphql");
        assert_eq!(at(ForgeKind::GitHub, GITHUB_API), "https://api.github.com/graphql");
        assert_eq!(at(ForgeKind::GitHub, "https://ghe/api/v3"), "https://ghe/api/graphql");
    }

    #[test]
    fn roots_keep_their_prefix_and_find_the_pages() {
        for (kind, text, api, web) in [
            (GitLab, "https://gl.example.com", "https://gl.example.com/api/v4/", "https://gl.example.com/"),
            (GitLab, "http://h:8080/gl/", "http://h:8080/gl/api/v4/", "http://h:8080/gl/"),
            (GitLab, "https://h/api/v4", "https://h/api/v4/", "https://h/"),
            (GitHub, GITHUB_API, "https://api.github.com/", "https://github.com/"),
            (GitHub, "https://ghe/api/v3/", "https://ghe/api/v3/", "https://ghe/"),
            (GitHub, "http://127.0.0.1:81", "http://127.0.0.1:81/", "http://127.0.0.1:81/"),
        ] {
            let place = ForgeAddress::new(kind, text).unwrap();
            assert_eq!((place.api.as_str(), place.web.as_str()), (api, web), "{text}");
        }
        for wrong in ["gitlab.example.com", "ssh://h", "https://user:pass@h", ""] {
            assert!(ForgeAddress::new(GitLab, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_page_of_a_change_names_its_key() {
        let gitlab = ForgeAddress::new(GitLab, "https://h/gl").unwrap();
        let github = ForgeAddress::new(GitHub, GITHUB_API).unwrap();
        let key = |place: &ForgeAddress, text| place.change_key("f", text).map(|key| key.to_string());
        for text in [
            "https://h/gl/acme/tools/shop/-/merge_requests/12",
            "https://h/gl/acme/tools/shop/-/merge_requests/12/diffs?x=1#note_3",
            "h/gl/acme/tools/shop/merge_requests/12",
        ] {
            assert_eq!(key(&gitlab, text).as_deref(), Some("f:acme/tools/shop!12"), "{text}");
        }
        for text in ["https://github.com/acme/shop/pull/7", "www.github.com/acme/shop/pull/7/files"] {
            assert_eq!(key(&github, text).as_deref(), Some("f:acme/shop!7"), "{text}");
        }
        for text in [
            "https://h/acme/shop/-/merge_requests/1",
            "https://x/gl/acme/shop/-/merge_requests/1",
            "https://h/gl/acme/shop/-/issues/1",
            "https://h/gl/acme/shop/-/merge_requests/new",
            "https://h:8/gl/a/b/-/merge_requests/1",
        ] {
            assert_eq!(key(&gitlab, text), None, "{text}");
        }
        for text in ["https://github.com/acme/shop/issues/7", "https://github.com/shop/pull/7", "acme"] {
            assert_eq!(key(&github, text), None, "{text}");
        }
    }

    #[test]
    fn segments_are_encoded_whole() {
        let root = Url::parse("https://h/api/v3/").unwrap();
        let url = below(&root, ["labels", "a b::c/d%?"]);
        assert_eq!(url.as_str(), "https://h/api/v3/labels/a%20b::c%2Fd%25%3F");
    }
}
