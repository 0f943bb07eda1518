//! The rules of the house, read from the source: who may import whom, who may name which foreign
//! crate, who reads the time, how long a file and a function may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, in lines. Tests at the end of a file do not count.
const FILE_LINES_MAX: usize = 500;
/// Longest function, in lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// Functions that may be longer, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str, usize, &str)] = &[
    ("crates/words/src/reasons.rs", "sentence", 140, "a table: one line for each reason"),
    ("src/cli/demo/company.rs", "configuration", 100, "the text of a configuration file"),
];

/// What each room may import of ours. A room that is not listed may import everything.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("clock", &[], "clock imports nothing of ours"),
    ("wakeups", &[], "wakeups import nothing of ours"),
    ("metrics", &[], "metrics import nothing of ours"),
    ("config", &["config", "core"], "config imports only core"),
    ("store", &["store", "core"], "store imports only core"),
    ("forge", &["forge", "core", "clock"], "forge imports only core, and the clock to pace its requests"),
    (
        "engine",
        &["engine", "core", "store", "clock", "metrics", "wakeups"],
        "engine imports core, store and clock; it talks to no forge and knows no courier",
    ),
    (
        "courier",
        &["courier", "core", "engine", "store", "forge", "clock", "metrics", "wakeups"],
        "courier imports core, engine, store, forge and clock",
    ),
    ("alarm", &["alarm", "engine", "store", "clock", "wakeups"], "alarm imports engine, store and clock"),
    (
        "reconcile",
        &["reconcile", "core", "engine", "store", "forge", "clock", "metrics", "wakeups"],
        "reconcile imports engine, store, forge and clock",
    ),
    ("audit", &["audit", "core", "engine"], "audit imports engine and core"),
    (
        "web",
        &["web", "core", "store", "engine", "audit", "clock", "metrics", "wakeups", "forge"],
        "web imports core, store, engine, clock and what the audit says, and of forge only verify and read",
    ),
];

/// What web may name of forge: verify and read, and how the connection is.
const FORGE_FOR_WEB: &[&str] =
    &["Health", "Inbound", "Incoming", "Reading", "Secrets", "Unreadable", "Unverified", "inbound"];

/// Foreign crates that do not leave their rooms.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    ("octocrab", &["forge"], "octocrab types do not leave forge"),
    ("gitlab", &["forge"], "types of the gitlab crate do not leave forge"),
    ("chrono", &["forge"], "chrono types do not leave forge"),
    ("sqlx", &["store"], "sqlx does not leave store"),
    ("axum", &["web"], "axum does not leave web"),
    ("usher_sandbox", &["cli"], "only cli imports the sandbox"),
];

/// The rooms of the sandbox from the ground up; each imports only those on floors below its own.
const SANDBOX_FLOORS: &[&[&str]] = &[
    &["clock"],
    &["world"],
    &["wire"],
    &["gitlab", "github"],
    &["webhooks"],
    &["service"],
    &["sandbox"],
    &["lib"],
];

/// The rooms of the core from the ground up; each imports only those on floors below its own.
const CORE_FLOORS: &[&[&str]] = &[&["model"], &["choose"], &["decide"], &["lib"]];

/// The only crates that the core may name.
const CORE_CRATES: &[&str] = &["std", "serde", "jiff", "globset", "regex"];

/// One source file: its path, its room (a crate below `crates/` is one), and its code without comments
/// and strings.
struct Source {
    path: String,
    room: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    for member in fs::read_dir(root.join("crates")).unwrap() {
        collect(&member.unwrap().path().join("src"), &mut files);
    }
    files.sort();
    assert!(files.len() > 20, "only {} files were found in {}", files.len(), root.display());
    let source = |file: &PathBuf| {
        let path = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let room = path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs").to_owned();
        Source { code: code_of(&fs::read_to_string(file).unwrap()), path, room }
    };
    files.iter().map(source).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Production code: up to the tests at the end, comments and the insides of strings blanked, lines
/// kept.
fn code_of(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = skipped_at(rest);
        let taken = if skipped > 0 { skipped } else { c.len_utf8() };
        match skipped {
            0 => code.push(c),
            _ => code.extend(rest[..taken].chars().filter(|c| *c == '\n')),
        }
        rest = &rest[taken..];
    }
    code
}

/// How many bytes of a comment, string or character literal begin here; 0 where code does.
fn skipped_at(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    for hashes in ["##", "#", ""] {
        let open = format!("r{hashes}\"");
        if rest.starts_with(&open) {
            let close = format!("\"{hashes}");
            return rest[open.len()..].find(&close).map_or(rest.len(), |end| open.len() + end + close.len());
        }
    }
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'"' => {
            let mut at = 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(rest.len())
        }
        // A character literal; anything else after a tick is a lifetime.
        b'\'' if rest[1..].starts_with('\\') => rest[2..].find('\'').map_or(0, |end| {
            let quoted = &rest[2..2 + end];
            if quoted.is_empty() { 4 } else { end + 3 }
        }),
        b'\'' => {
            let mut chars = rest[1..].char_indices();
            let (_, first) = chars.next().unwrap_or_default();
            if chars.next().is_some_and(|(_, second)| second == '\'') { first.len_utf8() + 2 } else { 0 }
        }
        _ => 0,
    }
}

