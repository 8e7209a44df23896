//! Mails about organizations.

use serde_json::{Map, Value};

use crate::mail::Content;

/// Returns the mail to owners about an organization that was renamed, or whose host suffixes changed. `changed` has the fields of the audit
/// event: each with its values before and after.
pub fn changed(before: &str, name: &str, changed: &Map<String, Value>, by: &str) -> Content {
    let mut content = Content::new(format!("{before} was changed"), "You get this email because you are an owner of the organization.")
        .fact("Organization", name);
    if changed.contains_key("name") {
        content = content.fact("Before", before);
    }
    if let Some(suffixes) = changed.get("host_suffixes") {
        content = content.fact("Host suffixes", list(&suffixes["to"])).fact("Host suffixes before", list(&suffixes["from"]));
    }
    content.fact("Changed by", by).button("Review your plants", "/plants").note("If you do not expect this, talk to the other owners.")
}

/// Returns the texts of a list in a sentence.
fn list(texts: &Value) -> String {
    let texts: Vec<_> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}
