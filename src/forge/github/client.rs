//! Requests to GitHub, one by one and page by page.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use super::wire;
use crate::forge::client::{Hint, Performed};
use crate::forge::fault::Fault;
use crate::forge::http::{Line, OWNER_HEADER, PAGES_LIMIT, PER_PAGE, Pages, next_page};
use crate::forge::url::below;
use crate::forge::{owners, story};
use usher_core::model::action::Write;
use usher_core::model::change::{
    Account, ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot, Verdict,
};
use usher_core::model::tickets::TicketRules;

/// One GitHub as one identity.
#[derive(Debug)]
pub(in crate::forge) struct GitHub {
    line: Line,
    /// Made at the first request: octocrab starts a task of its own and needs the runtime for it.
    crab: OnceLock<Octocrab>,
    /// Shared by all purposes.
    pub(super) me: Arc<OnceCell<Account>>,
}

/// The lowest layer of octocrab's tower. octocrab makes the requests; credentials, timeouts, limits
/// and faults are the transport's. No retry layer is laid above it.
#[derive(Clone, Debug)]
struct Ground(Line);

impl tower::Service<Request<OctoBody>> for Ground {
    type Response = Response<Full<Bytes>>;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Fault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let line = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| Fault::unsendable(&error))?.to_bytes();
            let answer = line.send(Request::from_parts(parts, body.to_vec())).await?;
            Ok(answer.map(Full::new))
        })
    }
}

impl GitHub {
    pub fn new(line: Line) -> GitHub {
        GitHub { line, crab: OnceLock::new(), me: Arc::default() }
    }

    /// The same forge over another line.
    pub fn over(&self, line: Line) -> GitHub {
        GitHub { line, crab: OnceLock::new(), me: self.me.clone() }
    }

    pub async fn perform(&self, change: &ChangeKey, write: &Write, hint: Hint) -> Result<Performed, Fault> {
        match write {
            Write::ReadFiles { codeowners } => self.files(change, codeowners.as_deref()).await,
            Write::Shape(shape) => self.shape(change, shape).await,
            Write::Comment(comment) => story::comment(self, change, comment, hint).await,
            Write::React { comment } => self.react(change, *comment).await,
        }
    }

    pub async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, Fault> {
        let pull = self.read(change).await?;
        let (author, requested) = (pull.author(), pull.requested());
        let reviews = self.reviews(change).await?;
        let mut list = verdicts(&reviews.entries, &author);
        list.extend(requested.into_iter().map(|account| SeenReviewer { account, verdict: None }));
        let complete = !reviews.truncated;
        Ok(Snapshot { reviewers: Some(SeenReviewers { list, complete }), ..pull.snapshot(tickets) })
    }

    pub(super) async fn read(&self, change: &ChangeKey) -> Result<wire::Pull, Fault> {
        self.get(&self.pull(change, [])).await
    }

    /// All reviews, in the order they were given.
    pub(super) async fn reviews(&self, change: &ChangeKey) -> Result<Pages<wire::Review>, Fault> {
        self.pages(self.pull(change, ["reviews"]), PAGES_LIMIT).await
    }

    async fn files(&self, change: &ChangeKey, owners: Option<&str>) -> Result<Performed, Fault> {
        let files: Pages<wire::File> = self.pages(self.pull(change, ["files"]), PAGES_LIMIT).await?;
        let files = files.entries.into_iter();
        let files = files.map(|file| ChangedFile {
            lines: file.additions.saturating_add(file.deletions),
            path: file.filename,
            ..ChangedFile::default()
        });
        let fact = owners::files_fact(self, change, files.collect(), owners).await?;
        Ok(Performed::facts(vec![fact]))
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// An address below the API's root.
    pub(super) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        below(self.line.api(), segments)
    }

