//! SQL of the verification: reads leaves with their events, in order.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use crate::{
    audit::verify::model::Report,
    execute, fetch,
    foundation::db::{Connection, Tx},
    one_of,
};

/// The columns of an event that repeat parts of its entry, but the time, as one text: copying each on its own takes most of the time.
macro_rules! repeated_columns {
    () => {
        "e.action || ' ' || e.outcome || ' ' || COALESCE(e.actor_id, '') || ' ' || COALESCE(e.subject_id, '') || ' ' \
         || COALESCE(e.session_id, '') || ' ' || COALESCE(e.token_id, '') || ' ' || COALESCE(e.organization_id, '') || ' ' \
         || COALESCE(e.portfolio_id, '') || ' ' || COALESCE(e.plant_id, '') || ' ' || COALESCE(e.device_id, '')"
    };
}

/// An event, sealed or not.
#[derive(Debug, FromRow)]
pub struct EventRow {
    /// Index of the leaf. `None` in the queue.
    pub seq: Option<i64>,
    /// Id of the event, as the leaf or the queue names it.
    pub event_id: String,
    /// Hash of the leaf. `None` in the queue.
    pub hash: Option<Vec<u8>>,
    /// HMAC of the entry.
    pub mac: String,
    /// The entry. `None` if the event is gone.
    pub entry: Option<String>,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The other columns: see [`Columns`](super::checks).
    pub columns: Option<String>,
}

/// A personal part.
#[derive(Debug, FromRow)]
pub struct PartRow {
    pub event_id: String,
    pub part: i32,
    pub person_id: Option<String>,
    pub ip: Option<String>,
    pub country: Option<String>,
    pub salt: String,
    pub content: String,
}

/// Lists leaves with their events, from one index up to before another.
pub async fn list_leaves(db: &mut impl Connection, from: i64, to: i64) -> sqlx::Result<Vec<EventRow>> {
    let sql = concat!(
        "SELECT l.seq, l.event_id, l.hash, l.mac, e.entry, e.occurred_at, ",
        repeated_columns!(),
        " AS columns FROM audit_leaves l LEFT JOIN audit_events e ON e.id = l.event_id WHERE l.seq >= $1 AND l.seq < $2 ORDER BY l.seq"
    );
    fetch!(db, fetch_all as EventRow, sql, from, to)
}

/// Lists the personal parts of the events of these leaves, in the same order.
pub async fn list_parts(db: &mut impl Connection, from: i64, to: i64) -> sqlx::Result<Vec<PartRow>> {
    let sql = "SELECT p.event_id, p.part, p.person_id, p.ip, p.country, p.salt, p.content
               FROM audit_leaves l JOIN audit_personal p ON p.event_id = l.event_id
               WHERE l.seq >= $1 AND l.seq < $2 ORDER BY l.seq, p.part";
    fetch!(db, fetch_all as PartRow, sql, from, to)
}

/// Lists events in the queue after an id.
pub async fn list_queued(db: &mut impl Connection, after: &str, limit: i64) -> sqlx::Result<Vec<EventRow>> {
    let sql = concat!(
        "SELECT NULL AS seq, q.event_id, NULL AS hash, q.mac, e.entry, e.occurred_at, ",
        repeated_columns!(),
        " AS columns FROM audit_queue q LEFT JOIN audit_events e ON e.id = q.event_id WHERE q.event_id > $1 ORDER BY q.event_id LIMIT $2"
    );
    fetch!(db, fetch_all as EventRow, sql, after, limit)
}

/// Lists the personal parts of these events, by event and position. Not of the queue, which they may have left meanwhile.
pub async fn list_parts_of(db: &mut impl Connection, events: &[EventRow]) -> sqlx::Result<Vec<PartRow>> {
    let ids = Value::from_iter(events.iter().map(|event| event.event_id.as_str())).to_string();
    let sql = one_of!(
        db,
        "SELECT event_id, part, person_id, ip, country, salt, content FROM audit_personal WHERE event_id IN ",
        "$1",
        " ORDER BY event_id, part"
    );
    fetch!(db, fetch_all as PartRow, sql, ids)
}

