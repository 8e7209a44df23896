//! SQL of receipts.

use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{db::Connection, ids::EventId},
    record::entry::Salted,
};

/// An event with the index of its leaf.
#[derive(Debug, FromRow)]
pub struct SealedEntry {
    /// The entry.
    pub entry: String,
    /// Index of the leaf. `None` until it is sealed.
    pub seq: Option<i64>,
}

/// Returns an event. `None` if it does not exist.
pub async fn find_entry(db: &mut impl Connection, id: &EventId) -> sqlx::Result<Option<SealedEntry>> {
    let sql = "SELECT e.entry, l.seq FROM audit_events e LEFT JOIN audit_leaves l ON l.event_id = e.id WHERE e.id = $1";
    fetch!(db, fetch_optional as SealedEntry, sql, id)
}

/// Lists the personal parts of an event.
pub async fn list_parts(db: &mut impl Connection, id: &EventId) -> sqlx::Result<Vec<Salted>> {
    let sql = "SELECT salt, content FROM audit_personal WHERE event_id = $1 ORDER BY part";
    fetch!(db, fetch_all as Salted, sql, id)
}
