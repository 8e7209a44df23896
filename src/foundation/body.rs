//! The body of a request of the API: JSON in UTF-8, each key once, or one clear 4xx (API-5).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::AppError;

/// The body, read. One that is not there counts as an object without keys.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge,
            _ => AppError::Malformed,
        })?;
        if bytes.is_empty() {
            return read(b"{}").map(Self);
        }
        if is_json { read(&bytes).map(Self) } else { Err(AppError::UnsupportedMedia) }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AppError> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => AppError::invalid("body", format!("The body is not as it is described: {error}.")),
        Category::Syntax | Category::Eof | Category::Io => AppError::Malformed,
    })
}

/// `application/json`, in UTF-8 if it says in what (RFC 8259, 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()) else { return false };
    let mut parts = said.split(';').map(str::trim);
    let is_kind = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => value.trim_matches('"').eq_ignore_ascii_case("utf-8"),
        _ => true,
    };
    is_kind && parts.all(is_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-5
    #[test]
    fn other_kinds_and_charsets_are_not_json() {
        let says = |value: &str| is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
            assert!(says(good), "{good}");
        }
        for bad in ["text/plain", "application/json; charset=utf-16", "application/jsonx", "", "application/x-www-form-urlencoded"] {
            assert!(!says(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