/// Some events in the order of their ids.
#[derive(Debug, FromRow)]
pub struct EventsRow {
    /// How many they are.
    pub count: i64,
    /// The last id. `None` if there are no more.
    pub last: Option<String>,
    /// The first that is neither in the tree nor in the queue.
    pub added: Option<String>,
}

/// Looks at the next events after an id. All of them in one statement would take longer than a statement may.
pub async fn walk_events(db: &mut impl Connection, after: &str, limit: i64) -> sqlx::Result<EventsRow> {
    // A leaf below the first one would hide an event that was added.
    let sql = "SELECT COUNT(*) AS count, MAX(e.id) AS last, MIN(
                   CASE WHEN NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.event_id = e.id AND l.seq >= 0)
                       AND NOT EXISTS (SELECT 1 FROM audit_queue q WHERE q.event_id = e.id) THEN e.id END
               ) AS added
               FROM (SELECT id FROM audit_events WHERE id > $1 ORDER BY id LIMIT $2) e";
    fetch!(db, fetch_one as EventsRow, sql, after, limit)
}

/// Returns the index of the last leaf. `None` without leaves.
pub async fn find_last_leaf(db: &mut impl Connection) -> sqlx::Result<Option<i64>> {
    Ok(fetch!(db, fetch_one as (Option<i64>,), "SELECT MAX(seq) FROM audit_leaves")?.0)
}

/// A full tile.
#[derive(Debug, FromRow)]
pub struct TileRow {
    pub hashes: Vec<u8>,
    pub root: Vec<u8>,
}

/// Returns a tile.
pub async fn find_tile(db: &mut impl Connection, level: i32, number: i64) -> sqlx::Result<Option<TileRow>> {
    let sql = "SELECT hashes, root FROM audit_tiles WHERE level = $1 AND number = $2";
    fetch!(db, fetch_optional as TileRow, sql, level, number)
}

/// Lists the notes of the hourly checkpoints of a log, by size.
pub async fn list_checkpoints(db: &mut impl Connection) -> sqlx::Result<Vec<String>> {
    let sql = "SELECT note FROM audit_checkpoints ORDER BY size, origin";
    Ok(fetch!(db, fetch_all as (String,), sql)?.into_iter().map(|(note,)| note).collect())
}

/// The result of the last whole verification.
#[derive(Debug, FromRow)]
pub struct VerificationRow {
    /// When it ended.
    pub verified_at: DateTime<Utc>,
    /// Number of leaves that it verified.
    pub size: i64,
    /// Index of the first bad leaf. `None` if all holds, or for an event that has none.
    pub bad_seq: Option<i64>,
    /// What is wrong. `None` if all holds.
    pub why: Option<String>,
}

/// Keeps the result of a whole verification, in place of the last one.
pub async fn keep_result(tx: &mut Tx, report: &Report, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (bad_seq, why) = (report.first_bad.as_ref().and_then(|bad| bad.seq), report.first_bad.as_ref().map(|bad| bad.why.as_str()));
    let sql = "INSERT INTO audit_verification (id, verified_at, size, bad_seq, why) VALUES (1, $1, $2, $3, $4)
               ON CONFLICT (id) DO UPDATE SET verified_at = excluded.verified_at, size = excluded.size, bad_seq = excluded.bad_seq,
                   why = excluded.why";
    execute!(tx, sql, now, report.sealed, bad_seq, why).map(drop)
}

/// Returns the result of the last whole verification.
pub async fn find_result(db: &mut impl Connection) -> sqlx::Result<Option<VerificationRow>> {
    fetch!(db, fetch_optional as VerificationRow, "SELECT verified_at, size, bad_seq, why FROM audit_verification WHERE id = 1")
}
