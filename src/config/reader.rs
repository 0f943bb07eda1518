//! Reads the sections of the tree: asks for keys, collects what is wrong, and goes on.

use super::keys::{self, Keys};
use super::mistakes::{Book, Fault, Place, did_you_mean, nearest};
use super::redact;
use super::tree::{Entry, Node, Table, Value};

/// Longest list that is read; longer ones are a mistake.
const LIST_LIMIT: usize = 10_000;

/// Something that was read, and where.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub it: T,
    pub place: Place,
}

/// What was read, without the places.
pub(super) fn bare<T>(list: Vec<Placed<T>>) -> Vec<T> {
    list.into_iter().map(|placed| placed.it).collect()
}

/// One table of the document, with the keys it may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'n> {
    table: &'n Table,
    keys: &'static Keys,
    pub place: &'n Place,
}

impl<'n> Section<'n> {
    /// Opens a table and reports the keys that do not belong there; `None` (and a mistake) when the
    /// node is no table.
    pub(super) fn open(node: &'n Node, keys: &'static Keys, book: &mut Book) -> Option<Section<'n>> {
        let Value::Table(table) = &node.value else {
            let what = format!("expected a table for {}, found {}", keys.title, node.value.kind());
            book.mistake(&node.place, what, written_as(keys));
            return None;
        };
        for (name, entry) in table {
            if !keys.names.contains(&name.as_str()) {
                report_unknown(name, entry, keys, book);
            }
        }
        Some(Section { table, keys, place: &node.place })
    }

    /// The section below `name`, or `None` when it is not there (or no table).
    pub(super) fn section(&self, book: &mut Book, name: &str, keys: &'static Keys) -> Option<Section<'n>> {
        Section::open(&self.entry(name)?.node, keys, book)
    }

    /// The tables of a list like `[[pool]]`; none when it is not there.
    pub(super) fn sections(&self, book: &mut Book, name: &str, keys: &'static Keys) -> Vec<Section<'n>> {
        let Some(entry) = self.entry(name) else { return Vec::new() };
        match &entry.node.value {
            Value::List(list) if list.len() > LIST_LIMIT => {
                book.mistake(&entry.key, format!("`{name}` has more than {LIST_LIMIT} items"), "");
                Vec::new()
            }
            Value::List(list) => list.iter().filter_map(|node| Section::open(node, keys, book)).collect(),
            Value::Table(_) => {
                let what = format!("`{name}` is a list of tables");
                book.mistake(&entry.key, what, written_as(keys));
                Vec::new()
            }
            other => {
                let what = format!("expected tables for {}, found {}", keys.title, other.kind());
                book.mistake(&entry.node.place, what, written_as(keys));
                Vec::new()
            }
        }
    }

    /// The tables of a list as they are, without any report.
    pub(super) fn tables(&self, name: &str) -> impl Iterator<Item = &'n Table> + use<'n> {
        self.nodes(name).filter_map(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
    }

    /// The table `name` as it is, without any report.
    pub(super) fn table(&self, name: &str) -> Option<&'n Table> {
        match &self.node(name)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The items of the list `name` as they are, without any report.
    pub(super) fn nodes(&self, name: &str) -> impl Iterator<Item = &'n Node> + use<'n> {
        let list: &'n [Node] = match self.node(name).map(|node| &node.value) {
            Some(Value::List(list)) => list,
            _ => &[],
        };
        list.iter()
    }

    /// What the section describes, in a word: `person` for `[[person]]`.
    pub(super) fn noun(&self) -> &'static str {
        self.keys.title.trim_matches(['[', ']'])
    }

    /// Where `name` stands, when it is there.
    pub(super) fn key_place(&self, name: &str) -> Option<&'n Place> {
        self.entry(name).map(|entry| &entry.key)
    }

    pub(super) fn node(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// The value of `name`; `None` when it is not there, or not understood (then the book says so).
    pub(super) fn value<T>(
        &self,
        book: &mut Book,
        name: &str,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Option<Placed<T>> {
        placed(self.node(name)?, book, &read)
    }

    /// As [`Section::value`], but it is a mistake when `name` is not there; `todo` says what to write.
    pub(super) fn required<T>(
        &self,
        book: &mut Book,
        name: &str,
        todo: &str,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Option<Placed<T>> {
        if self.node(name).is_none() {
            book.mistake(self.place, format!("{} needs `{name}`", self.keys.title), todo);
        }
        self.value(book, name, read)
    }

    /// The key `name` of a thing that others refer to. One that was not accepted is handed out all the
    /// same, so that it is not told a second time wherever it is referred to.
    pub(super) fn own_name(
        &self,
        book: &mut Book,
        todo: &str,
        read: impl Fn(&Node) -> Result<String, Fault>,
    ) -> Option<Placed<String>> {
        self.required(book, "name", todo, read).or_else(|| match self.node("name") {
            Some(Node { value: Value::Text(text), place }) => {
                Some(Placed { it: text.clone(), place: place.clone() })
            }
            _ => None,
        })
    }

    /// The items of the list `name` that were understood.
    pub(super) fn list<T>(
        &self,
        book: &mut Book,
        name: &str,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Vec<Placed<T>> {
        let Some(node) = self.node(name) else { return Vec::new() };
        match &node.value {
            Value::List(list) if list.len() > LIST_LIMIT => {
                book.mistake(&node.place, format!("`{name}` has more than {LIST_LIMIT} items"), "");
                Vec::new()
            }
            Value::List(list) => list.iter().filter_map(|item| placed(item, book, &read)).collect(),
            other => {
                let what = format!("expected a list for `{name}`, found {}", other.kind());
                book.mistake(&node.place, what, format!("put brackets around it: {name} = [\"…\"]"));
                Vec::new()
            }
        }
    }

    /// Whether `name` is there and holds a list without items.
    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        matches!(self.node(name).map(|node| &node.value), Some(Value::List(list)) if list.is_empty())
    }

    fn entry(&self, name: &str) -> Option<&'n Entry> {
        debug_assert!(
            self.keys.names.contains(&name),
            "`{name}` is missing in keys.rs for {}",
            self.keys.title
        );
        self.table.get(name)
    }
}

fn placed<T>(node: &Node, book: &mut Book, read: &impl Fn(&Node) -> Result<T, Fault>) -> Option<Placed<T>> {
    match read(node) {
        Ok(it) => Some(Placed { it, place: node.place.clone() }),
        Err(fault) => {
            book.fault(&node.place, fault);
            None
        }
    }
}

fn written_as(keys: &Keys) -> String {
    match keys.title {
        title if title.starts_with('[') => format!("begin it with a line {title}"),
        _ => "write it in braces: { key = \"value\" }".to_owned(),
    }
}

fn report_unknown(name: &str, entry: &Entry, keys: &Keys, book: &mut Book) {
    let at = if keys.title.is_empty() {
        "at the top of the file".to_owned()
    } else {
        format!("in {}", keys.title)
    };
    let home = keys::ALL.iter().find(|other| !other.title.is_empty() && other.names.contains(&name));
    let near = nearest(name, keys.names.iter().copied());
    if near.is_none_or(redact::sounds_secret) {
        keep_secret(&entry.node, book);
    }
    let todo = match (near, home) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(home)) => format!("`{name}` belongs in {}", home.title),
        (None, None) => did_you_mean(name, keys.names, ""),
    };
    book.mistake(&entry.key, format!("unknown key `{name}` {at}"), todo);
}

/// Keeps all values below `node` out of the report: they may be secrets under a misspelled key.
fn keep_secret(node: &Node, book: &mut Book) {
    match &node.value {
        Value::Table(table) => table.values().for_each(|entry| keep_secret(&entry.node, book)),
        Value::List(list) => list.iter().for_each(|item| keep_secret(item, book)),
        _ => book.keep_secret(&node.place),
    }
}
