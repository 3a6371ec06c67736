//! JSON that AWS gets as it is: SSM documents, DynamoDB tables, definitions of data pipelines.

use super::json::{Json, Step};
use super::references::with_meant;
use super::tree::{File, Tree};
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Location};
use crate::ssm;
use serde_json::{Map, Value};

/// Schema versions of command documents.
const SCHEMAS: [&str; 3] = ["2.2", "2.0", "1.2"];
const SSM: [&str; 8] = [
    "schemaVersion",
    "description",
    "parameters",
    "mainSteps",
    "runtimeConfig",
    "outputs",
    "files",
    "variables",
];
const PARAMETERS: [&str; 6] = [
    "String",
    "StringList",
    "Integer",
    "Boolean",
    "MapList",
    "StringMap",
];
/// Members of requests to create and to update a table.
const TABLE: [&str; 19] = [
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexes",
    "BillingMode",
    "ProvisionedThroughput",
    "StreamSpecification",
    "SSESpecification",
    "Tags",
    "TableClass",
    "DeletionProtectionEnabled",
    "WarmThroughput",
    "ResourcePolicy",
    "OnDemandThroughput",
    "GlobalSecondaryIndexUpdates",
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
];

/// Checks them all.
pub(super) fn check(tree: &Tree, problems: &mut Problems) {
    for file in tree
        .documents
        .iter()
        .flatten()
        .filter(|file| !file.name.contains('/'))
    {
        match ssm::document_name_of(&file.path, &file.name) {
            Ok(Some(_)) => with_object(file, "an SSM document", problems, document),
            Ok(None) => {}
            Err(error) => problems.error(error),
        }
    }
    for file in &tree.tables {
        with_object(file, "a table", problems, table);
    }
    for file in &tree.templates {
        with_object(file, "a definition of a data pipeline", problems, template);
    }
}

type Check = fn(&Json<'_>, &Map<String, Value>, &mut Problems);

fn with_object(file: &File, what: &str, problems: &mut Problems, check: Check) {
    match Json::parse(file) {
        Err(error) => problems.error(error),
        Ok(json) => match &json.value {
            Value::Object(object) => check(&json, object, problems),
            _ => {
                let text = format!("{what} is a JSON object, in braces");
                problems.error(ConfigError::new(text).at(Location::line(&file.path, 1)));
            }
        },
    }
}

fn strangers(
    json: &Json<'_>,
    object: &Map<String, Value>,
    known: &[&str],
    problems: &mut Problems,
) -> bool {
    let mut any = false;
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let error = json.wrong(&[Step::Key(name)], format!("unknown member `{name}`"));
        problems.error(with_meant(error, nearest(name, known)));
        any = true;
    }
    any
}

/// A command document.
fn document(json: &Json<'_>, object: &Map<String, Value>, problems: &mut Problems) {
    let misspelt = strangers(json, object, &SSM, problems);
    let schema = object.get("schemaVersion").and_then(Value::as_str);
    let Some(schema) = schema.filter(|schema| SCHEMAS.contains(schema)) else {
        if !(misspelt && schema.is_none()) {
            let text = "`schemaVersion` of a command document is \"2.2\", \"2.0\" or \"1.2\"";
            problems.error(json.wrong(&[Step::Key("schemaVersion")], text));
        }
        return;
    };
    let body = if schema == "1.2" {
        "runtimeConfig"
    } else {
        "mainSteps"
    };
    let steps = match object.get(body) {
        Some(Value::Array(steps)) if body == "mainSteps" && !steps.is_empty() => steps.as_slice(),
        Some(Value::Object(_)) if body == "runtimeConfig" => &[],
        None if misspelt => &[],
        _ => {
            let text = format!("a document of schema {schema} needs `{body}`");
            problems.error(json.wrong(&[Step::Key(body)], text));
            &[]
        }
    };
    let mut names: Vec<&str> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let place = [Step::Key(body), Step::Item(index)];
        let text = |name: &str| step.get(name).and_then(Value::as_str);
        if !text("action").is_some_and(|action| action.starts_with("aws:")) {
            problems.error(json.wrong(
                &[place[0], place[1], Step::Key("action")],
                "a step needs an `action` like aws:runShellScript",
            ));
        }
        match text("name") {
            Some(name) if names.contains(&name) => {
                let text = format!("another step is called `{name}` too");
                problems.error(json.wrong(&[place[0], place[1], Step::Key("name")], text));
            }
            Some(name) => names.push(name),
            None => problems.error(json.wrong(&place, "a step needs a `name`")),
        }
    }
    parameters(json, object, problems);
}

/// Parameters, and places that name one that is not there.
fn parameters(json: &Json<'_>, object: &Map<String, Value>, problems: &mut Problems) {
    let empty = Map::new();
    let own = object
        .get("parameters")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    for (name, parameter) in own {
        let kind = parameter.get("type").and_then(Value::as_str);
        if !kind.is_some_and(|kind| PARAMETERS.contains(&kind)) {
            let place = [Step::Key("parameters"), Step::Key(name), Step::Key("type")];
            let error = json.wrong(&place, format!("parameter `{name}` has no known `type`"));
            problems.error(with_meant(
                error,
                kind.and_then(|kind| nearest(kind, &PARAMETERS)),
            ));
        }
    }
    let known: Vec<&String> = own.keys().collect();
    for body in ["mainSteps", "runtimeConfig"] {
        let mut places = Vec::new();
        if let Some(value) = object.get(body) {
            placeholders(value, &mut vec![Step::Key(body)], &mut places);
        }
        for (place, name) in places {
            if !own.contains_key(&name) {
                let error = json.wrong(&place, format!("the document has no parameter `{name}`"));
                problems.error(with_meant(error, nearest(&name, &known)));
            }
        }
    }
}

