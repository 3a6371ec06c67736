//! Pipeline definitions in the file format that AWS documents: `objects`, `parameters`, `values`. Pure.

use crate::config::diagnostic::Problems;
use crate::config::{ConfigError, ConfigErrors, Location};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The object whose fields all others inherit.
const DEFAULT: &str = "Default";

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// A text, perhaps with expressions.
    Text(String),
    /// The id of another object.
    Ref(String),
}

/// A field of an object. Several fields of one key are a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Its key.
    pub key: String,
    /// What it says.
    pub content: Content,
}

/// A pipeline object: an activity, a data node, a schedule, a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Unique in the definition.
    pub id: String,
    /// Name; the id if the file gives none.
    pub name: String,
    /// Everything else.
    pub fields: Vec<Field>,
}

/// A parameter with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its id.
    pub id: String,
    /// Type, description, default and so on.
    pub attributes: Vec<(String, String)>,
}

/// A pipeline definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// Objects in file order.
    pub objects: Vec<Object>,
    /// Parameters in file order.
    pub parameters: Vec<Parameter>,
    /// Values of parameters, by id.
    pub values: Vec<(String, String)>,
}

impl Definition {
    /// Parses a file; `file` is only for messages.
    ///
    /// # Errors
    /// It is no JSON, or not of the documented form: all problems.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, ConfigErrors> {
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            ConfigError::new(format!("not valid JSON: {error}"))
                .at(Location::line(file, error.line()))
        })?;
        let mut reader = Reader {
            file,
            problems: Problems::default(),
        };
        let definition = reader.definition(&value);
        reader.references(&definition);
        reader.problems.finish(Some(definition))
    }

    /// Gives the object `Default` a field, in place of one that it has.
    ///
    /// # Errors
    /// There is no such object.
    pub fn set_default(&mut self, file: &str, key: &str, text: &str) -> Result<(), ConfigError> {
        let default = self.objects.iter_mut().find(|object| object.id == DEFAULT);
        let Some(default) = default else {
            let problem = format!("no object `{DEFAULT}`: this is no valid pipeline definition");
            return Err(ConfigError::new(problem).at(Location::file(file)));
        };
        default.fields.retain(|field| field.key != key);
        default.fields.push(Field {
            key: key.to_owned(),
            content: Content::Text(text.to_owned()),
        });
        Ok(())
    }

    /// Gives parameters values, in place of those that the file has.
    pub fn set_values(&mut self, values: &[(String, String)]) {
        let is_new = |id: &String| values.iter().all(|(new, _)| new != id);
        self.values.retain(|(id, _)| is_new(id));
        self.values.extend_from_slice(values);
    }
}

/// What a field of the object `Default` says, if it is a text.
pub fn default_text<'a>(objects: &'a [Object], key: &str) -> Option<&'a str> {
    let default = objects.iter().find(|object| object.id == DEFAULT)?;
    let field = default.fields.iter().find(|field| field.key == key)?;
    match &field.content {
        Content::Text(text) => Some(text),
        Content::Ref(_) => None,
    }
}

/// How objects differ from those that were there: `+id`, `-id`, `~id`. The order of objects and fields means nothing.
pub fn differences(old: &[Object], new: &[Object]) -> Vec<String> {
    let (old, new) = (by_id(old), by_id(new));
    let removed = old.keys().filter(|id| !new.contains_key(*id));
    let removed = removed.map(|id| format!("-{id}"));
    let others = new.iter().filter_map(|(id, content)| match old.get(id) {
        None => Some(format!("+{id}")),
        Some(before) => (before != content).then(|| format!("~{id}")),
    });
    others.chain(removed).collect()
}

/// Name and sorted fields of each object.
fn by_id(objects: &[Object]) -> BTreeMap<&str, (&str, Vec<&Field>)> {
    let mut found = BTreeMap::new();
    for object in objects {
        let mut fields: Vec<&Field> = object.fields.iter().collect();
        fields.sort();
        found.insert(object.id.as_str(), (object.name.as_str(), fields));
    }
    found
}

struct Reader<'a> {
    file: &'a str,
    problems: Problems,
}

