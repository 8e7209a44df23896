//! SQL of the tree: its head, leaves and tiles, and the queue of events that are not in it yet.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use crate::{
    audit::tree::{FullTile, Hash, TileId},
    execute, fetch,
    foundation::db::{Connection, Tx},
    insert_rows, locking, one_of,
};

/// Rows in a statement: SQLite allows 32,766 binds.
const ROWS_PER_STATEMENT: usize = 1_024;

/// The latest signed tree.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Head {
    /// The name of the log.
    pub origin: String,
    /// The key that signs it, as a vkey of C2SP signed-note.
    pub verifier_key: String,
    /// Number of leaves.
    pub size: i64,
    /// The Merkle root: 32 bytes.
    pub root: Vec<u8>,
    /// The signed checkpoint.
    pub note: String,
    /// When it was signed.
    pub sealed_at: DateTime<Utc>,
}

/// Inserts the head of an empty tree, unless there is a head.
pub async fn insert_head(tx: &mut Tx, head: &Head) -> sqlx::Result<()> {
    let sql = "INSERT INTO audit_head (id, origin, verifier_key, size, root, note, sealed_at) VALUES (1, $1, $2, $3, $4, $5, $6)
               ON CONFLICT (id) DO NOTHING";
    execute!(tx, sql, &head.origin, &head.verifier_key, head.size, &head.root, &head.note, head.sealed_at).map(drop)
}

/// Locks the head and returns it. `None` while another node holds it, or if there is none.
pub async fn lock_head(tx: &mut Tx) -> sqlx::Result<Option<Head>> {
    let sql = locking!(tx, "SELECT * FROM audit_head WHERE id = 1", "FOR UPDATE SKIP LOCKED", "");
    fetch!(tx, fetch_optional as Head, sql)
}

/// Returns the head. `None` before the first seal.
pub async fn find_head(db: &mut impl Connection) -> sqlx::Result<Option<Head>> {
    fetch!(db, fetch_optional as Head, "SELECT * FROM audit_head WHERE id = 1")
}

/// Replaces the size, root and note of the head.
pub async fn update_head(tx: &mut Tx, head: &Head) -> sqlx::Result<()> {
    let sql = "UPDATE audit_head SET size = $1, root = $2, note = $3, sealed_at = $4 WHERE id = 1";
    execute!(tx, sql, head.size, &head.root, &head.note, head.sealed_at).map(drop)
}

/// An event in the queue.
#[derive(Debug, FromRow)]
pub struct Queued {
    /// Id of the event.
    pub event_id: String,
    /// What authenticates it.
    pub mac: String,
    /// What the tree will hold. `None` if somebody removed the event.
    pub entry: Option<String>,
    /// Whether it is in the tree already: somebody put it back into the queue.
    pub is_sealed: bool,
}

/// Returns whether events wait.
pub async fn has_queued(db: &mut impl Connection) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT event_id FROM audit_queue LIMIT 1")?.is_some())
}

/// Returns the first events of the queue, by time.
pub async fn list_queued(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<Queued>> {
    let sql = "SELECT q.event_id, q.mac, e.entry, l.seq IS NOT NULL AS is_sealed FROM audit_queue q
                   LEFT JOIN audit_events e ON e.id = q.event_id LEFT JOIN audit_leaves l ON l.event_id = q.event_id
               ORDER BY q.event_id LIMIT $1";
    fetch!(tx, fetch_all as Queued, sql, limit)
}

/// Removes events from the queue.
pub async fn remove_queued(tx: &mut Tx, queued: &[Queued]) -> sqlx::Result<()> {
    let ids = Value::from_iter(queued.iter().map(|queued| queued.event_id.as_str())).to_string();
    let sql = one_of!(tx, "DELETE FROM audit_queue WHERE event_id IN ", "$1", "");
    execute!(tx, sql, ids).map(drop)
}

/// A leaf of the tree.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// Index of the leaf.
    pub seq: i64,
    /// Id of the event.
    pub event_id: &'a str,
    /// Hash of the entry.
    pub hash: Hash,
    /// HMAC of index and entry.
    pub mac: String,
}

/// Inserts leaves.
pub async fn insert_leaves(tx: &mut Tx, leaves: &[Leaf<'_>]) -> sqlx::Result<()> {
    for leaves in leaves.chunks(ROWS_PER_STATEMENT) {
        insert_rows!(tx, "INSERT INTO audit_leaves (seq, event_id, hash, mac) ", leaves, |values, leaf| {
            values.push_bind(leaf.seq).push_bind(leaf.event_id).push_bind(leaf.hash.as_bytes().to_vec()).push_bind(&leaf.mac)
        })?;
    }
    Ok(())
}

/// Inserts full tiles.
pub async fn insert_tiles(tx: &mut Tx, tiles: &[FullTile]) -> sqlx::Result<()> {
    insert_rows!(tx, "INSERT INTO audit_tiles (level, number, hashes, root) ", tiles, |values, tile| {
        values.push_bind(i32::from(tile.id.level)).push_bind(tile.id.index as i64);
        values.push_bind(Hash::join_tile(&tile.hashes)).push_bind(tile.root.as_bytes().to_vec())
    })
}

/// Loads the hashes of a tile in a tree of this size, as far as they are stored.
pub async fn load_tile(db: &mut impl Connection, tile: TileId, size: u64) -> sqlx::Result<Vec<Hash>> {
    let sources = tile.sources(size);
    let (from, to) = (sources.start as i64, sources.end as i64);
    let found = match tile.level {
        0 => fetch!(db, fetch_all as (Vec<u8>,), "SELECT hash FROM audit_leaves WHERE seq >= $1 AND seq < $2 ORDER BY seq", from, to)?,
        level => {
            let sql = "SELECT root FROM audit_tiles WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number";
            fetch!(db, fetch_all as (Vec<u8>,), sql, i32::from(level) - 1, from, to)?
        }
    };
    found.into_iter().map(|(hash,)| to_hash(&hash)).collect()
}

/// Parses a stored hash.
///
/// Errors: [`sqlx::Error::Decode`] unless it has 32 bytes.
pub fn to_hash(stored: &[u8]) -> sqlx::Result<Hash> {
    let bytes = stored.try_into().map_err(|_| sqlx::Error::Decode("a hash has 32 bytes".into()))?;
    Ok(Hash::from_bytes(bytes))
}

/// Returns when the last hourly checkpoint was stored.
pub async fn find_last_checkpoint(tx: &mut Tx) -> sqlx::Result<Option<DateTime<Utc>>> {
    let sql = "SELECT created_at FROM audit_checkpoints ORDER BY created_at DESC LIMIT 1";
    Ok(fetch!(tx, fetch_optional as (DateTime<Utc>,), sql)?.map(|(at,)| at))
}

/// Stores the head as an hourly checkpoint.
pub async fn insert_checkpoint(tx: &mut Tx, head: &Head) -> sqlx::Result<()> {
    let sql = "INSERT INTO audit_checkpoints (origin, size, note, created_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (origin, size) DO NOTHING";
    execute!(tx, sql, &head.origin, head.size, &head.note, head.sealed_at).map(drop)
}