    /// An address below `repos/{owner}/{name}`.
    pub(super) fn in_project<'a>(&self, project: &'a str, rest: impl IntoIterator<Item = &'a str>) -> Url {
        self.at(["repos"].into_iter().chain(project.split('/')).chain(rest))
    }

    /// An address below a change as pull request.
    pub(super) fn pull<const N: usize>(&self, change: &ChangeKey, rest: [&str; N]) -> Url {
        let number = change.number.to_string();
        self.in_project(&change.project, ["pulls", &number].into_iter().chain(rest))
    }

    /// An address below a change as issue: labels and comments live there.
    pub(super) fn issue<const N: usize>(&self, change: &ChangeKey, rest: [&str; N]) -> Url {
        let number = change.number.to_string();
        self.in_project(&change.project, ["issues", &number].into_iter().chain(rest))
    }

    /// Whether requests are made as a GitHub App.
    pub(super) fn is_app(&self) -> bool {
        self.line.is_app()
    }

    /// The owners that have installed the App.
    pub(super) async fn owners(&self) -> Result<Vec<String>, Fault> {
        self.line.owners().await
    }

    /// The repositories that the App was let into at `owner` (REST: "List repositories accessible to
    /// the app installation").
    pub(super) async fn installed_at(&self, owner: &str) -> Result<Pages<wire::Repository>, Fault> {
        let mut url = self.at(["installation", "repositories"]);
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let owner = http::HeaderValue::from_str(owner).map_err(|error| Fault::unsendable(&error))?;
        let headers = http::HeaderMap::from_iter([(http::HeaderName::from_static(OWNER_HEADER), owner)]);
        let (mut next, mut entries) = (Some(url), Vec::new());
        for _ in 0..PAGES_LIMIT {
            let Some(url) = next.take() else { break };
            let answer = self.crab()._get_with_headers(url.as_str(), Some(headers.clone())).await;
            let answer = answer.map_err(|error| fault_of(&error, false))?;
            next = next_page(&url, answer.headers());
            let body = answer.into_body().collect().await.map_err(|error| fault_of(&error, false))?;
            let page: Result<wire::Installed, _> = serde_json::from_slice(&body.to_bytes());
            let page = page.map_err(|error| Fault::unreadable(&error.to_string(), false))?;
            entries.extend(page.repositories);
        }
        Ok(Pages { entries, truncated: next.is_some() })
    }

    pub(super) fn crab(&self) -> &Octocrab {
        self.crab.get_or_init(|| {
            let tower = OctocrabBuilder::new_empty().with_service(Ground(self.line.clone()));
            match tower.with_auth(AuthState::None).build() {
                Ok(crab) => crab,
                Err(never) => match never {},
            }
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, Fault> {
        self.crab().get(url.as_str(), None::<&()>).await.map_err(|error| fault_of(&error, false))
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<T, Fault> {
        self.crab().post(url.as_str(), Some(body)).await.map_err(|error| fault_of(&error, true))
    }

    /// An edit whose answer is wanted.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<T, Fault> {
        self.crab().patch(url.as_str(), Some(body)).await.map_err(|error| fault_of(&error, true))
    }

    /// A GraphQL query. octocrab's own would lose what an answer with errors gives beside them.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &impl Serialize) -> Result<T, Fault> {
        let url = self.line.graphql().as_str();
        self.crab().post(url, Some(body)).await.map_err(|error| fault_of(&error, false))
    }

    /// A write whose answer says nothing that is not known already.
    pub(super) async fn write(
        &self,
        method: Method,
        url: &Url,
        body: Option<&impl Serialize>,
    ) -> Result<(), Fault> {
        let request = http::request::Builder::new().method(method).uri(url.as_str());
        let crab = self.crab();
        let request = crab.build_request(request, body).map_err(|error| fault_of(&error, true))?;
        crab.execute(request).await.map_err(|error| fault_of(&error, true)).map(drop)
    }

    /// Reads a list page by page, at most `limit` pages, as the answers' headers lead.
    pub(super) async fn pages<T: DeserializeOwned>(&self, url: Url, limit: usize) -> Result<Pages<T>, Fault> {
        let mut entries = Vec::new();
        let truncated = self
            .each_page(url, limit, |page: Vec<T>| {
                entries.extend(page);
                true
            })
            .await?;
        Ok(Pages { entries, truncated })
    }

    /// Hands each page to `take` until it has enough (`false`) or the list ends. Answers whether the
    /// limit came before either.
    pub(super) async fn each_page<T: DeserializeOwned>(
        &self,
        mut url: Url,
        limit: usize,
        mut take: impl FnMut(Vec<T>) -> bool,
    ) -> Result<bool, Fault> {
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let mut next = Some(url);
        for _ in 0..limit {
            let Some(url) = next.take() else { return Ok(false) };
            let answer = self.crab()._get(url.as_str()).await.map_err(|error| fault_of(&error, false))?;
            next = next_page(&url, answer.headers());
            let body = answer.into_body().collect().await.map_err(|error| fault_of(&error, false))?;
            let page = serde_json::from_slice(&body.to_bytes());
            let page = page.map_err(|error| Fault::unreadable(&error.to_string(), false))?;
            if !take(page) {
                return Ok(false);
            }
        }
        if let Some(url) = &next {
            tracing::warn!(list = url.path(), pages = limit, "a list of the forge was cut short");
        }
        Ok(next.is_some())
    }
}

#[async_trait]
impl owners::Shelf for GitHub {
    const KIND: ForgeKind = ForgeKind::GitHub;

    /// As it is, not wrapped into JSON: that is how files of more than 1 MB come too (up to 100 MB)
    /// [memory].
    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, Fault> {
        let mut url = self.in_project(project, ["contents"].into_iter().chain(path.split('/')));
        if let Some(branch) = branch {
            url.query_pairs_mut().append_pair("ref", branch);
        }
        let accept = HeaderValue::from_static("application/vnd.github.raw+json");
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        let answer = self.crab()._get_with_headers(url.as_str(), Some(headers)).await;
        let body = answer.map_err(|error| fault_of(&error, false))?.into_body().collect().await;
        Ok(body.map_err(|error| fault_of(&error, false))?.to_bytes())
    }
}

/// Who has reviewed, with the last review of each that is more than a comment, or else the last
/// comment. Authors review their own changes by answering in threads, and bots move nothing.
fn verdicts(reviews: &[wire::Review], author: &Account) -> Vec<SeenReviewer> {
    let mut list: Vec<SeenReviewer> = Vec::new();
    for review in reviews {
        let Some(user) = review.user.as_ref().filter(|user| user.is_person()) else { continue };
        let (Some(verdict), Some(at)) = (review.verdict(), review.submitted_at) else { continue };
        let account = user.account();
        if account == *author {
            continue;
        }
        let given = Some((verdict, at));
        match list.iter_mut().find(|seen| seen.account == account) {
            None => list.push(SeenReviewer { account, verdict: given }),
            Some(seen) => {
                let was_comment = matches!(seen.verdict, Some((Verdict::Commented, _)));
                if verdict != Verdict::Commented || was_comment {
                    seen.verdict = given;
                }
            }
        }
    }
    list
}

/// The transport's own fault, carried up through octocrab; or what octocrab itself stumbled over.
pub(super) fn fault_of(error: &octocrab::Error, write: bool) -> Fault {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast_ref::<Fault>() {
            Some(fault) => fault.clone(),
            None => Fault::Retry { why: source.to_string(), outcome_unknown: write },
        },
        octocrab::Error::Json { source, .. } => Fault::unreadable(&source.to_string(), write),
        octocrab::Error::Serde { source, .. } => Fault::unsendable(source),
        octocrab::Error::Http { source, .. } => Fault::unsendable(source),
        octocrab::Error::Uri { source, .. } => Fault::unsendable(source),
        error => Fault::Retry { why: format!("octocrab: {}", first_line(error)), outcome_unknown: write },
    }
}

