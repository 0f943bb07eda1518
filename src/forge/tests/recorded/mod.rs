//! Answers of the real forges, recorded by other projects, through our readers: all of them are read, and
//! nothing is lost.
//!
//! `scripts/fetch-recordings` fetches them; `USHER_RECORDINGS` names the file. Without the variable nothing
//! is read, and the test says so.

mod changes;
mod comments;
mod hooks;
mod people;
mod projects;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use wiremock::matchers::{method, query_param_is_missing};
use wiremock::{Mock, ResponseTemplate};

use super::script::Script;
use crate::forge::ForgeFault;

/// Good answers that are read at least, of all that were recorded; fewer, and something was not fetched.
const READ_MIN: usize = 700;
/// Of each call so many answers are broken on purpose.
const BROKEN_OF_EACH: usize = 3;

/// A recorded exchange whose call Usher makes, too.
#[derive(Clone, Debug, Deserialize)]
struct Take {
    source: String,
    /// The call, as tests/contracts/README.md has it.
    row: String,
    forge: String,
    /// From a real forge; or an example that somebody wrote, which may leave out what they had no need of.
    recorded: bool,
    status: u16,
    headers: BTreeMap<String, String>,
    answer: Value,
}

/// What was read of an answer, and what the answer says.
type Both = (Value, Value);

impl Take {
    fn is_gitlab(&self) -> bool {
        self.forge == "gitlab"
    }

    async fn script(&self, projects: &[&str]) -> Script {
        if self.is_gitlab() { Script::gitlab(projects).await } else { Script::github(projects).await }
    }

    /// Gives the answer wherever nothing else is scripted; later pages are empty.
    async fn serve(&self, script: &Script, verb: &str) {
        let mut answer = ResponseTemplate::new(self.status).set_body_json(&self.answer);
        for (name, value) in &self.headers {
            answer = answer.insert_header(name.as_str(), value.as_str());
        }
        let first = Mock::given(method(verb)).and(query_param_is_missing("page"));
        first.respond_with(answer.clone()).with_priority(8).mount(&script.server).await;
        // Their pages are asked for by number from the first on.
        let paged = self.row.contains("/search/") || self.row.ends_with("/app/installations");
        let later = if paged { answer } else { ResponseTemplate::new(200).set_body_json(json!([])) };
        Mock::given(method(verb)).respond_with(later).with_priority(9).mount(&script.server).await;
    }

    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.answer.as_array().into_iter().flatten()
    }

    fn login(&self) -> &'static str {
        if self.is_gitlab() { "username" } else { "login" }
    }
}

/// Sorted, so that order says nothing.
fn sorted(values: impl IntoIterator<Item = Value>) -> Value {
    let mut texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    texts.sort();
    texts.dedup();
    texts.into()
}

/// What Usher reads of each answer, by forge and call; the judges in tests/contracts go by it, too. A mark is
/// on what an answer cannot be read without.
fn needed(take: &Take) -> Vec<String> {
    let all: Value =
        serde_json::from_str(include_str!("../../../../tests/contracts/read.json")).expect("JSON");
    let forge = if take.is_gitlab() { "GitLab" } else { "GitHub" };
    let places = all[forge][&take.row].as_array().into_iter().flatten().filter_map(Value::as_str);
    places.filter_map(|place| place.strip_suffix('!')).map(str::to_owned).collect()
}

/// Takes what is at `place` out of an answer, of all entries of its lists. Whether anything was there.
fn take_out(answer: &mut Value, place: &str) -> bool {
    match place.split_once('/') {
        Some(("*", rest)) => {
            let list = answer.as_array_mut().into_iter().flatten();
            list.filter_map(|entry| take_out(entry, rest).then_some(())).count() > 0
        }
        Some((name, rest)) => answer.get_mut(name).is_some_and(|inner| take_out(inner, rest)),
        None => answer.as_object_mut().is_some_and(|members| members.remove(place).is_some()),
    }
}

/// Whether it is an example without something that every answer of a forge has.
fn is_cut_short(take: &Take) -> bool {
    let mut answer = take.answer.clone();
    !take.recorded && needed(take).iter().any(|place| !take_out(&mut answer, place))
}

