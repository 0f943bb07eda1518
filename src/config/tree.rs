//! The document as a tree in which every key and value knows its place.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::{Book, Fault, Mistake, Place, Severity};

/// Variables that begin so set a key.
const OVERRIDE_PREFIX: &str = "USHER__";

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub place: Place,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// `None`: too large for 64 bits.
    Integer(Option<i64>),
    Float,
    Boolean(bool),
    /// A date or time as TOML writes it.
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// Keys with their values, by name.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key's place and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: Place,
    pub node: Node,
}

impl Value {
    /// The kind of the value, for "expected X, found Y".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a number",
            Value::Float => "a fraction",
            Value::Boolean(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Reads TOML.
///
/// # Errors
/// What is no TOML, at most one mistake for each line.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Mistake>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let place = Place::File;
        return Ok(Node { value: Value::Table(table(document.into_inner())), place });
    }
    let mut faults: Vec<Mistake> = Vec::new();
    let mut last_line = None;
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = text.get(..span.start).map(|before| before.matches('\n').count());
        // What follows on the same line is mostly an echo of the first.
        if line.is_some() && line == last_line {
            continue;
        }
        last_line = line;
        faults.push(Mistake::new(Severity::Mistake, &place(span), syntax_fault(error.message())));
    }
    Err(faults)
}

/// What the TOML reader found, in words for people who do not write TOML every day.
fn syntax_fault(message: &str) -> Fault {
    // The reader takes `yes` for a number that went wrong, and says so.
    let wrong_value = ["invalid float", "invalid integer", "invalid boolean", "string values must be"];
    if wrong_value.iter().any(|start| message.starts_with(start)) {
        return Fault::new("this is no TOML value", "texts need quotes: key = \"text\"");
    }
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        return Fault::new(
            "a text that does not end",
            "close it on the same line, with the quote it began with",
        );
    }
    let todo = match message {
        "duplicate key" => {
            "each key and each [section] may stand once; lists of tables are written [[section]]"
        }
        _ => "this is not TOML: texts need quotes, lists need brackets and commas",
    };
    Fault::new(message, todo)
}

fn place(span: Range<usize>) -> Place {
    Place::Text { start: span.start, end: span.end }
}

fn table(table: DeTable<'_>) -> Table {
    table
        .into_iter()
        .map(|(key, value)| {
            let entry = Entry { key: place(key.span()), node: node(value) };
            (key.into_inner().into_owned(), entry)
        })
        .collect()
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let place = place(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(_) => Value::Float,
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => Value::List(list.into_iter().map(node).collect()),
        DeValue::Table(entries) => Value::Table(table(entries)),
    };
    Node { value, place }
}

/// Sets the keys that environment variables name.
pub(super) fn apply_overrides(document: &mut Node, variables: &BTreeMap<String, String>, book: &mut Book) {
    for (name, text) in variables {
        let Some(path) = name.strip_prefix(OVERRIDE_PREFIX) else { continue };
        let place = Place::Variable(name.clone());
        let path = path.to_lowercase();
        let keys: Vec<&str> = path.split("__").collect();
        if keys.iter().any(|key| key.is_empty()) {
            book.mistake(&place, format!("`{name}` names no key"), "write it as USHER__SECTION__KEY");
        } else if !set(document, &keys, override_value(text, &place), &place) {
            let todo =
                format!("lists like [[{}]] are set in the file; secrets there may say env:NAME", keys[0]);
            book.mistake(&place, format!("`{name}` does not lead to a key of a plain table"), todo);
        }
    }
}

/// The value of a variable: TOML where it is TOML, else a string.
fn override_value(text: &str, place: &Place) -> Node {
    let mut value = match DeValue::parse(text) {
        Ok(value) if !matches!(value.get_ref(), DeValue::Datetime(_) | DeValue::Float(_)) => node(value),
        _ => Node { value: Value::Text(text.to_owned()), place: place.clone() },
    };
    replace_places(&mut value, place);
    value
}

fn replace_places(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(|item| replace_places(item, place)),
        Value::Table(table) => {
            for entry in table.values_mut() {
                entry.key = place.clone();
                replace_places(&mut entry.node, place);
            }
        }
        _ => {}
    }
}

/// Sets the key at `path`, making tables on the way; false when something else is in the way.
fn set(node: &mut Node, path: &[&str], value: Node, place: &Place) -> bool {
    let (Value::Table(table), Some((first, rest))) = (&mut node.value, path.split_first()) else {
        return false;
    };
    if rest.is_empty() {
        table.insert((*first).to_owned(), Entry { key: place.clone(), node: value });
        return true;
    }
    let empty = || Entry {
        key: place.clone(),
        node: Node { value: Value::Table(Table::new()), place: place.clone() },
    };
    set(&mut table.entry((*first).to_owned()).or_insert_with(empty).node, rest, value, place)
}
