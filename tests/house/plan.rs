//! The plan of the house: its crates, rooms and files, and where a mentioned name leads.
//!
//! A room is a folder (or file) of a crate: `store` below `src/`, `core/model` below `crates/core/src/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::facts::{Facts, How, Mention, Names};

/// A source file.
#[derive(Debug)]
pub struct File {
    /// Below the root of the workspace.
    pub path: String,
    pub room: String,
    /// Only tests are compiled with it.
    pub is_test: bool,
    pub facts: Facts,
}

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path of ours, absolute.
    Ours(Names),
    /// A crate of others, the standard library, or a name of no module, such as a variable.
    Foreign(Names),
}

/// A file of ours that another one mentions.
#[derive(Debug)]
pub struct Reference<'a> {
    /// The absolute path as it was written.
    pub written: Names,
    /// The file in which the thing is defined.
    pub file: &'a File,
    pub how: How,
    pub line: usize,
}

#[derive(Debug, Default)]
pub struct House {
    pub files: Vec<File>,
    /// The file of each module, those within a file included.
    modules: BTreeMap<Names, usize>,
    /// Files that belong to no module.
    pub lost: Vec<String>,
}

/// Names are followed through at most so many `pub use`.
const STEPS_MAX: usize = 16;

/// The crate to which a path below the root belongs: its folder, its name in code, and the path below `src/`.
fn crate_of(path: &str) -> Option<(&str, String, &str)> {
    match path.strip_prefix("crates/").and_then(|path| path.split_once("/src/")) {
        Some((folder, inner)) => Some((folder, format!("usher_{}", folder.replace('-', "_")), inner)),
        None => Some(("", "usher".to_owned(), path.strip_prefix("src/")?)),
    }
}

fn is_use(how: How) -> bool {
    matches!(how, How::Import | How::PassedOn)
}

fn room_of(folder: &str, inner: &str) -> String {
    let room = inner.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    if folder.is_empty() { room.to_owned() } else { format!("{folder}/{room}") }
}

