//! `tests/COMPLAINTS.md` says which scenario or test answers which complaint about other bots. The
//! table must not promise what is not there, and must know every reference that a scenario names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Rows of the table: references, and what answers them.
fn rows() -> Vec<(String, String)> {
    let table = fs::read_to_string(root().join("tests/COMPLAINTS.md")).unwrap();
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [references, _, answer] = cells[..] else { return None };
        (references != "reference").then(|| (references.to_owned(), answer.to_owned()))
    });
    rows.collect()
}

/// References such as `beam#39980` or `ops!4077`; `#2014` alone belongs to the one before it.
fn references(text: &str) -> Vec<String> {
    let mut last = String::new();
    let mut found = Vec::new();
    for word in text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()) {
        let Some(at) = word.find(['#', '!']) else { continue };
        let (name, number) = word.split_at(at);
        if number.len() < 2 || !number[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        if !name.is_empty() {
            last = name.to_owned();
        }
        found.push(format!("{last}{number}"));
    }
    found
}

/// All Rust source below `src` and `tests`, by path without ending.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().with_extension("");
                found.push((name.to_string_lossy().replace('\\', "/"), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_answer_to_a_complaint_exists() {
    let (rows, sources) = (rows(), sources());
    assert!(rows.len() > 60, "only {} rows", rows.len());
    let mut missing = Vec::new();
    for (refs, answer) in &rows {
        assert_eq!(references(refs).len(), refs.split(", ").count(), "unreadable references: {refs}");
        if let Some(because) = answer.strip_prefix("does not touch us: ") {
            assert!(because.len() > 20, "{refs}: because?");
            continue;
        }
        let named: Vec<&str> = answer.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{refs}: answered by what?");
        for name in named {
            let there = match name.rsplit_once("::") {
                Some((module, test)) => {
                    let folder = module.replace("::", "/");
                    let function = format!("fn {test}(");
                    sources.iter().any(|(path, text)| path.contains(&folder) && text.contains(&function))
                }
                None => root().join("tests/scenarios").join(name).is_file(),
            };
            if !there {
                missing.push(format!("{refs}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "promised and not there:\n{}", missing.join("\n"));
}

#[test]
fn every_complaint_that_a_scenario_answers_is_in_the_table() {
    let known: BTreeSet<String> = rows().iter().flat_map(|(refs, _)| references(refs)).collect();
    let mut unknown = Vec::new();
    let mut answered = 0;
    let files = fs::read_dir(root().join("tests/scenarios")).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "txt")) {
        let text = fs::read_to_string(&path).unwrap();
        let idea = text.lines().next().unwrap_or_default();
        let before_idea = idea.split_once(": ").map_or("", |(before, _)| before);
        for reference in references(before_idea) {
            answered += 1;
            if !known.contains(&reference) {
                unknown.push(format!("{}: {reference}", path.display()));
            }
        }
    }
    assert!(answered > 50, "only {answered} complaints are answered by a scenario");
    assert!(unknown.is_empty(), "add them to tests/COMPLAINTS.md:\n{}", unknown.join("\n"));
}
