//! `ETag` (RFC 9110, 8.8.3). With `If-None-Match` an unchanged list is not sent again; with `If-Match` a change applies to the version
//! that the client has seen.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{error::AppError, foundation::crypto::secret::hash_hex};

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

/// Responds with something that has a version, as JSON. The strong tag is its version.
pub fn with_version(version: i64, body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    let header = HeaderValue::try_from(tag(version)).expect("a number is ASCII");
    response.headers_mut().insert(header::ETAG, header);
    response
}

fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The versions that a change may apply to, by the `If-Match` header or the field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Reads the header of a request. Without it, the change applies to any version.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let lines: Vec<_> = headers.get_all(header::IF_MATCH).iter().collect();
        // A line that is not ASCII names no version of ours.
        let tags = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned());
        Self((!lines.is_empty()).then(|| tags.collect()))
    }

    /// The change applies to this version only.
    pub fn version(version: i64) -> Self {
        Self(Some(vec![tag(version)]))
    }

    /// Checks the current version.
    ///
    /// Errors: [`AppError::Outdated`] if the change applies to other versions.
    pub fn check(&self, current: i64) -> Result<(), AppError> {
        let applies = self.0.as_ref().is_none_or(|tags| tags.iter().any(|known| known == "*" || *known == tag(current)));
        if applies { Ok(()) } else { Err(AppError::Outdated) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A weak tag never matches (RFC 9110, 13.1.1).
    #[test]
    fn a_change_applies_to_the_versions_of_if_match() {
        let applies = |lines: &[&str]| {
            let mut map = HeaderMap::new();
            for line in lines {
                map.append(header::IF_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            IfMatch::from_headers(&map).check(3).is_ok()
        };
        for good in [&[][..], &["\"3\""], &["*"], &["\"1\", \"3\""], &["\"1\"", "\"3\""]] {
            assert!(applies(good), "{good:?}");
        }
        for bad in [&["\"2\""][..], &["W/\"3\""], &["3"], &[""], &["ä"], &["\"33\""]] {
            assert!(!applies(bad), "{bad:?}");
        }
        assert!(IfMatch::version(3).check(3).is_ok() && IfMatch::version(2).check(3) == Err(AppError::Outdated));
    }
}
