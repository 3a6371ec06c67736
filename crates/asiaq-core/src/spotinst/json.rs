//! Lenient reading of the service's JSON: members may be absent or null, numbers and booleans may come in
//! quotes.

use serde_json::Value;

/// The text of a value; numbers and booleans as they are written. Nothing for null, lists and objects.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The text of a member that is not empty.
pub(super) fn filled(value: &Value) -> Option<String> {
    text(value).filter(|text| !text.trim().is_empty())
}

/// A whole number from 0, also as `"80"` or `80.0`.
pub(super) fn number(value: &Value) -> Option<u32> {
    let text = text(value)?;
    let text = text.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.parse().ok()
}

/// Yes or no, also as `"true"` and `"False"`.
pub(super) fn truth(value: &Value) -> Option<bool> {
    let text = text(value)?;
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The elements of a list that are not null; none if it is no list.
pub(super) fn items(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter(|item| !item.is_null())
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    items(value).filter_map(filled).collect()
}