/// Reads one answer by the call that it belongs to. `None`: Usher looks at the status of such an answer
/// and at nothing in it, or asks for it in another form.
async fn read(take: &Take) -> Option<Result<Both, ForgeFault>> {
    let (verb, path) = take.row.split_once(' ').unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(match (verb, last) {
        ("GET", "user") => people::me(take).await,
        ("GET", "users" | "{username}") => people::by_login(take).await,
        ("GET", "{account_id}") => people::by_id(take).await,
        ("GET", "{id}") if path.starts_with("/users") => people::by_id(take).await,
        ("GET", "members") => people::members(take).await,
        ("GET", "collaborators" | "all") => people::roles(take).await,
        ("GET", "{repo}" | "{id}") => projects::one(take).await,
        ("GET", "repos" | "projects") => projects::many(take).await,
        ("GET", "repositories" | "app" | "installations") => projects::of_app(take).await,
        ("POST", "access_tokens") => projects::of_app(take).await,
        ("GET", "labels") => projects::labels(take).await,
        ("GET", "pulls" | "merge_requests" | "issues") => changes::many(take).await,
        ("GET", "{pull_number}" | "{iid}") => changes::one(take).await,
        ("PUT", "{iid}") => changes::shaped(take).await,
        ("POST", "requested_reviewers") => changes::shaped(take).await,
        ("GET", "files" | "diffs") => changes::files(take).await,
        ("GET", "reviews" | "reviewers") => changes::verdicts(take).await,
        ("GET", "approvals") => changes::approvals(take).await,
        ("GET", "self" | "version") => projects::token(take).await,
        ("GET", "comments" | "notes") => comments::found(take).await,
        ("POST", "comments" | "notes") => comments::written(take).await,
        ("GET", "hooks") => hooks::listed(take).await,
        ("POST", "hooks") | ("PUT" | "PATCH", "{hook_id}") => hooks::put(take).await,
        ("GET", "deliveries") => hooks::deliveries(take).await,
        _ => return None,
    })
}

/// Do these tests see what is lost? Whatever an answer cannot be read without is taken out of it, member
/// by member: then it must be refused, or read as something else.
async fn unnoticed(take: &Take) -> (usize, Vec<String>) {
    let (mut broken, mut silent) = (0, Vec::new());
    for place in needed(take) {
        let mut less = take.clone();
        if !take_out(&mut less.answer, &place) {
            continue;
        }
        broken += 1;
        if let Some(Ok((rest, _))) = read(&less).await
            && let Some(Ok((whole, _))) = read(take).await
            && rest == whole
        {
            silent.push(format!(
                "{} of {}: {place} can be taken out, and nobody notices",
                take.row, take.source
            ));
        }
    }
    (broken, silent)
}

#[derive(Default)]
struct Count {
    read: usize,
    refused: usize,
    passed_over: usize,
}

#[tokio::test]
async fn every_recorded_answer_is_read_without_loss() {
    let Some(file) = std::env::var_os("USHER_RECORDINGS") else {
        println!("NOT RUN: USHER_RECORDINGS is not set (see scripts/fetch-recordings)");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let (mut counts, mut lost, mut broken) = (BTreeMap::<String, Count>::new(), Vec::new(), 0);
    for line in text.lines() {
        let take: Take = serde_json::from_str(line).unwrap();
        let count = counts.entry(format!("{} {}", take.forge, take.row)).or_default();
        if is_cut_short(&take) {
            count.passed_over += 1;
            continue;
        }
        let place = format!("{} {} of {}", take.status, take.row, take.source);
        if take.status < 300 && count.read < BROKEN_OF_EACH {
            let (tried, silent) = unnoticed(&take).await;
            broken += tried;
            lost.extend(silent);
        }
        match (take.status, read(&take).await) {
            (_, None) => count.passed_over += 1,
            (200..300, Some(Ok((read, told)))) if read == told => count.read += 1,
            (200..300, Some(Ok((read, told)))) => lost.push(format!("{place}: read {read}, and not {told}")),
            (200..300, Some(Err(fault))) => lost.push(format!("{place}: {fault}")),
            (_, Some(Err(_))) => count.refused += 1,
            (_, Some(Ok((read, _)))) => lost.push(format!("{place}: a refusal was read as {read}")),
        }
    }
    for (row, Count { read, refused, passed_over }) in &counts {
        println!("{row}: {read} read, {refused} refusals, {passed_over} not looked into");
    }
    let sum = |part: fn(&Count) -> usize| counts.values().map(part).sum::<usize>();
    let (read, refused, over) = (sum(|one| one.read), sum(|one| one.refused), sum(|one| one.passed_over));
    println!("{} calls: {read} answers read, {refused} refusals, {over} not looked into", counts.len());
    println!("{broken} deliberate breaks were tried");
    assert!(lost.is_empty(), "{} answers lost:\n{}", lost.len(), lost.join("\n"));
    assert!(read >= READ_MIN, "only {read} answers were read");
}
