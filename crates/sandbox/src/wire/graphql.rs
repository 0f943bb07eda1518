//! As much GraphQL as a client of the two forges needs: queries and mutations with aliases, variables and fragments,
//! answered from plain JSON objects. A field that a type does not have is refused before anything is
//! answered, as both forges do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::reply::Reply;

/// Deepest selection that is read.
const DEPTH_MAX: usize = 20;

/// One selected field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The name it has in the answer.
    pub(crate) alias: String,
    pub(crate) name: String,
    /// Arguments, variables filled in.
    pub(crate) arguments: Map<String, Value>,
    pub(crate) fields: Vec<Selected>,
}

#[derive(Clone, Debug)]
pub(crate) enum Selected {
    Field(Field),
    Spread(String),
}

/// A query, read.
pub(crate) struct Query {
    /// Whether it may change something.
    pub(crate) is_mutation: bool,
    pub(crate) fields: Vec<Field>,
    fragments: BTreeMap<String, Vec<Selected>>,
}

/// An error with GitHub's `type`, if it has one.
pub(crate) fn error(kind: Option<&str>, path: &str, message: &str) -> Value {
    match kind {
        Some(kind) => json!({ "type": kind, "path": [path], "message": message }),
        None => json!({ "path": [path], "message": message }),
    }
}

/// The answer to a request that is no good: 200, and nothing but errors.
pub(crate) fn refused(message: &str) -> Reply {
    Reply::ok(json!({ "errors": [{ "message": message }] }))
}

impl Query {
    /// Reads `{"query": …, "variables": …}`.
    pub(crate) fn read(body: &Value) -> Result<Query, String> {
        let text = body["query"].as_str().ok_or("No query string was present")?;
        let empty = Map::new();
        let variables = body["variables"].as_object().unwrap_or(&empty);
        let mut reader = Reader { words: words(text), at: 0, variables };
        let (mut operation, mut fragments, mut is_mutation) = (None, BTreeMap::new(), false);
        while let Some(word) = reader.peek() {
            match word {
                "fragment" => {
                    reader.at += 1;
                    let name = reader.next()?;
                    reader.expect("on")?;
                    reader.next()?;
                    fragments.insert(name, reader.selection(0)?);
                }
                "subscription" => return Err("Schema is not configured for subscriptions".into()),
                word => {
                    is_mutation |= word == "mutation";
                    while reader.peek().is_some_and(|word| word != "{") {
                        // `query Name($a: [ID!])`: what is declared is not checked, only what is used.
                        reader.at += 1;
                    }
                    operation = Some(reader.selection(0)?);
                }
            }
        }
        let mut query = Query { is_mutation, fields: Vec::new(), fragments };
        query.fields = query.flat(&operation.ok_or("A query is required")?);
        Ok(query)
    }

    /// The fields of a selection, fragments resolved.
    pub(crate) fn flat(&self, selected: &[Selected]) -> Vec<Field> {
        let fields = selected.iter().flat_map(|one| match one {
            Selected::Field(field) => vec![field.clone()],
            // A fragment of fragments is more than anybody here sends.
            Selected::Spread(name) => {
                let inner = self.fragments.get(name).into_iter().flatten();
                let plain = |one: &Selected| match one {
                    Selected::Field(field) => Some(field.clone()),
                    Selected::Spread(_) => None,
                };
                inner.filter_map(plain).collect()
            }
        });
        fields.collect()
    }

    /// What `field` selects of `value`: objects field by field, lists item by item.
    pub(crate) fn select(&self, field: &Field, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.select(field, item)).collect(),
            Value::Object(members) if !field.fields.is_empty() => {
                let mut selected = Map::new();
                for inner in self.flat(&field.fields) {
                    let member = members.get(&inner.name);
                    let member =
                        member.ok_or_else(|| format!("Field '{}' doesn't exist here", inner.name))?;
                    selected.insert(inner.alias.clone(), self.select(&inner, member)?);
                }
                Ok(Value::Object(selected))
            }
            Value::Object(_) => Err(format!("Field '{}' must have selections", field.name)),
            value => Ok(value.clone()),
        }
    }
}

struct Reader<'a> {
    words: Vec<String>,
    at: usize,
    variables: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        self.at += 1;
        self.words.get(self.at - 1).cloned().ok_or_else(|| "Unexpected end of document".into())
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        let word = self.next()?;
        if word == wanted { Ok(()) } else { Err(format!("Expected `{wanted}`, actual: `{word}`")) }
    }

    fn selection(&mut self, depth: usize) -> Result<Vec<Selected>, String> {
        if depth > DEPTH_MAX {
            return Err("Query has depth that exceeds max depth".into());
        }
        self.expect("{")?;
        let mut selected = Vec::new();
        loop {
            let word = self.next()?;
            match word.as_str() {
                "}" => return Ok(selected),
                "..." => selected.push(Selected::Spread(self.next()?)),
                _ => selected.push(Selected::Field(self.field(word, depth)?)),
            }
        }
    }

    fn field(&mut self, first: String, depth: usize) -> Result<Field, String> {
        let (mut name, alias) = (first.clone(), first);
        if self.peek() == Some(":") {
            self.at += 1;
            name = self.next()?;
        }
        let mut arguments = Map::new();
        if self.peek() == Some("(") {
            self.at += 1;
            while self.peek() != Some(")") {
                let argument = self.next()?;
                self.expect(":")?;
                arguments.insert(argument, self.value(depth)?);
            }
            self.at += 1;
        }
        let fields = if self.peek() == Some("{") { self.selection(depth + 1)? } else { Vec::new() };
        Ok(Field { alias, name, arguments, fields })
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let word = self.next()?;
        if let Some(name) = word.strip_prefix('$') {
            return self.variables.get(name).cloned().ok_or_else(|| format!("Variable ${name} is missing"));
        }
        if word == "[" && depth <= DEPTH_MAX {
            let mut items = Vec::new();
            while self.peek() != Some("]") {
                items.push(self.value(depth + 1)?);
            }
            self.at += 1;
            return Ok(items.into());
        }
        serde_json::from_str(&word).map_err(|_| format!("Unexpected `{word}`"))
    }
}

/// The words of a document; a string is one word, with its quotes. Commas are blanks.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            '.' if rest.starts_with("...") => 3,
            '$' | '-' | '_' => 1 + name_length(&rest[1..]),
            c if c.is_alphanumeric() => name_length(rest),
            c => c.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    words
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}
