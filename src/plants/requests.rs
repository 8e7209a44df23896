//! What requests about organizations, portfolios, plants and devices have in common.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::error::AppError;

/// Deserializes a field that may be absent: with `#[serde(default)]`, an absent one is `None`. With `T = Option<_>`, null is `Some(None)`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Parses an id in a field of a request.
///
/// Errors: it is malformed.
pub fn parse_id<T: FromStr>(field: &str, id: &str) -> Result<T, AppError> {
    id.trim().parse().map_err(|_| unknown_id_error(field))
}

/// Parses an optional id of a query.
///
/// Errors: it is malformed.
pub fn parse_optional_id<T: FromStr>(field: &str, id: Option<&str>) -> Result<Option<T>, AppError> {
    id.map(|id| parse_id(field, id)).transpose()
}

/// Returns the error about a field with an id that does not exist, or that the caller may not know.
pub fn unknown_id_error(field: &str) -> AppError {
    AppError::invalid(field, format!("There is no {field} with this id."))
}

/// Names the field of a request whose id was not found.
pub fn in_field(field: &str) -> impl Fn(AppError) -> AppError {
    move |error| if error == AppError::NotFound { unknown_id_error(field) } else { error }
}

/// Turns an error about the id of a scope into "not found", for a form that was opened for the scope and has no field for it.
pub fn not_in_form(field: &str) -> impl Fn(AppError) -> AppError {
    move |error| if error == unknown_id_error(field) { AppError::NotFound } else { error }
}

/// Returns the fields that differ, for an audit event: `{"name": {"from": "A", "to": "B"}}`.
pub fn changes(before: &impl Serialize, after: &impl Serialize) -> Map<String, Value> {
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) = (serde_json::to_value(before), serde_json::to_value(after)) else {
        return Map::new(); // only structs with named fields are compared
    };
    let pairs = after.into_iter().map(|(field, to)| (before.get(&field).cloned().unwrap_or_default(), field, to));
    pairs.filter(|(from, _, to)| from != to).map(|(from, field, to)| (field, json!({ "from": from, "to": to }))).collect()
}
