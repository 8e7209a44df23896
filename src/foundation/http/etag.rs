//! `ETag` and `If-None-Match` (RFC 9110, 8.8.3): an unchanged list is not sent again.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::foundation::crypto::secret::hash_hex;

/// Responds with `body` as JSON, or with 304 if the client has it already. The weak tag is a hash of `tagged`: the part of the body
/// whose changes count.
pub fn respond(headers: &HeaderMap, tagged: &impl Serialize, body: &impl Serialize) -> Response {
    let tagged = serde_json::to_vec(tagged).expect("bodies are JSON");
    let tag = format!("\"{}\"", &hash_hex(&tagged)[..32]);
    let mut response = if is_known(headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { Json(body).into_response() };
    let header = HeaderValue::try_from(format!("W/{tag}")).expect("a hash is ASCII");
    response.headers_mut().insert(header::ETAG, header);
    response
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
