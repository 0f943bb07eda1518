//! What forges tell of their projects goes into memory and table together.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::connections::Tx;
use super::error::{StoreError, at};
use super::projects::{ProjectPath, Projects, lesson, number_of};
use super::rows::{instant, millis, range};
use super::{ProjectKnown, Store, fold, sql};
use usher_core::model::change::ChangeKey;

/// What was learnt of a project, before it is committed: forgotten again when this is dropped.
#[must_use]
pub(super) struct Learnt<'a> {
    projects: &'a ArcSwap<Projects>,
    before: Option<Arc<Projects>>,
    /// The project is called otherwise than before, or was not known.
    pub renamed: bool,
}

impl<'a> Learnt<'a> {
    /// This, and what was learnt after it in the same transaction.
    pub(super) fn and(mut self, mut later: Learnt<'a>) -> Learnt<'a> {
        let before_later = later.before.take();
        self.before = self.before.take().or(before_later);
        self.renamed |= later.renamed;
        self
    }

    /// It is on the disk.
    pub(super) fn keep(mut self) {
        self.before = None;
    }
}

impl Drop for Learnt<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            self.projects.store(before);
        }
    }
}

impl Store {
    /// Under what rows of a change are kept now. Whoever writes asks while holding the connection.
    pub(super) fn row_key(&self, change: &ChangeKey) -> String {
        self.projects.load().row_key(change)
    }

    /// The forge says that the project of this number has this path, as of `told_at`. Returns whether it
    /// was called otherwise before: then its open reviews are due. An older word than the last one changes
    /// nothing but that the path, if nobody else has it, leads to the project as well.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn learn_project(
        &self,
        forge: &str,
        number: u64,
        path: &str,
        told_at: Timestamp,
    ) -> Result<bool, StoreError> {
        if lesson(&self.projects.load(), forge, number, path, millis(told_at)).is_none() {
            return Ok(false);
        }
        let what = "keep the path of a project";
        let mut tx = self.begin(what).await?;
        let learnt = self.learn(&mut tx, forge, number, path, told_at).await?;
        tx.commit().await.map_err(at(what))?;
        let renamed = learnt.renamed;
        learnt.keep();
        Ok(renamed)
    }

    /// What was told of projects while a clock ran ahead was told by `now`, else no newer word would count.
    pub(super) async fn set_projects_right(&self, now: Timestamp) -> Result<(), StoreError> {
        let what = "set the times of a wrong clock right";
        if !self.projects.load().any_after(millis(now)) {
            return Ok(());
        }
        let mut tx = self.begin(what).await?;
        let right = sqlx::query(sql::RIGHT_PROJECTS).bind(millis(now));
        right.execute(&mut *tx).await.map_err(at(what))?;
        let before = self.projects.load_full();
        let mut after = Projects::clone(&before);
        after.told_by(millis(now));
        self.projects.store(Arc::new(after));
        let learnt = Learnt { projects: &self.projects, before: Some(before), renamed: false };
        tx.commit().await.map_err(at(what))?;
        learnt.keep();
        Ok(())
    }

    /// The project of a change, where its number is known.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub fn project_of(&self, change: &ChangeKey) -> Result<Option<ProjectKnown>, StoreError> {
        let projects = self.projects.load();
        let place = projects.place(&change.forge, &change.project);
        let Some(number) = number_of(change).or(place.map(|place| place.number)) else { return Ok(None) };
        let latest = projects.of(&change.forge, number);
        let seen_at = latest.map(|place| instant("read the projects", place.seen_at)).transpose()?;
        Ok(Some(ProjectKnown { number, path: latest.map(|place| place.path.clone()), seen_at }))
    }

    /// [`Store::learn_project`] as part of a larger transaction.
    pub(super) async fn learn(
        &self,
        tx: &mut Tx,
        forge: &str,
        number: u64,
        path: &str,
        told_at: Timestamp,
    ) -> Result<Learnt<'_>, StoreError> {
        let what = "keep the path of a project";
        let before = self.projects.load_full();
        let nothing = Learnt { projects: &self.projects, before: None, renamed: false };
        let Some(lesson) = lesson(&before, forge, number, path, millis(told_at)) else { return Ok(nothing) };
        if let Some(taken) = before.place(forge, path) {
            let forget = sqlx::query(sql::FORGET_PATH).bind(forge).bind(&taken.path);
            forget.execute(&mut **tx).await.map_err(at(what))?;
        }
        if lesson.place.latest {
            let other = sqlx::query(sql::CALLED_OTHERWISE).bind(forge).bind(number.cast_signed());
            other.execute(&mut **tx).await.map_err(at(what))?;
        }
        let ProjectPath { path, latest, seen_at, .. } = &lesson.place;
        let add = sqlx::query(sql::ADD_PATH).bind(forge).bind(path).bind(number.cast_signed());
        add.bind(i64::from(*latest)).bind(seen_at).execute(&mut **tx).await.map_err(at(what))?;
        if lesson.is_new_path {
            fold::under_number(tx, what, forge, path, number).await?;
            let (from, to) = range(forge, &format!("#{number}"));
            let folded = sqlx::query_scalar(sql::KEYS_BETWEEN).bind(from).bind(to).fetch_all(&mut **tx).await;
            let folded: Vec<String> = folded.map_err(at(what))?;
            self.tracked.add(folded.iter().map(String::as_str));
        }
        if lesson.renamed {
            let (from, to) = range(forge, &format!("#{number}"));
            let wake = sqlx::query(sql::WAKE_PROJECT).bind(from).bind(to).bind(millis(told_at));
            wake.execute(&mut **tx).await.map_err(at(what))?;
        }
        let mut after = Projects::clone(&before);
        after.enter(forge, lesson.place);
        self.projects.store(Arc::new(after));
        Ok(Learnt { projects: &self.projects, before: Some(before), renamed: lesson.renamed })
    }
}