/// octocrab prints backtraces into its messages.
fn first_line(error: &octocrab::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_comment_after_a_verdict_does_not_hide_it() {
        let reviews: Vec<wire::Review> = serde_json::from_value(serde_json::json!([
            {"user": {"id": 1, "login": "a"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 1, "login": "a"}, "state": "CHANGES_REQUESTED", "submitted_at": "2026-01-02T00:00:00Z"},
            {"user": {"id": 1, "login": "a"}, "state": "COMMENTED", "submitted_at": "2026-01-03T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "COMMENTED", "submitted_at": "2026-01-04T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "PENDING", "submitted_at": null},
            {"user": {"id": 3, "login": "c", "type": "Bot"}, "state": "APPROVED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 4, "login": "author"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": null, "state": "APPROVED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 5, "login": "e"}, "state": "DISMISSED", "submitted_at": "2026-01-01T00:00:00Z"}
        ])).unwrap();
        let seen = verdicts(&reviews, &Account::new(4, "author"));
        let told: Vec<_> = seen.into_iter().map(|seen| (seen.account.id, seen.verdict.unwrap())).collect();
        let at = |day: &str| format!("2026-01-{day}T00:00:00Z").parse().unwrap();
        let expected = [
            (1, (Verdict::ChangesRequested, at("02"))),
            (2, (Verdict::Commented, at("04"))),
            (5, (Verdict::Withdrawn, at("01"))),
        ];
        assert_eq!(told, expected);
    }
}