impl Reader<'_> {
    fn wrong(&mut self, place: &str, problem: impl Into<String>) {
        let location = Location {
            key: Some(place.to_owned()).filter(|place| !place.is_empty()),
            ..Location::file(self.file)
        };
        self.problems.push(ConfigError::new(problem).at(location));
    }

    fn definition(&mut self, value: &Value) -> Definition {
        let none = Map::new();
        let top = value.as_object().unwrap_or_else(|| {
            self.wrong("", "expected a JSON object with `objects`");
            &none
        });
        let mut definition = Definition::default();
        match top.get("objects") {
            Some(objects) => {
                for (id, element) in self.elements("objects", objects) {
                    let name = element.get("name").and_then(Value::as_str).unwrap_or(&id);
                    let name = name.to_owned();
                    let fields = self.fields(&id, &element, &["id", "name"]);
                    definition.objects.push(Object { id, name, fields });
                }
            }
            None if value.is_object() => self.wrong("", "`objects` is missing"),
            None => {}
        }
        for (id, element) in top.get("parameters").map_or_else(Vec::new, |parameters| {
            self.elements("parameters", parameters)
        }) {
            let attributes = self.attributes(&id, &element);
            definition.parameters.push(Parameter { id, attributes });
        }
        if let Some(values) = top.get("values") {
            definition.values = self.values(values);
        }
        definition
    }

    /// The objects of a list by their ids, which must differ.
    fn elements(&mut self, list: &str, value: &Value) -> Vec<(String, Map<String, Value>)> {
        let Some(elements) = value.as_array() else {
            self.wrong(list, "expected a list");
            return Vec::new();
        };
        let mut found: Vec<(String, Map<String, Value>)> = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let own = element.as_object();
            let id = own.and_then(|own| own.get("id")).and_then(Value::as_str);
            let (Some(own), Some(id)) = (own, id.filter(|id| !id.is_empty())) else {
                let problem = format!("number {} is no object with an `id`", index + 1);
                self.wrong(list, problem);
                continue;
            };
            if found.iter().any(|(known, _)| known == id) {
                self.wrong(list, format!("`{id}` is there twice"));
            }
            found.push((id.to_owned(), own.clone()));
        }
        found
    }

    fn fields(&mut self, id: &str, element: &Map<String, Value>, not: &[&str]) -> Vec<Field> {
        let mut fields = Vec::new();
        for (key, value) in element
            .iter()
            .filter(|(key, _)| !not.contains(&key.as_str()))
        {
            for item in items(value) {
                match content(item) {
                    Some(content) => fields.push(Field {
                        key: key.clone(),
                        content,
                    }),
                    None => self.wrong(
                        &format!("{id} {key}"),
                        "expected a text, {\"ref\": ID}, or a list of those",
                    ),
                }
            }
        }
        fields
    }

    /// Attributes have texts only.
    fn attributes(&mut self, id: &str, element: &Map<String, Value>) -> Vec<(String, String)> {
        let mut attributes = Vec::new();
        for field in self.fields(id, element, &["id"]) {
            match field.content {
                Content::Text(text) => attributes.push((field.key, text)),
                Content::Ref(_) => {
                    self.wrong(&format!("{id} {}", field.key), "expected a text");
                }
            }
        }
        attributes
    }

    fn values(&mut self, values: &Value) -> Vec<(String, String)> {
        let Some(values) = values.as_object() else {
            self.wrong("values", "expected an object");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (id, value) in values {
            for item in items(value) {
                match content(item) {
                    Some(Content::Text(text)) => found.push((id.clone(), text)),
                    _ => self.wrong(
                        &format!("values {id}"),
                        "expected a text or a list of texts",
                    ),
                }
            }
        }
        found
    }

    /// Every reference leads to an object.
    fn references(&mut self, definition: &Definition) {
        let known: BTreeSet<&str> = definition.objects.iter().map(|o| o.id.as_str()).collect();
        for object in &definition.objects {
            for field in &object.fields {
                if let Content::Ref(id) = &field.content
                    && !known.contains(id.as_str())
                {
                    let place = format!("{} {}", object.id, field.key);
                    self.wrong(&place, format!("there is no object `{id}`"));
                }
            }
        }
    }
}

/// The items of a list, or the one value.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

fn content(value: &Value) -> Option<Content> {
    match value {
        Value::String(text) => Some(Content::Text(text.clone())),
        Value::Number(number) => Some(Content::Text(number.to_string())),
        Value::Bool(is) => Some(Content::Text(is.to_string())),
        Value::Object(inner) => match (inner.len(), inner.get("ref")) {
            (1, Some(Value::String(id))) => Some(Content::Ref(id.clone())),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
