//! Pagination cursors. Each use of a session changes the order of the list, so a position in it is soon outdated: a cursor contains the
//! rest of the list as of the request for the first page. No page repeats or skips a session, however much the sessions are used in the
//! meantime. Sessions that have ended are left out, and sessions that were created later are not included.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::sessions::{actions::MAX_SESSIONS_PER_USER, model::Session};

/// Bytes of each id in a cursor: random enough to distinguish 1,000 sessions, and short enough that the longest cursor fits into a URL.
const ID_BYTES: usize = 5;

/// The remaining sessions of a list, in order.
pub struct Cursor(Vec<[u8; ID_BYTES]>);

impl Cursor {
    /// Encodes the rest of the list after a page. Returns `None` after the last page.
    pub fn encode(rest: &[Session]) -> Option<String> {
        let suffixes: Vec<u8> = rest.iter().flat_map(id_suffix).collect();
        (!suffixes.is_empty()).then(|| BASE64_URL_SAFE_NO_PAD.encode(suffixes))
    }

    /// Decodes a cursor from [`Cursor::encode`]. Returns `None` for any other text.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (suffixes, rest) = bytes.as_chunks::<ID_BYTES>();
        let is_valid = rest.is_empty() && !suffixes.is_empty() && suffixes.len() <= MAX_SESSIONS_PER_USER.unsigned_abs() as usize;
        is_valid.then(|| Self(suffixes.to_vec()))
    }

    /// Selects the sessions that remain to be listed, in the order of the cursor.
    pub fn select(&self, sessions: Vec<Session>) -> Vec<Session> {
        let positions: HashMap<_, _> = self.0.iter().enumerate().map(|(position, suffix)| (*suffix, position)).collect();
        let mut selected: Vec<_> =
            sessions.into_iter().filter_map(|session| Some((*positions.get(&id_suffix(&session))?, session))).collect();
        selected.sort_by_key(|(position, _)| *position);
        selected.into_iter().map(|(_, session)| session).collect()
    }
}

/// Returns the last bytes of the id, which are random in a UUIDv7. An id is no secret.
fn id_suffix(session: &Session) -> [u8; ID_BYTES] {
    let id = uuid::Uuid::try_parse(&session.id.to_string()).unwrap_or_default(); // session ids are always UUIDs
    std::array::from_fn(|index| id.as_bytes()[16 - ID_BYTES + index])
}
