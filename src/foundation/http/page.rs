//! Pages of lists in the API: `limit`, `cursor` and `search`, and the query of a request.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

use crate::error::AppError;

/// Rows of a page, unless the request names another number.
const DEFAULT_LIMIT: i64 = 50;
/// Most rows of a page.
const MAX_LIMIT: i64 = 1_000;
/// Longest search, in characters: as long as anything that it could find.
pub const MAX_SEARCH_CHARS: usize = 255;

/// Extracts the query of a request.
///
/// Errors: [`AppError::Invalid`] for an unknown or repeated parameter.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| AppError::invalid("query", error.body_text()))
    }
}

/// Which page of a list is requested, of all rows or of those that match a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows.
    pub limit: i64,
    /// Text that the rows contain.
    pub search: Option<String>,
    cursor: Option<String>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, search: None, cursor: None }
    }
}

impl PageRequest {
    /// The first rows of a list, at most `limit`.
    pub fn first(limit: i64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Of the rows that contain this text.
    pub fn with_search(self, search: String) -> Self {
        Self { search: Some(search), ..self }
    }

    /// Continues a list from a cursor.
    pub fn after(self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self }
    }

    /// Checks the parameters of a request.
    ///
    /// Errors: the limit is not between 1 and 1,000, or the search is too long. The cursor is checked by [`PageRequest::position`].
    pub fn new(limit: Option<&str>, cursor: Option<String>, search: Option<String>) -> Result<Self, AppError> {
        let limit = match limit {
            Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)),
            None => Some(DEFAULT_LIMIT),
        };
        let limit = limit.ok_or_else(|| AppError::invalid("limit", "The limit must be between 1 and 1000."))?;
        if search.as_deref().is_some_and(|search| search.chars().count() > MAX_SEARCH_CHARS || search.contains('\0')) {
            return Err(AppError::invalid("search", format!("Search for at most {MAX_SEARCH_CHARS} characters.")));
        }
        Ok(Self { limit, search, cursor })
    }

    /// Returns the position after which the page begins: the parts that [`encode_position`] got, or empty texts without a cursor.
    ///
    /// Errors: the cursor is invalid.
    pub fn position<const N: usize>(&self) -> Result<[String; N], AppError> {
        let Some(cursor) = &self.cursor else { return Ok(std::array::from_fn(|_| String::new())) };
        decode_position(cursor).ok_or_else(invalid_cursor)
    }
}

/// Returns the refusal of a cursor that this list did not return.
pub fn invalid_cursor() -> AppError {
    AppError::invalid("cursor", "This cursor is invalid. Start without one.")
}

/// Returns the cursor of a position in a list.
pub fn encode_position<const N: usize>(position: [&str; N]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&position.as_slice()).expect("texts are JSON"))
}

fn decode_position<const N: usize>(cursor: &str) -> Option<[String; N]> {
    let parts: Vec<String> = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    // PostgreSQL accepts no NUL in a text.
    let is_valid = parts.iter().all(|part| !part.contains('\0'));
    parts.try_into().ok().filter(|_| is_valid)
}

/// Cuts the rows of a query for one more than `limit`. Returns the page and the cursor of the next one, which is `None` on the last page.
pub fn cut<T, const N: usize>(mut rows: Vec<T>, limit: i64, position: impl Fn(&T) -> [&str; N]) -> (Vec<T>, Option<String>) {
    let limit = limit.unsigned_abs() as usize;
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| is_cut).map(|row| encode_position(position(row)));
    (rows, next)
}

/// Returns a pattern for `LIKE … ESCAPE '!'` that matches texts with `text` inside.
pub fn containing(text: &str) -> String {
    let escaped: String = text.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_position_of_its_own_list() {
        let cursor = encode_position(["north", "\\u0000"]);
        let request = |cursor: String| PageRequest::new(None, Some(cursor), None).unwrap();
        assert_eq!(request(cursor.clone()).position(), Ok(["north".to_owned(), "\\u0000".to_owned()]));
        for bad in [cursor.as_str(), "", "x", "é", "AAAA", &encode_position(["a", "b", "\0"])] {
            assert!(request(bad.to_owned()).position::<3>().is_err(), "{bad}");
        }
        assert_eq!(PageRequest::default().position(), Ok([String::new()]));
    }

    #[test]
    fn a_limit_is_between_1_and_1000() {
        assert!(["1", "50", "1000"].into_iter().all(|limit| PageRequest::new(Some(limit), None, None).is_ok()));
        for bad in ["0", "1001", "-1", "x", "", "1.5", "99999999999999999999"] {
            assert!(PageRequest::new(Some(bad), None, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = |rows: &[&'static str]| cut(rows.to_vec(), 2, |row| [*row]);
        assert_eq!(page(&["a", "b"]), (vec!["a", "b"], None));
        assert_eq!(page(&["a", "b", "c"]), (vec!["a", "b"], Some(encode_position(["b"]))));
    }
}