/// All `{{ NAME }}` of plain names within a value.
fn placeholders<'a>(
    value: &'a Value,
    place: &mut Vec<Step<'a>>,
    found: &mut Vec<(Vec<Step<'a>>, String)>,
) {
    match value {
        Value::String(text) => {
            for part in text.split("{{").skip(1) {
                let name = part.split("}}").next().unwrap_or_default().trim();
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if part.contains("}}") && !name.is_empty() && name.chars().all(plain) {
                    found.push((place.clone(), name.to_owned()));
                }
            }
        }
        Value::Array(all) => {
            for (index, one) in all.iter().enumerate() {
                place.push(Step::Item(index));
                placeholders(one, place, found);
                place.pop();
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                place.push(Step::Key(name));
                placeholders(one, place, found);
                place.pop();
            }
        }
        _ => {}
    }
}

/// A request to create or to update a table.
fn table(json: &Json<'_>, object: &Map<String, Value>, problems: &mut Problems) {
    let misspelt = strangers(json, object, &TABLE, problems);
    if let Some(name) = object.get("TableName") {
        let text = name.as_str().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if text.is_empty() || !text.chars().all(allowed) {
            let text = "`TableName` has letters, digits, points and dashes; `_` separates it from the environment";
            problems.error(json.wrong(&[Step::Key("TableName")], text));
        }
    }
    let Some(schema) = object.get("KeySchema") else {
        return;
    };
    // With a key it is a request to create the table.
    if !misspelt && !object.contains_key("TableName") {
        problems.error(json.wrong(&[], "`TableName` is missing"));
    }
    let pay = object.get("BillingMode").and_then(Value::as_str) == Some("PAY_PER_REQUEST");
    if !misspelt && !pay && !object.contains_key("ProvisionedThroughput") {
        let text = "`ProvisionedThroughput` is missing, and `BillingMode` is not PAY_PER_REQUEST";
        problems.error(json.wrong(&[], text));
    }
    let names = |list: Option<&Value>| {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        items
            .map(|item| {
                item.get("AttributeName")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    let defined = names(object.get("AttributeDefinitions"));
    for (index, name) in names(Some(schema)).iter().enumerate() {
        let place = [
            Step::Key("KeySchema"),
            Step::Item(index),
            Step::Key("AttributeName"),
        ];
        if let Some(error) =
            super::references::unknown("attribute in `AttributeDefinitions`", name, &defined)
        {
            let place = json.wrong(&place, "");
            problems.error(error.at(*place.location));
        }
    }
    for (index, item) in schema.as_array().into_iter().flatten().enumerate() {
        if !matches!(
            item.get("KeyType").and_then(Value::as_str),
            Some("HASH" | "RANGE")
        ) {
            let place = [
                Step::Key("KeySchema"),
                Step::Item(index),
                Step::Key("KeyType"),
            ];
            problems.error(json.wrong(&place, "`KeyType` must be `HASH` or `RANGE`"));
        }
    }
}

/// A definition for `asiaq ddb_backup` (spec 70, section 6.4).
fn template(json: &Json<'_>, object: &Map<String, Value>, problems: &mut Problems) {
    let lists = ["objects", "parameters"].map(|name| {
        let list = object.get(name).and_then(Value::as_array);
        if list.is_none() {
            problems.error(json.wrong(
                &[Step::Key(name)],
                format!("the definition needs a list `{name}`"),
            ));
        }
        list.map(Vec::as_slice).unwrap_or_default()
    });
    let [objects, parameters] = lists;
    let id = |one: &Value| one.get("id").and_then(Value::as_str).map(str::to_owned);
    let ids: Vec<String> = objects.iter().filter_map(id).collect();
    if !objects.is_empty() && !ids.iter().any(|id| id == "Default") {
        problems.error(json.wrong(&[Step::Key("objects")], "there is no object `Default`"));
    }
    for (name, list) in [("objects", objects), ("parameters", parameters)] {
        let mut seen: Vec<String> = Vec::new();
        for (index, one) in list.iter().enumerate() {
            let place = [Step::Key(name), Step::Item(index)];
            match id(one) {
                None => problems.error(json.wrong(&place, "this has no `id`")),
                Some(own) if seen.contains(&own) => {
                    problems.error(json.wrong(&place, format!("`{own}` is there twice")));
                }
                Some(own) => seen.push(own),
            }
        }
    }
    for (index, one) in objects.iter().enumerate() {
        for (field, value) in one.as_object().into_iter().flatten() {
            let Some(target) = value.get("ref").and_then(Value::as_str) else {
                continue;
            };
            let place = [Step::Key("objects"), Step::Item(index), Step::Key(field)];
            if let Some(error) = super::references::unknown("object", target, &ids) {
                let place = json.wrong(&place, "");
                problems.error(error.at(*place.location));
            }
        }
    }
}