impl House {
    /// Reads `src/` and `crates/*/src/`.
    pub fn standing() -> House {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("src")];
        for member in fs::read_dir(root.join("crates")).into_iter().flatten() {
            let (manifest, source) =
                member.map(|m| (m.path().join("Cargo.toml"), m.path().join("src"))).unwrap();
            let manifest: toml::Table = fs::read_to_string(&manifest).unwrap().parse().unwrap();
            let folder = source.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
            let name = manifest["package"]["name"].as_str().unwrap_or_default();
            assert_eq!(name, format!("usher-{folder}"), "the name of the crate in crates/{folder}");
            folders.push(source);
        }
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                    files.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        House::of(&files)
    }

    /// A house of these files: `src/lib.rs`, `crates/core/src/lib.rs` and so on, and their texts.
    pub fn of(texts: &BTreeMap<String, String>) -> House {
        let mut house = House::default();
        let mut reached = BTreeSet::new();
        for root in texts.keys() {
            let Some((_, name, inner)) = crate_of(root) else { continue };
            match inner {
                "lib.rs" => house.read(texts, root, vec![name], false, &mut reached),
                "main.rs" => house.read(texts, root, vec!["main".to_owned()], false, &mut reached),
                _ => {}
            }
        }
        house.lost.extend(texts.keys().filter(|path| !reached.contains(*path)).cloned());
        house
    }

    /// Reads a file and those of the modules that it declares.
    fn read(
        &mut self,
        texts: &BTreeMap<String, String>,
        path: &str,
        module: Names,
        is_test: bool,
        reached: &mut BTreeSet<String>,
    ) {
        let Some((folder, _, inner)) = crate_of(path) else { return };
        let mut facts = Facts::read(&texts[path], module).unwrap_or_else(|error| {
            let at = error.span().start();
            panic!("{path}:{}:{}: {error}", at.line, at.column)
        });
        reached.insert(path.to_owned());
        let here = self.files.len();
        self.modules.extend(facts.scopes.keys().map(|module| (module.clone(), here)));
        let declared = std::mem::take(&mut facts.declared);
        self.files.push(File { path: path.to_owned(), room: room_of(folder, inner), is_test, facts });
        let source = path.strip_suffix(inner).unwrap_or_default();
        for child in declared {
            let name = format!("{source}{}", child.module[1..].join("/"));
            let there = [format!("{name}.rs"), format!("{name}/mod.rs")];
            let Some(there) = there.into_iter().find(|there| texts.contains_key(there)) else {
                self.lost.push(format!("{name}, which {path} declares"));
                continue;
            };
            self.read(texts, &there, child.module, is_test || child.is_test, reached);
        }
    }

    /// Files of the product.
    pub fn product(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| !file.is_test)
    }

    fn scope(&self, module: &[String]) -> Option<&super::facts::Scope> {
        self.files[*self.modules.get(module)?].facts.scopes.get(module)
    }

    /// Where a mentioned path leads.
    pub fn place(&self, mention: &Mention) -> Place {
        self.find(&mention.path, &mention.module, STEPS_MAX)
    }

    fn find(&self, path: &[String], module: &[String], steps: usize) -> Place {
        let foreign = || Place::Foreign(path.to_vec());
        let (Some(head), Some(steps)) = (path.first(), steps.checked_sub(1)) else { return foreign() };
        let joined = |module: &[String], rest: &[String]| Place::Ours([module, rest].concat());
        match head.as_str() {
            "crate" => return joined(&module[..1], &path[1..]),
            "self" => return joined(module, &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let above = module.len().saturating_sub(ups).max(1);
                return joined(&module[..above], &path[ups..]);
            }
            _ => {}
        }
        let Some(scope) = self.scope(module) else { return foreign() };
        if let Some(target) = scope.names.get(head).filter(|target| *target != path) {
            return match self.find(target, module, steps) {
                Place::Ours(target) => joined(&target, &path[1..]),
                Place::Foreign(target) => Place::Foreign([&target, &path[1..]].concat()),
            };
        }
        if scope.items.contains(head) || self.modules.contains_key(&[module, &path[..1]].concat()) {
            return joined(module, path);
        }
        if self.modules.contains_key(&path[..1]) {
            return Place::Ours(path.to_vec());
        }
        let globs = scope.globs.iter().filter(|glob| *glob != path);
        let mut through = globs.filter_map(|glob| match self.find(glob, module, steps) {
            Place::Ours(target) => self.has(&target, head, steps).then(|| joined(&target, path)),
            Place::Foreign(_) => None,
        });
        through.next().unwrap_or_else(foreign)
    }

    /// Whether a module has this name, of its own or through a `use`.
    fn has(&self, module: &[String], name: &str, steps: usize) -> bool {
        let child = [module, &[name.to_owned()]].concat();
        let Some(scope) = self.scope(module) else { return false };
        let own = scope.items.iter().any(|item| item == name) || scope.names.contains_key(name);
        own || self.modules.contains_key(&child) || {
            let path = [name.to_owned()];
            steps > 0 && matches!(self.find(&path, module, steps), Place::Ours(found) if found != child)
        }
    }

    /// The file in which the thing at an absolute path is defined; `pub use` is followed.
    fn file_at(&self, path: &[String], steps: usize) -> Option<&File> {
        let (module, rest) = (1..=path.len()).rev().find_map(|n| {
            Some((path[..n].to_vec(), &path[n..])).filter(|(m, _)| self.modules.contains_key(m))
        })?;
        let here = &self.files[self.modules[&module]];
        let Some((name, steps)) = rest.first().zip(steps.checked_sub(1)) else { return Some(here) };
        if here.facts.scopes[&module].items.contains(name) {
            return Some(here);
        }
        match self.find(rest, &module, steps) {
            Place::Ours(target) if target != path => self.file_at(&target, steps),
            _ => Some(here),
        }
    }

    /// The files of ours that this one mentions, itself left out.
    pub fn references<'a>(&'a self, file: &'a File) -> impl Iterator<Item = Reference<'a>> {
        file.facts.mentions.iter().filter_map(move |mention| {
            let Place::Ours(written) = self.place(mention) else { return None };
            // A variable that is called like a module or a crate.
            let alone = mention.how == How::Path && mention.path.len() == 1;
            if alone && written.split_last().is_some_and(|(_, it)| it.is_empty() || *it == mention.module[..])
            {
                return None;
            }
            let target = self.file_at(&written, STEPS_MAX)?;
            let (how, line) = (mention.how, mention.line);
            (target.path != file.path).then_some(Reference { written, file: target, how, line })
        })
    }

    /// Paths that lead out of the house: imports, and paths of two names or more.
    pub fn foreign<'a>(&'a self, file: &'a File) -> impl Iterator<Item = (Names, usize)> {
        file.facts.mentions.iter().filter_map(|mention| match self.place(mention) {
            Place::Foreign(path) if path.len() > 1 || is_use(mention.how) => Some((path, mention.line)),
            _ => None,
        })
    }
}
