//! Where a list goes on. Its order moves with every use, so a place in it means nothing a moment later: a cursor holds the rest of
//! the list as it stood when the first page was asked for. No page repeats a session or skips one, however much they are used
//! meanwhile; whatever ended is left out, and whatever began later is not in it.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::sessions::{actions::MOST_A_PERSON, model::Session};

/// So much of an id is in a cursor: random enough to tell a thousand apart, and the longest cursor still fits into an address.
const BYTES: usize = 5;

/// The sessions that are still to be listed, in order.
pub struct Cursor(Vec<[u8; BYTES]>);

impl Cursor {
    /// What follows after a page; nothing after the last.
    pub fn of(rest: &[Session]) -> Option<String> {
        let marks: Vec<u8> = rest.iter().flat_map(mark).collect();
        (!marks.is_empty()).then(|| BASE64_URL_SAFE_NO_PAD.encode(marks))
    }

    /// A cursor that [`Cursor::of`] wrote; another text is none.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (marks, rest) = bytes.as_chunks::<BYTES>();
        let fits = rest.is_empty() && !marks.is_empty() && marks.len() <= MOST_A_PERSON.unsigned_abs() as usize;
        fits.then(|| Self(marks.to_vec()))
    }

    /// Those of these sessions that are still to be listed, in the cursor's order.
    pub fn pick(&self, sessions: Vec<Session>) -> Vec<Session> {
        let place: HashMap<_, _> = self.0.iter().enumerate().map(|(place, mark)| (*mark, place)).collect();
        let mut picked: Vec<_> = sessions.into_iter().filter_map(|session| Some((*place.get(&mark(&session))?, session))).collect();
        picked.sort_by_key(|(place, _)| *place);
        picked.into_iter().map(|(_, session)| session).collect()
    }
}

/// The end of an id, where a UUIDv7 is random. Nothing of an id opens anything.
fn mark(session: &Session) -> [u8; BYTES] {
    let id = uuid::Uuid::try_parse(&session.id.to_string()).unwrap_or_default(); // ids are UUIDs: we made them
    std::array::from_fn(|at| id.as_bytes()[16 - BYTES + at])
}
