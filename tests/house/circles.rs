//! Circles: places that need each other, so that none can be read, or changed, alone.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::How;
use super::plan::House;

/// Who needs whom.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The files of each room and their arrows within it.
pub fn within_rooms(house: &House) -> BTreeMap<String, Arrows> {
    let mut rooms: BTreeMap<String, Arrows> = BTreeMap::new();
    for file in house.product() {
        let arrows = rooms.entry(file.room.clone()).or_default().entry(file.path.clone()).or_default();
        let needed = house.references(file).filter(|reference| reference.how != How::PassedOn);
        let same_room = needed.filter(|reference| reference.file.room == file.room);
        arrows.extend(same_room.map(|reference| reference.file.path.clone()));
    }
    rooms
}

/// The rooms and their arrows; roots of crates are no rooms.
pub fn between_rooms(house: &House) -> Arrows {
    let mut arrows = Arrows::new();
    for file in house.product() {
        let others = house.references(file).filter(|reference| reference.file.room != file.room);
        arrows.entry(file.room.clone()).or_default().extend(others.map(|other| other.file.room.clone()));
    }
    arrows.retain(|room, _| !["lib", "main"].contains(&room.rsplit('/').next().unwrap_or_default()));
    arrows
}

/// Groups of which each reaches each other, the largest first.
pub fn circles(arrows: &Arrows) -> Vec<Vec<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|start| (start.as_str(), reach(arrows, start))).collect();
    let mut found: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (start, there) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|back| back.contains(start));
        let group: Vec<&str> = there.iter().filter(back).copied().collect();
        if group.len() > 1 {
            found.insert(group);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|group| std::cmp::Reverse(group.len()));
    found
}

fn reach<'a>(arrows: &'a Arrows, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(at) = open.pop() {
        for next in arrows.get(at).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    seen
}

/// A circle in one line, each with those of the circle that it needs.
pub fn told(circle: &[&str], arrows: &Arrows) -> String {
    let one = |place: &&str| {
        let needs = arrows[*place].iter().map(String::as_str).filter(|other| circle.contains(other));
        format!("\n    {place} needs {}", needs.collect::<Vec<_>>().join(", "))
    };
    circle.iter().map(one).collect()
}
