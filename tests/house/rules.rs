//! The rules of the house. Each says what is broken in a house; the tables say what is allowed.

use std::collections::BTreeMap;

use super::circles::{between_rooms, circles, told, within_rooms};
use super::facts::{How, Names};
use super::plan::{File, House};

/// Longest file, in lines without its tests.
const FILE_LINES_MAX: usize = 500;
/// Longest function, in lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// Functions that may be longer, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str, usize, &str)] =
    &[("crates/words/src/reasons.rs", "sentence", 155, "a table: one line for each reason")];

/// What each room may import of ours, itself apart. A name is a room or a whole crate. A room that is not
/// listed may import everything; what Cargo forbids between crates is not said again.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("clock", &[], "clock imports nothing of ours"),
    ("wakeups", &[], "wakeups import nothing of ours"),
    ("metrics", &[], "metrics import nothing of ours"),
    ("tasks", &[], "tasks import nothing of ours"),
    ("config", &["core", "words"], "config imports only core and words"),
    ("store", &["core"], "store imports only core"),
    (
        "forge",
        &["core", "words", "clock"],
        "forge imports only core, the words of commands, and the clock to pace its requests",
    ),
    (
        "engine",
        &["core", "words", "store", "clock", "metrics", "tasks", "wakeups"],
        "engine imports core, words, store and clock; it talks to no forge and knows no courier",
    ),
    (
        "courier",
        &["core", "words", "engine", "store", "forge", "clock", "metrics", "tasks", "wakeups"],
        "courier imports core, words, engine, store, forge and clock",
    ),
    ("alarm", &["engine", "store", "clock", "wakeups"], "alarm imports engine, store and clock"),
    (
        "reconcile",
        &["core", "engine", "store", "forge", "clock", "metrics", "tasks", "wakeups"],
        "reconcile imports engine, store, forge and clock",
    ),
    ("audit", &["core", "words", "engine"], "audit imports engine, words and core"),
    (
        "web",
        &["core", "words", "store", "engine", "audit", "clock", "metrics", "tasks", "wakeups", "forge"],
        "web imports core, words, store, engine, clock and what the audit says, and of forge only verify and read",
    ),
];

/// Rooms that only some may import.
const DOORS: &[(&str, &[&str], &str)] = &[
    ("cli", &["main"], "nobody imports cli"),
    ("service", &["cli"], "only cli imports it"),
    ("sandbox", &["cli"], "only cli imports it"),
];

/// Of which room who may name what alone.
const WINDOWS: &[(&str, &str, &[&str], &str)] = &[
    (
        "web",
        "forge",
        &["Health", "Inbound", "Incoming", "Reading", "Secrets", "Unreadable", "Unverified", "inbound"],
        "web takes only verify and read, and how the connection is",
    ),
    ("forge", "words", &["commands"], "forge takes only the words in which people command"),
];

/// The files and folders of a place from the ground up: each imports only those on floors below its own.
type Floors = (&'static str, &'static [&'static [&'static str]]);

const FLOORS: &[Floors] = &[
    ("crates/core/src/", &[&["model"], &["choose"], &["decide"]]),
    (
        "crates/sandbox/src/",
        &[
            &["clock"],
            &["world"],
            &["wire"],
            &["gitlab", "github"],
            &["webhooks"],
            &["service"],
            &["sandbox"],
        ],
    ),
    ("src/forge/", &[&["inbound", "transport"], &["shared"], &["gitlab", "github"], &["client"], &["setup"]]),
    (
        "src/reconcile/",
        &[
            &["context"],
            &["pace"],
            &["backoff", "news"],
            &["roster", "absence", "sweep", "roll_call", "webhook_health", "redelivery", "access"],
        ],
    ),
];

/// Foreign crates that do not leave their rooms.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    ("octocrab", &["forge"], "octocrab types do not leave forge"),
    ("gitlab", &["forge"], "types of the gitlab crate do not leave forge"),
    ("chrono", &["forge"], "chrono types do not leave forge"),
    ("calcard", &["config"], "calcard types do not leave config"),
    ("sqlx", &["store"], "sqlx does not leave store"),
    ("axum", &["web"], "axum does not leave web"),
];

/// What waits, speaks or looks in the standard library. Crates that do are not in the core's manifest.
const CORE_NEVER: &[&str] = &["std::fs", "std::net", "std::thread", "std::env", "std::process", "std::io"];
const SPEAKING_MACROS: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];

const TIME_READS: &[&str] = &[
    "Timestamp::now",
    "ZonedDateTime::now",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "TimeZone::system",
];
const CLOCK: &str = "src/clock.rs";

