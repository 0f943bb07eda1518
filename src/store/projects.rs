//! Projects by their number and by their paths.
//!
//! Everything about a change is kept under the forge's number of its project (`gitlab:#41!7`), which stays
//! when the project is renamed; a path is how a project is called. So a rename is one row of one table, and
//! nothing is carried over. A change of a project whose number nobody has told is kept under its path until
//! the first answer that tells it. A project whose path went to another one is called `#41` until it is
//! seen again, and can be asked for by that name like by any other.
//!
//! The table is small and stays in memory. Whoever writes changes memory and table together while they hold
//! the one connection for writing: two of them never see different projects. A second engine, with several
//! servers on one store, would have to look into the table instead.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::connections::StoreConnections;
use super::error::{StoreError, at};
use super::rows::key;
use usher_core::model::change::ChangeKey;

/// All there are. Read when the store is opened, which no other statement is.
pub(super) const PROJECTS: &str = "SELECT forge, path, number, latest, seen_at FROM project";

/// What the forge says again is written down again no sooner.
const REFRESHED_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// Begins the name of a project whose path is not known. No forge has such a path.
const BY_NUMBER: char = '#';

type ProjectRow = (String, String, i64, i64, i64);

/// A path, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct ProjectPath {
    /// As the forge spells it.
    pub path: String,
    pub number: u64,
    /// The path that the project has now.
    pub latest: bool,
    /// In epoch milliseconds.
    pub seen_at: i64,
}

/// The projects of one forge.
#[derive(Clone, Debug, Default)]
struct OfForge {
    /// By path, in small letters: forges do not tell these apart.
    places: BTreeMap<String, ProjectPath>,
    /// The path of each project now, in small letters.
    latest: BTreeMap<u64, String>,
}

impl OfForge {
    fn enter(&mut self, place: ProjectPath) {
        let folded = place.path.to_lowercase();
        if let Some(before) = self.places.get(&folded)
            && before.number != place.number
            && self.latest.get(&before.number) == Some(&folded)
        {
            self.latest.remove(&before.number);
        }
        if place.latest
            && let Some(before) = self.latest.insert(place.number, folded.clone())
            && let Some(before) = self.places.get_mut(&before)
        {
            before.latest = false;
        }
        self.places.insert(folded, place);
    }

    fn of(&self, number: u64) -> Option<&ProjectPath> {
        self.places.get(self.latest.get(&number)?)
    }
}

/// All projects that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Projects(BTreeMap<String, OfForge>);

impl Projects {
    /// Whether anything was told later than this.
    pub(super) fn any_after(&self, now: i64) -> bool {
        self.0.values().flat_map(|of| of.places.values()).any(|place| place.seen_at > now)
    }

    /// Nothing was told later than this.
    pub(super) fn told_by(&mut self, now: i64) {
        let places = self.0.values_mut().flat_map(|of| of.places.values_mut());
        places.for_each(|place| place.seen_at = place.seen_at.min(now));
    }

    /// A project has this path.
    pub(super) fn enter(&mut self, forge: &str, place: ProjectPath) {
        self.0.entry(forge.to_owned()).or_default().enter(place);
    }

    /// What the table holds.
    pub(super) async fn read(from: &StoreConnections) -> Result<Projects, StoreError> {
        let what = "read the projects";
        let rows: Vec<ProjectRow> = sqlx::query_as(PROJECTS).fetch_all(from).await.map_err(at(what))?;
        let mut projects = Projects::default();
        for (forge, path, number, latest, seen_at) in rows {
            let place = ProjectPath { path, number: number.cast_unsigned(), latest: latest != 0, seen_at };
            projects.enter(&forge, place);
        }
        Ok(projects)
    }

    pub(super) fn place(&self, forge: &str, path: &str) -> Option<&ProjectPath> {
        self.0.get(forge)?.places.get(&path.to_lowercase())
    }

    /// The path that a project has now.
    pub(super) fn of(&self, forge: &str, number: u64) -> Option<&ProjectPath> {
        self.0.get(forge)?.of(number)
    }

