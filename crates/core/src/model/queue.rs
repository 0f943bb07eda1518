//! The queue: when a pool has nobody free, changes wait in an order, and what becomes free goes to
//! the first of them.
//!
//! A place in the queue is an instant: since when the change waits, earlier by a head start. Each of
//! its tickets is worth one business day of the pool, and a person's priority label as much as ten.
//! So a place never moves while others wait, the order can be kept in an index, and whoever has
//! waited long enough is ahead of everybody who comes: nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::ChangeKey;

/// Tickets that count; more do not move a change further.
pub const TICKETS_COUNTED_MAX: usize = 5;
/// Business days that the priority label is worth: more than all tickets together.
pub const PRIORITY_DAYS: i64 = 10;

/// One pool's place in the queue, kept with the review while nobody is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub since: Timestamp,
    /// The earlier, the sooner it is its turn.
    pub place: Timestamp,
    /// Changes that were ahead when it was last looked at.
    pub ahead: u32,
    /// Names of those who may become free for it.
    pub hopes: BTreeSet<String>,
}

/// One change that waits for one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    pub place: Timestamp,
    pub change: ChangeKey,
    pub pool: String,
}

/// Who waits for whom, over all forges: the first of each line, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    lines: BTreeMap<String, Vec<Waiting>>,
}

impl Queue {
    /// Adds somebody who waits for `person`. In any order.
    pub fn join(&mut self, person: &str, waiting: Waiting) {
        let line = self.lines.entry(person.to_owned()).or_default();
        let at = line.partition_point(|other| *other < waiting);
        line.insert(at, waiting);
    }

    /// The change `was` goes by another name; its places stay.
    pub fn call(&mut self, was: &ChangeKey, now: &ChangeKey) {
        if was == now {
            return;
        }
        for line in self.lines.values_mut() {
            line.iter_mut().filter(|one| one.change == *was).for_each(|one| one.change.clone_from(now));
            line.sort();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many other changes wait for `person` ahead of a place.
    pub fn ahead_for(&self, person: &str, place: Timestamp, change: &ChangeKey) -> u32 {
        let line = self.lines.get(person).map_or(&[][..], Vec::as_slice);
        let ahead = line.iter().take_while(|other| (other.place, &other.change) < (place, change));
        let changes: BTreeSet<&ChangeKey> =
            ahead.map(|other| &other.change).filter(|c| *c != change).collect();
        u32::try_from(changes.len()).unwrap_or(u32::MAX)
    }

    /// How many other changes wait for `pool` ahead of a place.
    pub fn ahead_in(&self, pool: &str, place: Timestamp, change: &ChangeKey) -> u32 {
        let all = self.lines.values().flatten().filter(|other| other.pool == pool && other.change != *change);
        let ahead = all.filter(|other| (other.place, &other.change) < (place, change));
        let changes: BTreeSet<&ChangeKey> = ahead.map(|other| &other.change).collect();
        u32::try_from(changes.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_goes_by_another_name_keeps_its_place() {
        let key = |project: &str| ChangeKey::new("gitlab", project, 1);
        let place = Timestamp::UNIX_EPOCH;
        let mut queue = Queue::default();
        for project in ["acme/shop", "#41", "acme/wiki"] {
            queue.join("rita", Waiting { place, change: key(project), pool: "backend".into() });
        }
        let was = queue.clone();
        queue.call(&key("acme/shop"), &key("acme/shop"));
        assert_eq!(queue, was);
        queue.call(&key("#41"), &key("acme/tools"));
        assert_eq!(queue.ahead_for("rita", place, &key("acme/tools")), 1);
        assert_eq!(queue.ahead_for("rita", place, &key("acme/wiki")), 2);
    }
}
