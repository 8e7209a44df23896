use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("not an object: {value}") };
    fields
}

/// AUD-5
#[test]
fn names_hosts_and_free_text_are_personal() {
    let id = "01a21f48-1bb8-7a37-af3a-b54796f0ccb8";
    let detail = json!({
        "plant": id, "name": "Solarpark Süd", "reason": "Carla is away", "role": "technician", "was_closed": false, "grants": [id],
        "hosts": [id, "a.example"], "expires_at": "2026-12-01T00:00:00Z", "group": "not an enum",
        "changed": { "name": { "from": "Carla", "to": "Karla" }, "capacity_kw": { "from": 1.5, "to": null } }, "empty": {},
    });
    let Halves { safe, personal } = split(object(detail.clone()));
    let expected = json!({
        "plant": id, "role": "technician", "was_closed": false, "grants": [id], "expires_at": "2026-12-01T00:00:00Z",
        "changed": { "capacity_kw": { "from": 1.5, "to": null } }, "empty": {},
    });
    assert_eq!(Value::Object(safe.clone()), expected);
    assert_eq!(Value::Object(merge(safe, personal)), detail);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        Just(Value::from("2026-12-01T00:00:00Z")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("role|name|kind|x", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    /// AUD-5
    #[test]
    fn no_free_text_is_safe_and_nothing_is_lost(values in prop::collection::hash_map("role|name|kind|plant", any_value(), 0..4)) {
        let detail: Map<String, Value> = values.into_iter().collect();
        let Halves { safe, personal } = split(detail.clone());
        let mut found = Vec::new();
        texts(&Value::Object(safe.clone()), &mut found);
        for text in found {
            prop_assert!(is_id(&text) || is_enum(&text) || DateTime::parse_from_rfc3339(&text).is_ok(), "{text:?}");
        }
        prop_assert_eq!(merge(safe, personal), detail);
    }
}
