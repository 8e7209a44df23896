//! Bodies of API requests: JSON in UTF-8 without duplicate keys, or a clear 4xx response (API-5).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::AppError;

/// Extracts a JSON body. An empty body is treated as an empty object.
///
/// Errors: [`AppError::TooLarge`], [`AppError::UnsupportedMedia`], [`AppError::Malformed`], or [`AppError::Invalid`].
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
            return parse(b"{}").map(Self);
        }
        if is_json { parse(&bytes).map(Self) } else { Err(AppError::UnsupportedMedia) }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AppError> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => AppError::invalid("body", format!("The request body is invalid: {error}.")),
        Category::Syntax | Category::Eof | Category::Io => AppError::Malformed,
    })
}

/// Returns whether the content type is `application/json`, in UTF-8 if it has a charset (RFC 8259, 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json_type = parts.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
    let is_utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => value.trim_matches('"').eq_ignore_ascii_case("utf-8"),
        _ => true,
    };
    is_json_type && parts.all(is_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-5
    #[test]
    fn other_media_types_and_charsets_are_not_json() {
        let is_json_type = |value: &str| is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
            assert!(is_json_type(good), "{good}");
        }
        for bad in ["text/plain", "application/json; charset=utf-16", "application/jsonx", "", "application/x-www-form-urlencoded"] {
            assert!(!is_json_type(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
