//! The pages of the house point at each other: no link is dead, and the README leads to every page.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All Markdown pages that are read as pages: not the corpus of payloads and recordings.
fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"]
        .map(|page| root().join(page))
        .into();
    for folder in ["docs", "tests", "tests/scenarios", "tests/contracts"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    found
}

/// Targets of `[text](target)`, without those in code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            if let Some(end) = rest.find(')') {
                found.push(rest[..end].to_owned());
            }
        }
    }
    found
}

/// The anchor that both forges give to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn no_link_between_pages_is_dead() {
    let mut dead = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            seen += 1;
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let there = match section {
                "" => target.exists(),
                section => fs::read_to_string(&target).is_ok_and(|text| {
                    text.lines().any(|line| line.starts_with('#') && anchor(line) == section)
                }),
            };
            if !there {
                dead.push(format!("{}: {link}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} links were found");
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn the_readme_leads_to_every_page() {
    let readme = links(&fs::read_to_string(root().join("README.md")).unwrap());
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let page = format!("docs/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(readme.contains(&page), "README.md does not lead to {page}");
    }
}

#[test]
fn links_and_anchors_are_read_as_the_forges_read_them() {
    assert_eq!(links("see [a](b.md#c) and\n```\n[x](y)\n```\n[d](e)"), ["b.md#c", "e"]);
    assert_eq!(anchor("## When a template is wrong"), "when-a-template-is-wrong");
    assert_eq!(anchor("## Back up, restore, upgrade"), "back-up-restore-upgrade");
}
