//! Splits the detail of an event: what may stay in the tree for ever, and personal data, which can be erased (AUD-5).

use chrono::DateTime;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The keys whose texts are enums of this program.
const ENUMS: [&str; 9] = ["by", "end_reason", "format", "group", "kind", "method", "previous", "purpose", "role"];
/// The keys whose texts people write as they like, so that they are personal even if they look like an id or a time.
const WRITTEN: [&str; 1] = ["filter"];
/// The longest text of an enum, in characters.
const MAX_ENUM_CHARS: usize = 32;

/// A detail in two halves, each of which may be empty.
#[derive(Debug, Default, PartialEq)]
pub struct Halves {
    /// Ids, enums, numbers, truth values and times.
    pub safe: Map<String, Value>,
    /// Everything else: names, hosts, free text.
    pub personal: Map<String, Value>,
}

/// Splits a detail. Objects are split by their fields; a list is personal if anything in it is.
pub fn split(detail: Map<String, Value>) -> Halves {
    let mut halves = Halves::default();
    for (key, value) in detail {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let Halves { safe, personal } = split(fields);
                insert_unless_empty(&mut halves.safe, &key, safe);
                insert_unless_empty(&mut halves.personal, &key, personal);
            }
            value if is_safe(&key, &value) => drop(halves.safe.insert(key, value)),
            value => drop(halves.personal.insert(key, value)),
        }
    }
    halves
}

fn insert_unless_empty(into: &mut Map<String, Value>, key: &str, fields: Map<String, Value>) {
    if !fields.is_empty() {
        into.insert(key.to_owned(), Value::Object(fields));
    }
}

fn is_safe(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(_) if WRITTEN.contains(&key) => false,
        Value::String(text) => is_id(text) || DateTime::parse_from_rfc3339(text).is_ok() || ENUMS.contains(&key) && is_enum(text),
        Value::Array(items) => items.iter().all(|item| is_safe(key, item)),
        Value::Object(fields) => fields.iter().all(|(key, value)| is_safe(key, value)),
    }
}

/// Returns whether a text is an id: a UUID as this program writes it.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn is_enum(text: &str) -> bool {
    (1..=MAX_ENUM_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

/// Puts the two halves of a detail together again.
pub fn merge(mut safe: Map<String, Value>, personal: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in personal {
        let value = match (safe.remove(&key), value) {
            (Some(Value::Object(one)), Value::Object(other)) => Value::Object(merge(one, other)),
            (_, value) => value,
        };
        safe.insert(key, value);
    }
    safe
}

#[cfg(test)]
mod tests;
