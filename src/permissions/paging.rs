//! Parameters of lists: limits, cursors and searches.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{accounts::store::normalize_identifier, error::AppError};

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1_000;
/// Longer than anybody's name or email address. SQLite refuses much longer patterns.
const MAX_SEARCH_CHARS: usize = 254;

/// A page of a list.
pub struct Page<T, P> {
    /// The rows, at most as many as asked for.
    pub rows: Vec<T>,
    /// The position of the last row. `None` on the last page.
    pub next: Option<P>,
}

impl<T, P> Page<T, P> {
    /// Cuts one row more than a page has. `position` returns that of a row.
    pub fn cut(mut rows: Vec<T>, limit: i64, position: impl Fn(&T) -> P) -> Self {
        let most = limit.unsigned_abs() as usize;
        let is_cut = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| is_cut).map(position);
        Self { rows, next }
    }
}

/// Returns the number of rows of a page: 50 unless said.
///
/// Errors: it is not between 1 and 1,000.
pub fn check_limit(limit: Option<i64>) -> Result<i64, AppError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let is_valid = (1..=MAX_LIMIT).contains(&limit);
    if is_valid { Ok(limit) } else { Err(AppError::invalid("limit", "The limit must be between 1 and 1000.")) }
}

/// Encodes a position as a cursor.
pub fn encode(position: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_string(position).expect("positions are JSON"))
}

/// Decodes a cursor from [`encode`].
///
/// Errors: any other text, and one with a NUL, which PostgreSQL does not compare.
pub fn decode<P: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<P>, AppError> {
    let decode = |text: &str| {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| String::from_utf8(json).ok());
        let position = json.filter(|json| !json.contains("\\u0000")).and_then(|json| serde_json::from_str(&json).ok());
        position.ok_or_else(|| AppError::invalid("cursor", "This cursor is invalid. Start without one."))
    };
    cursor.map(decode).transpose()
}

/// Checks the text of a search.
///
/// Errors: it has more than 254 characters.
pub fn check_search(search: Option<&str>) -> Result<Option<&str>, AppError> {
    let is_valid = search.is_none_or(|search| search.chars().count() <= MAX_SEARCH_CHARS);
    if is_valid { Ok(search) } else { Err(AppError::invalid("search", format!("Search for at most {MAX_SEARCH_CHARS} characters."))) }
}

/// Returns the pattern of a search for `LIKE … ESCAPE '!'`. `None` for an empty search.
pub fn pattern(search: Option<&str>) -> Option<String> {
    let search = search.map(normalize_identifier).filter(|search| !search.is_empty())?;
    let escaped: String = search.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect();
    Some(format!("%{escaped}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_cursors_are_checked() {
        assert_eq!((check_limit(None), check_limit(Some(1_000))), (Ok(50), Ok(1_000)));
        assert!(check_limit(Some(0)).is_err() && check_limit(Some(1_001)).is_err() && check_limit(Some(-1)).is_err());
        let position = ("name".to_owned(), "id".to_owned());
        assert_eq!(decode::<(String, String)>(Some(&encode(&position))), Ok(Some(position)));
        for bad in ["", "x", "é", "AAAA"] {
            assert!(decode::<(String, String)>(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!((pattern(Some(" A_b ")).as_deref(), pattern(Some("  "))), (Some("%a!_b%"), None));
    }
}