/// Words with the text that follows them.
fn words(code: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
        at = end;
        Some((&code[..start], &code[start..end], &code[end..]))
    })
}

/// Rooms that a file imports by `crate::room` or `use crate::{room, …}`, with the path that follows.
fn imports(source: &Source) -> Vec<(String, String)> {
    named_by(&source.code, "crate")
}

/// Modules named after `head::` or in `head::{…}`, with the path that follows.
fn named_by(code: &str, head: &str) -> Vec<(String, String)> {
    paths_after(code, head).into_iter().filter_map(room_of).collect()
}

/// The paths that follow `head::`, or stand in `head::{…}`.
fn paths_after<'a>(code: &'a str, head: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (_, word, after) in words(code) {
        let Some(path) = after.strip_prefix("::").filter(|_| word == head) else { continue };
        let statement = path.split(';').next().unwrap_or_default();
        match statement.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let parts = group.split(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                });
                found.extend(parts.map(str::trim));
            }
            None => found.push(statement),
        }
    }
    found
}

fn room_of(path: &str) -> Option<(String, String)> {
    let room: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = path[room.len()..].trim_start_matches("::").to_owned();
    (!room.is_empty() && room.chars().next().is_some_and(char::is_lowercase)).then_some((room, rest))
}

/// Crates (and modules) named at the beginning of a path.
fn path_heads(code: &str) -> BTreeSet<&str> {
    let head = |(before, word, after): (&str, &'_ str, &str)| {
        let inner = before.trim_end().ends_with("::");
        let used = before.trim_end().ends_with("use") && after.starts_with(';');
        (!inner && (after.starts_with("::") || used)).then_some(())?;
        Some(before.len()..before.len() + word.len())
    };
    words(code).filter_map(head).map(|range| &code[range]).collect()
}

fn is_test(source: &Source) -> bool {
    source.path.contains("/tests/") || source.path.ends_with("/tests.rs")
}

fn report(broken: Vec<String>) {
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut broken = Vec::new();
    let in_package = |source: &&Source| source.path.starts_with("src/") && !is_test(source);
    for source in sources().iter().filter(in_package) {
        let rule = ROOMS.iter().find(|(room, _, _)| *room == source.room);
        for (room, rest) in imports(source) {
            let names = rest.trim_matches(|c| c == '{' || c == '}').split([',', ':', '}']);
            let first = names.map(str::trim).find(|name| !name.is_empty()).unwrap_or_default();
            if let Some((_, allowed, sentence)) = rule
                && !allowed.contains(&room.as_str())
            {
                broken.push(format!("{}: uses crate::{room}, but {sentence}", source.path));
            }
            if room == "cli" && !["cli", "main"].contains(&source.room.as_str()) {
                broken.push(format!("{}: uses crate::cli, but nobody imports cli", source.path));
            }
            if room == "service" && !["cli", "service"].contains(&source.room.as_str()) {
                broken.push(format!("{}: uses crate::service, but only cli imports it", source.path));
            }
            if source.room == "web" && room == "forge" && !FORGE_FOR_WEB.contains(&first) {
                broken.push(format!(
                    "{}: uses forge::{first}, but web takes only verify and read",
                    source.path
                ));
            }
        }
    }
    report(broken);
}

#[test]
fn the_sandbox_imports_only_downwards() {
    imports_only_downwards("crates/sandbox/src/", SANDBOX_FLOORS);
}

#[test]
fn the_core_imports_only_downwards() {
    imports_only_downwards("crates/core/src/", CORE_FLOORS);
}

fn imports_only_downwards(folder: &str, floors: &[&[&str]]) {
    let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
    let mut broken = Vec::new();
    let sources = sources();
    let within = |source: &Source| source.path.strip_prefix(folder).map(str::to_owned);
    for (source, path) in sources.iter().filter_map(|source| Some((source, within(source)?))) {
        let own = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if own == "tests" {
            continue;
        }
        for (room, _) in imports(source) {
            if room != own && floor(&room) >= floor(own) {
                broken.push(format!("{}: uses crate::{room}, which is not below it", source.path));
            }
        }
    }
    report(broken);
}

#[test]
fn the_files_of_a_room_form_no_circle() {
    let mut broken = Vec::new();
    let sources = sources();
    let is_subject = |source: &&Source| source.path.starts_with("crates/") && !is_test(source);
    // A file, and those that it names by `super::`; for a `mod.rs` those by `self::`.
    let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(is_subject) {
        let (folder, name) = source.path.rsplit_once('/').unwrap();
        let (head, is_parent) = if name == "mod.rs" { ("self", true) } else { ("super", false) };
        let files = named_by(&source.code, head).into_iter().map(|(file, _)| format!("{folder}/{file}.rs"));
        let takes_from_parent =
            paths_after(&source.code, "super").iter().any(|path| path.starts_with(char::is_uppercase));
        let parent = (!is_parent && takes_from_parent).then(|| format!("{folder}/mod.rs"));
        named.insert(&source.path, files.chain(parent).collect());
    }
    for start in named.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![*start]);
        while let Some(next) = open.pop().and_then(|file| named.get(file)) {
            open.extend(next.iter().map(String::as_str).filter(|file| seen.insert(*file)));
        }
        if seen.contains(start) {
            broken.push(format!("{start}: imports itself, by way of {seen:?}"));
        }
    }
    report(broken);
}

