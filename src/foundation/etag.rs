//! `ETag` and `If-None-Match` (RFC 9110, 8.8.3): whoever has this list already is not sent it again.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::foundation::secret::hash_hex;

/// This answer, or 304 to whoever has it. The tag is weak and of `essence`: what of the answer counts as a change.
pub fn tagged(headers: &HeaderMap, essence: &impl Serialize, answer: &impl Serialize) -> Response {
    let essence = serde_json::to_vec(essence).expect("answers are JSON");
    let tag = format!("\"{}\"", &hash_hex(&essence)[..32]);
    let mut response = if is_known(headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { Json(answer).into_response() };
    let header = HeaderValue::try_from(format!("W/{tag}")).expect("a hash is ASCII");
    response.headers_mut().insert(header::ETAG, header);
    response
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