/// Where types are called what the forges call them, and so may have names that others have: the fakes, and
/// shapes on the wire.
const FORGES_WORDS: &[&str] = &["crates/sandbox/src/", "/wire.rs", "/payloads.rs"];

/// A rule: what is broken, a line for each.
pub type Rule = fn(&House) -> Vec<String>;

fn is(room: &str, allowed: &str) -> bool {
    room == allowed || room.split_once('/').is_some_and(|(folder, _)| folder == allowed)
}

/// Whether two rooms are of the same crate in `crates/`.
fn is_of_one_crate(one: &str, other: &str) -> bool {
    let folder = |room: &str| room.split_once('/').map(|(folder, _)| folder.to_owned());
    folder(one).is_some() && folder(one) == folder(other)
}

fn one_of(room: &str, allowed: &[&str]) -> bool {
    allowed.iter().any(|allowed| is(room, allowed))
}

pub fn rooms_import_only_what_they_may(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for file in house.product() {
        let rule = ROOMS.iter().find(|(room, _, _)| is(&file.room, room));
        for reference in house.references(file) {
            let (room, at) = (&reference.file.room, format!("{}:{}", file.path, reference.line));
            if *room == file.room || file.room == "lib" || is_of_one_crate(room, &file.room) {
                continue;
            }
            if let Some((own, allowed, sentence)) = rule
                && !is(room, own)
                && !one_of(room, allowed)
            {
                broken.push(format!("{at}: uses {room}, but {sentence}"));
            }
            if let Some((_, may, sentence)) = DOORS.iter().find(|(door, _, _)| is(room, door))
                && !one_of(&file.room, may)
            {
                broken.push(format!("{at}: uses {room}, but {sentence}"));
            }
            let window = WINDOWS.iter().find(|(who, whose, ..)| is(&file.room, who) && is(room, whose));
            if let Some((_, whose, names, sentence)) = window
                && let Some(name) = after_room(&reference.written, whose)
                && !names.contains(&name)
            {
                broken.push(format!("{at}: uses {whose}::{name}, but {sentence}"));
            }
        }
    }
    broken
}

/// The name that follows the room in an absolute path.
fn after_room<'a>(path: &'a Names, room: &str) -> Option<&'a str> {
    let at = path.iter().position(|name| name == room || name.strip_prefix("usher_") == Some(room))?;
    path.get(at + 1).map(String::as_str)
}

pub fn floors_stand_on_those_below(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for (place, floors) in FLOORS {
        let floor = |name: &str| floors.iter().position(|rooms| rooms.contains(&name));
        for file in house.product() {
            // `lib.rs` and `mod.rs` are the roof: they may name everything, and nobody names them.
            let Some(own) = within(&file.path, place).filter(|own| !is_roof(own)) else { continue };
            let Some(at) = floor(own) else {
                broken.push(format!("{}: {own} is on no floor of {place}: {floors:?}", file.path));
                continue;
            };
            for reference in house.references(file) {
                let Some(other) = within(&reference.file.path, place).filter(|other| *other != own) else {
                    continue;
                };
                if floor(other).is_none_or(|other| other >= at) {
                    let (path, line) = (&file.path, reference.line);
                    broken.push(format!(
                        "{path}:{line}: {own} uses {other}, which is not below it: {floors:?}"
                    ));
                }
            }
        }
    }
    broken
}

/// The file or folder of a place to which a path belongs.
fn within<'a>(path: &'a str, place: &str) -> Option<&'a str> {
    let inner = path.strip_prefix(place)?;
    Some(inner.split('/').next().unwrap_or_default().trim_end_matches(".rs"))
}

fn is_roof(name: &str) -> bool {
    ["lib", "mod"].contains(&name)
}

pub fn floors_are_all_there(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for (place, floors) in FLOORS {
        for name in floors.iter().copied().flatten() {
            if !house.product().any(|file| within(&file.path, place) == Some(name)) {
                broken.push(format!("{place}{name}: is not there; take it off the floors"));
            }
        }
    }
    broken
}

pub fn no_files_of_a_room_stand_in_a_circle(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for (room, arrows) in within_rooms(house) {
        for circle in circles(&arrows) {
            broken.push(format!("{room}: {} files in a circle:{}", circle.len(), told(&circle, &arrows)));
        }
    }
    broken
}

pub fn no_rooms_stand_in_a_circle(house: &House) -> Vec<String> {
    let arrows = between_rooms(house);
    let found = circles(&arrows);
    found
        .iter()
        .map(|circle| format!("{} rooms in a circle:{}", circle.len(), told(circle, &arrows)))
        .collect()
}