    /// Under what facts are kept that come with the number of their project, if they do.
    pub(super) fn row_key_of(&self, change: &ChangeKey, told: Option<u64>) -> String {
        told.map_or_else(|| self.row_key(change), |number| numbered(change, number))
    }

    /// Under what a change may be found: by the number that was told of its project, and by its path.
    pub(super) fn row_keys(&self, change: &ChangeKey, told: Option<u64>) -> [String; 2] {
        let by_path = match self.place(&change.forge, &change.project) {
            // Another project has the path, as far as is known.
            Some(place) if told.is_some_and(|told| told != place.number) => self.row_key_of(change, told),
            _ => self.row_key(change),
        };
        [self.row_key_of(change, told), by_path]
    }

    /// Under what rows of a change are kept.
    pub(super) fn row_key(&self, change: &ChangeKey) -> String {
        match self.place(&change.forge, &change.project) {
            Some(place) => numbered(change, place.number),
            None => change.to_string(),
        }
    }

    /// The same where the project's number was told, too: it says more than the path, unless nothing is
    /// kept under it yet.
    pub(super) fn row_key_told(&self, change: &ChangeKey, told: Option<u64>) -> String {
        let Some(number) = told else { return self.row_key(change) };
        let unknown = self.of(&change.forge, number).is_none();
        match self.place(&change.forge, &change.project) {
            None if unknown => change.to_string(),
            _ => numbered(change, number),
        }
    }

    /// Under what it is kept now that was kept under `row_key` before: the number may be known since.
    pub(super) fn current(&self, what: &'static str, row_key: &str) -> Result<String, StoreError> {
        Ok(self.row_key(&key(what, row_key)?))
    }

    /// Under what refusals of a project are kept.
    pub(super) fn project_key(&self, change: &ChangeKey) -> String {
        match self.place(&change.forge, &change.project) {
            Some(place) => format!("{BY_NUMBER}{}", place.number),
            None => change.project.clone(),
        }
    }

    /// What a change is called now.
    pub(super) fn change(&self, what: &'static str, row_key: &str) -> Result<ChangeKey, StoreError> {
        let change = key(what, row_key)?;
        let place = number_of(&change).and_then(|number| self.of(&change.forge, number));
        Ok(match place {
            Some(place) => ChangeKey { project: place.path.clone(), ..change },
            None => change,
        })
    }
}

/// The key of a change by its project's number.
fn numbered(change: &ChangeKey, number: u64) -> String {
    format!("{}:{BY_NUMBER}{number}!{}", change.forge, change.number)
}

/// The number of a project whose path is not known.
pub(super) fn number_of(change: &ChangeKey) -> Option<u64> {
    change.project.strip_prefix(BY_NUMBER)?.parse().ok()
}

/// Whether it is known how the project of a change is called.
pub(super) fn has_path(change: &ChangeKey) -> bool {
    number_of(change).is_none()
}

/// Something new of a project.
pub(super) struct Lesson {
    pub place: ProjectPath,
    /// Nobody was known under this path.
    pub is_new_path: bool,
    /// It is called otherwise than before, or was not known.
    pub renamed: bool,
}

/// What is new in the word that a project has this path, as of `told_at` in epoch milliseconds; an older word
/// than the last one is no news but where nobody has the path.
pub(super) fn lesson(known: &Projects, forge: &str, number: u64, path: &str, told_at: i64) -> Option<Lesson> {
    let (here, now) = (known.place(forge, path), known.of(forge, number));
    // Old news of whoever had the path before.
    if here.is_some_and(|here| here.number != number && told_at < here.seen_at) {
        return None;
    }
    let same = now.is_some_and(|now| now.path == path);
    let latest = same || now.is_none_or(|now| told_at >= now.seen_at);
    let known_here = here.filter(|here| here.number == number);
    let refreshed = millis_of(REFRESHED_AFTER);
    if known_here.is_some_and(|here| !latest || (same && told_at < here.seen_at.saturating_add(refreshed))) {
        return None;
    }
    let seen_at = known_here.map_or(told_at, |here| here.seen_at.max(told_at));
    let place = ProjectPath { path: path.to_owned(), number, latest, seen_at };
    Some(Lesson { place, is_new_path: here.is_none(), renamed: latest && !same })
}

fn millis_of(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