#[test]
fn foreign_types_stop_at_the_border() {
    let mut broken = Vec::new();
    for source in sources().into_iter().filter(|source| !is_test(source)) {
        for head in path_heads(&source.code) {
            for (foreign, rooms, sentence) in FOREIGN {
                // Our own module of the same name is reached by `crate::` or from its parent.
                let own =
                    *foreign == "gitlab" && !source.code.contains("::gitlab::") && is_own_gitlab(&source);
                if head == *foreign && !rooms.contains(&source.room.as_str()) && !own {
                    broken.push(format!("{}: {sentence}", source.path));
                }
            }
        }
    }
    report(broken);
}

/// Whether a room has a module of its own that is called `gitlab`.
fn is_own_gitlab(source: &Source) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rooms = [root.join("src").join(&source.room), root.join("crates").join(&source.room).join("src")];
    rooms.iter().any(|room| room.join("gitlab").is_dir() || room.join("gitlab.rs").is_file())
}

#[test]
fn the_core_names_no_crates_but_its_own() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.room == "core") {
        for line in source.code.lines().filter_map(|line| line.trim().strip_prefix("use ")) {
            let head = line.split("::").next().unwrap_or_default().trim_end_matches(';');
            let ours = ["super", "crate", "self"].contains(&head) || head.starts_with(char::is_uppercase);
            let ours = ours || source.code.contains(&format!("mod {head};"));
            if !ours && !CORE_CRATES.contains(&head) {
                broken.push(format!("{}: uses {head}; the core has {CORE_CRATES:?}", source.path));
            }
        }
        for banned in
            ["async ", ".await", "std::fs", "std::net", "std::thread", "std::env", "tokio", "println!"]
        {
            if source.code.contains(banned) {
                broken.push(format!("{}: `{banned}`; the core cannot wait, speak or look", source.path));
            }
        }
    }
    report(broken);
}

#[test]
fn only_the_clock_reads_the_time() {
    let reads = ["Timestamp::now", "Zoned::now", "SystemTime::now", "Instant::now", "Utc::now"];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path != "src/clock.rs") {
        for read in reads.iter().filter(|read| source.code.contains(**read)) {
            broken.push(format!("{}: {read}; the time is read only in clock.rs", source.path));
        }
    }
    report(broken);
}

#[test]
fn files_have_one_subject() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        let lines = source.code.lines().count();
        let exception = LONG_FILES.iter().find(|(path, _, _)| *path == source.path);
        let most = exception.map_or(FILE_LINES_MAX, |(_, most, _)| *most);
        if lines > most {
            broken.push(format!("{}: {lines} lines, at most {most}; is it one subject?", source.path));
        }
    }
    report(broken);
}

#[test]
fn functions_fit_on_a_screen() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        let lines: Vec<&str> = source.code.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let trimmed = line.trim_start();
            if !(trimmed.starts_with("fn ") || trimmed.contains(" fn ")) || trimmed.ends_with(';') {
                continue;
            }
            // rustfmt closes a function with a brace at the indentation of its beginning.
            let indent = line.len() - trimmed.len();
            let closes = |line: &&str| line.trim_end() == format!("{:indent$}}}", "");
            let Some(length) = lines[start..].iter().position(closes) else { continue };
            let name: String =
                trimmed.split("fn ").nth(1).unwrap_or_default().chars().take_while(|c| *c != '(').collect();
            let long = LONG_FUNCTIONS.iter().find(|(path, long, _, _)| *path == source.path && *long == name);
            if length + 1 > long.map_or(FUNCTION_LINES_MAX, |(_, _, most, _)| *most) {
                broken.push(format!("{}:{}: {name} has {} lines", source.path, start + 1, length + 1));
            }
        }
    }
    report(broken);
}

#[test]
fn the_reader_sees_through_comments_and_strings() {
    let text = "use a::b; // crate::web\nlet s = \"crate::cli\\\"\"; let c = '\"'; let r = r#\"sqlx::\"#; fn f<'a>() {}\n";
    let code = code_of(text);
    assert_eq!(code, "use a::b; \nlet s = ; let c = ; let r = ; fn f<'a>() {}\n");
    let source = |code: &str| Source { path: "x.rs".into(), room: "x".into(), code: code.into() };
    let rooms = |code: &str| imports(&source(code)).into_iter().map(|(room, _)| room).collect::<Vec<_>>();
    assert_eq!(
        rooms("use crate::{core::{a, b}, store};\nfn f(x: crate::web::X) {}"),
        ["core", "store", "web"]
    );
    assert!(path_heads("fn f() { sqlx::query(); a.axum::b }").contains("sqlx"));
}
