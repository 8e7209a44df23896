//! The facts of an event that was opened.

use serde_json::{Map, Value};

use crate::{
    audit::log::model::{AuditEvent, TargetKind},
    ui::time::exact,
};

/// A fact with its name, and what stands below in small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// What stands below.
    pub small: Option<String>,
}

fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact { name: name.to_owned(), value: value.into(), small: None }
}

/// Keys of the detail that the sentence or another fact says already.
const SAID: [&str; 14] = [
    "changed",
    "device",
    "everybody",
    "expires_at",
    "filter",
    "format",
    "from",
    "grant",
    "name",
    "scope",
    "session",
    "to",
    "token",
    "vendor",
];

/// Returns the facts of an event: when, from where, with what, about what, and the rest of its detail.
pub fn facts(event: &AuditEvent, zone: &str) -> Vec<Fact> {
    let mut facts = vec![fact("When", exact(event.occurred_at, zone))];
    if let Some(ip) = &event.context.ip {
        let place = event.context.location.as_ref().map_or_else(|| "Unknown location".to_owned(), |location| location.label.clone());
        facts.push(Fact { small: Some(ip.clone()), ..fact("From", place) });
    }
    if let Some(device) = &event.context.device {
        facts.push(fact(if event.session.is_some() { "Session" } else { "Client" }, device.clone()));
    }
    facts.extend(event.targets.iter().filter_map(|target| Some(fact(target_name(target.kind)?, target.name.clone()?))));
    facts.extend(changes(&event.detail));
    let rest = event.detail.iter().filter(|(key, value)| !SAID.contains(&key.as_str()) && !value.is_null());
    facts.extend(rest.map(|(key, value)| fact(&in_words(key), text(value))));
    if let Some(request) = &event.context.request_id {
        facts.push(fact("Request", request.clone()));
    }
    facts
}

/// Returns the name of a target as a fact. `None` for those whose names the sentence has.
fn target_name(kind: TargetKind) -> Option<&'static str> {
    match kind {
        TargetKind::Person => Some("Person"),
        TargetKind::Organization => Some("Organization"),
        TargetKind::Portfolio => Some("Portfolio"),
        TargetKind::Plant => Some("Plant"),
        TargetKind::Device => Some("Device"),
        TargetKind::Vendor => Some("Vendor"),
        TargetKind::Token => Some("API token"),
        TargetKind::Grant | TargetKind::Session => None,
    }
}

/// Returns what was changed: "9,600 → 9,800".
fn changes(detail: &Map<String, Value>) -> Vec<Fact> {
    let fields = detail.get("changed").and_then(Value::as_object);
    let change = |(field, change): (&String, &Value)| {
        let side = |side: &str| change.get(side).filter(|value| !value.is_null()).map_or_else(|| "nothing".to_owned(), text);
        fact(&in_words(field), format!("{} → {}", side("from"), side("to")))
    };
    fields.into_iter().flatten().map(change).collect()
}

/// Returns the name of a field in words: "was_closed" is "Was closed".
fn in_words(key: &str) -> String {
    let words = key.replace('_', " ").replace("sha256", "(SHA-256)");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_in_words() {
        let detail = json!({ "changed": { "capacity_kw": { "from": 9_600, "to": null }, "hosts": { "from": ["a", "b"], "to": true } } });
        let facts: Vec<_> = changes(detail.as_object().unwrap()).into_iter().map(|fact| (fact.name, fact.value)).collect();
        let expected = [("Capacity kw", "9600 → nothing"), ("Hosts", "a, b → yes")];
        assert_eq!(facts, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(in_words("email_sha256"), "Email (SHA-256)");
    }
}