pub fn foreign_types_stop_at_the_border(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for file in house.product() {
        for (path, line) in house.foreign(file) {
            for (foreign, rooms, sentence) in FOREIGN {
                if path[0] == *foreign && !one_of(&file.room, rooms) {
                    broken.push(format!("{}:{line}: {}, but {sentence}", file.path, path.join("::")));
                }
            }
        }
    }
    broken
}

pub fn the_core_cannot_wait_speak_or_look(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for file in house.product().filter(|file| is(&file.room, "core")) {
        for (path, line) in house.foreign(file) {
            let whole = path.join("::");
            if CORE_NEVER.iter().any(|start| whole == **start || whole.starts_with(&format!("{start}::"))) {
                broken
                    .push(format!("{}:{line}: uses {whole}; the core cannot wait, speak or look", file.path));
            }
        }
        for line in &file.facts.waits {
            broken.push(format!("{}:{line}: async; the core cannot wait", file.path));
        }
        for mention in file.facts.mentions.iter().filter(|mention| mention.how == How::Macro) {
            if mention.path.last().is_some_and(|name| SPEAKING_MACROS.contains(&name.as_str())) {
                broken.push(format!(
                    "{}:{}: {}!; the core cannot speak",
                    file.path, mention.line, mention.path[0]
                ));
            }
        }
    }
    broken
}

pub fn only_the_clock_reads_the_time(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for file in house.files.iter().filter(|file| file.path != CLOCK) {
        for (path, line) in house.foreign(file) {
            let whole = path.join("::");
            let reads = |read: &&&str| whole == **read || whole.ends_with(&format!("::{read}"));
            if let Some(read) = TIME_READS.iter().find(reads) {
                broken.push(format!("{}:{line}: {read}; the time is read only in {CLOCK}", file.path));
            }
        }
    }
    broken
}

pub fn files_have_one_subject(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for File { path, facts, .. } in house.product() {
        let exception = LONG_FILES.iter().find(|(long, _, _)| long == path);
        let most = exception.map_or(FILE_LINES_MAX, |(_, most, _)| *most);
        if facts.lines > most {
            broken.push(format!("{path}: {} lines, at most {most}; is it one subject?", facts.lines));
        }
    }
    broken
}

pub fn functions_fit_on_a_screen(house: &House) -> Vec<String> {
    let mut broken = Vec::new();
    for File { path, facts, .. } in house.product() {
        for function in &facts.functions {
            let long = LONG_FUNCTIONS.iter().find(|(file, name, ..)| file == path && *name == function.name);
            if function.lines > long.map_or(FUNCTION_LINES_MAX, |(_, _, most, _)| *most) {
                broken.push(format!(
                    "{path}:{}: {} has {} lines",
                    function.line, function.name, function.lines
                ));
            }
        }
    }
    broken
}

pub fn each_type_has_a_name_of_its_own(house: &House) -> Vec<String> {
    let mut declared: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in house.product() {
        if FORGES_WORDS.iter().any(|part| file.path.contains(part)) {
            continue;
        }
        for (name, line) in &file.facts.types {
            declared.entry(name).or_default().push(format!("{}:{line}", file.path));
        }
    }
    let shared = declared.into_iter().filter(|(_, places)| places.len() > 1);
    shared.map(|(name, places)| format!("{name}: is declared at {}", places.join(", "))).collect()
}

pub fn exceptions_are_needed(house: &House) -> Vec<String> {
    let file = |wanted: &str| house.product().find(|file| file.path == wanted);
    let short_file = |path| file(path).is_none_or(|file| file.facts.lines <= FILE_LINES_MAX);
    let short = |path: &str, name: &str| {
        let functions = file(path).into_iter().flat_map(|file| &file.facts.functions);
        !functions.into_iter().any(|function| function.name == name && function.lines > FUNCTION_LINES_MAX)
    };
    let files = LONG_FILES.iter().filter(|(path, ..)| short_file(path)).map(|(path, ..)| (*path).to_owned());
    let functions = LONG_FUNCTIONS.iter().filter(|(path, name, ..)| short(path, name));
    let idle = files.chain(functions.map(|(path, name, ..)| format!("{path}: {name}")));
    idle.map(|it| format!("{it}: is not long; take it off the list")).collect()
}

pub fn every_file_is_a_module(house: &House) -> Vec<String> {
    house.lost.iter().map(|path| format!("{path}: is compiled into nothing")).collect()
}
