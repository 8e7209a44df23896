//! Events in the Open Cybersecurity Schema Framework 1.8: sign-ins and sign-outs as Authentication (3002), refused requests as HTTP Activity
//! (4002), everything else as Base Event (0) with all of it in `unmapped`.

use serde_json::{Map, Value, json};

use crate::{
    audit::log::model::{ActorKind, AuditEvent, Target, TargetKind},
    record::{Action, Outcome},
};

const VERSION: &str = "1.8.0";
const PRODUCT: &str = "Whereabouts";

/// A class of events, with the activity.
struct Class {
    uid: i64,
    name: &'static str,
    category_uid: i64,
    category_name: &'static str,
    activity_id: i64,
    activity_name: &'static str,
}

/// Returns an event as OCSF has it. `host` is the name of this site.
pub fn event(event: &AuditEvent, host: &str) -> Value {
    let class = class(event);
    let mut mapped = base(event, &class);
    let more = match class.uid {
        3002 => authentication(event),
        4002 => http_activity(event, host),
        _ => Map::new(),
    };
    mapped.extend(more);
    mapped.retain(|_, value| !value.is_null());
    Value::Object(mapped)
}

fn class(event: &AuditEvent) -> Class {
    let authentication = |activity_id, activity_name| Class {
        uid: 3002,
        name: "Authentication",
        category_uid: 3,
        category_name: "Identity & Access Management",
        activity_id,
        activity_name,
    };
    match Action::parse(&event.action) {
        Some(Action::SignIn) => authentication(1, "Logon"),
        Some(Action::SignOut) => authentication(2, "Logoff"),
        Some(Action::TokenRefused) => {
            let (activity_id, activity_name) = http_method(event);
            let (category_uid, category_name) = (4, "Network Activity");
            Class { uid: 4002, name: "HTTP Activity", category_uid, category_name, activity_id, activity_name }
        }
        _ => {
            let (activity_id, activity_name) = (99, "Other");
            Class { uid: 0, name: "Base Event", category_uid: 0, category_name: "Uncategorized", activity_id, activity_name }
        }
    }
}

fn http_method(event: &AuditEvent) -> (i64, &'static str) {
    match event.detail.get("method").and_then(Value::as_str) {
        Some("CONNECT") => (1, "Connect"),
        Some("DELETE") => (2, "Delete"),
        Some("GET") => (3, "Get"),
        Some("HEAD") => (4, "Head"),
        Some("OPTIONS") => (5, "Options"),
        Some("POST") => (6, "Post"),
        Some("PUT") => (7, "Put"),
        Some("TRACE") => (8, "Trace"),
        Some("PATCH") => (9, "Patch"),
        _ => (99, "Other"),
    }
}

/// The attributes of every class. What was refused has the severity Low.
fn base(event: &AuditEvent, class: &Class) -> Map<String, Value> {
    let is_success = event.outcome == Outcome::Success;
    let description = Action::parse(&event.action).map_or(event.action.as_str(), |action| action.description(event.outcome));
    object(json!({
        "class_uid": class.uid, "class_name": class.name, "category_uid": class.category_uid, "category_name": class.category_name,
        "activity_id": class.activity_id, "activity_name": class.activity_name,
        "type_uid": class.uid * 100 + class.activity_id, "type_name": format!("{}: {}", class.name, class.activity_name),
        "severity_id": if is_success { 1 } else { 2 }, "severity": if is_success { "Informational" } else { "Low" },
        "status_id": if is_success { 1 } else { 2 }, "status": if is_success { "Success" } else { "Failure" },
        "time": event.occurred_at.timestamp_millis(),
        "message": description,
        "metadata": {
            "version": VERSION, "product": { "name": PRODUCT, "vendor_name": PRODUCT }, "uid": event.id, "sequence": event.seq,
            "event_code": event.action, "correlation_uid": event.context.request_id,
            // The profile that has the attribute `actor`.
            "profiles": (class.uid == 4002).then_some(["host"]),
        },
        "unmapped": { "actor": event.actor, "session": event.session, "targets": event.targets, "context": event.context,
            "detail": event.detail },
    }))
}

fn authentication(event: &AuditEvent) -> Map<String, Value> {
    let whose = event.target(TargetKind::Person).map(user).or_else(|| actor_user(event));
    object(json!({
        "user": whose.unwrap_or_else(|| json!({ "name": "Unknown", "type_id": 0 })),
        "session": session(event),
        "is_remote": true,
        "service": { "name": PRODUCT },
        "src_endpoint": source(event),
    }))
}

fn http_activity(event: &AuditEvent, host: &str) -> Map<String, Value> {
    let text = |key: &str| event.detail.get(key).and_then(Value::as_str);
    object(json!({
        "actor": { "user": actor_user(event), "session": session(event) },
        "http_request": { "http_method": text("method"), "url": { "hostname": host, "path": text("path") }, "uid": event.context.request_id },
        "http_response": { "code": 403 },
        "src_endpoint": source(event),
        "dst_endpoint": { "hostname": host },
    }))
}

/// Returns the person who acted, or whose API token did.
fn actor_user(event: &AuditEvent) -> Option<Value> {
    match (event.actor.kind, &event.actor.owner, &event.actor.id) {
        (_, Some(owner), _) => Some(user(owner)),
        (ActorKind::Person, None, Some(id)) => Some(json!({ "uid": id, "name": event.actor.name, "type_id": 1, "type": "User" })),
        _ => None,
    }
}

fn user(person: &Target) -> Value {
    json!({ "uid": person.id, "name": person.name, "type_id": 1, "type": "User" })
}

fn session(event: &AuditEvent) -> Option<Value> {
    event.session.as_ref().map(|session| json!({ "uid": session }))
}

fn source(event: &AuditEvent) -> Option<Value> {
    let ip = event.context.ip.as_ref()?;
    let location = event.context.location.as_ref().filter(|location| location.country_code.is_some());
    let location = location.map(|location| json!({ "city": location.city, "country": location.country_code }));
    Some(without_nulls(json!({ "ip": ip, "location": location })))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = without_nulls(value) { fields } else { Map::new() }
}

/// Leaves out what is null: OCSF has no nulls.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
