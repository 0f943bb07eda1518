//! Whom a forge would notify of what Usher writes, by its documented rules at the default settings
//! ("participating"): a review request tells the reviewer; a new comment tells everybody who takes
//! part and whoever it names; an edit, a label, a reaction tells nobody.
//!
//! Who takes part: the author, whoever was asked to review, commented, reviewed or was named before.
//! Sources: GitHub Docs "About notifications"; GitLab Docs "Notification emails" and "To-Do List".

use std::collections::{BTreeMap, BTreeSet};

use super::markup::live;

/// What one person got because of Usher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Got {
    /// Requests to review.
    pub requests: u32,
    /// New comments that name them.
    pub by_name: u32,
    /// New comments on a change they take part in, which name others or nobody.
    pub others: u32,
}

/// Notifications by login.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    taking_part: BTreeSet<String>,
    got: BTreeMap<String, Got>,
}

impl Notices {
    /// Somebody takes part by their own act, or because a person asked them: Usher told them nothing.
    pub fn takes_part(&mut self, login: &str) {
        self.taking_part.insert(login.to_owned());
    }

    /// Usher asked for a review.
    pub fn requested(&mut self, login: &str) {
        self.got.entry(login.to_owned()).or_default().requests += 1;
        self.takes_part(login);
    }

    /// Usher wrote a new comment.
    pub fn commented(&mut self, body: &str) {
        let named: BTreeSet<String> = live(body).mentions.into_iter().collect();
        for login in self.taking_part.difference(&named) {
            self.got.entry(login.clone()).or_default().others += 1;
        }
        for login in named {
            self.got.entry(login.clone()).or_default().by_name += 1;
            self.taking_part.insert(login);
        }
    }

    pub fn of(&self, login: &str) -> Got {
        self.got.get(login).copied().unwrap_or_default()
    }

    /// Everybody who got anything, in order of logins.
    pub fn notified(&self) -> Vec<String> {
        self.got.keys().cloned().collect()
    }
}
