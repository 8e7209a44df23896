//! SQL of the record: it inserts, and reads.

use chrono::{DateTime, Utc};

use crate::{
    audit::{Event, Recorded},
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{EventId, UserId},
    },
};

pub async fn insert(tx: &mut Tx, at: DateTime<Utc>, event: Event<'_>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_events (id, at, action, outcome, actor_id, session_id, token_id, subject_id, ip, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        EventId::new(at),
        at,
        event.action,
        event.outcome,
        event.actor,
        event.session,
        event.token,
        event.subject,
        event.ip.map(|ip| ip.to_string()),
        event.detail.to_string(),
    )?;
    Ok(())
}

/// The last events about an account, newest first.
pub async fn recent(db: &mut impl Connection, subject: &UserId, most: i64) -> sqlx::Result<Vec<Recorded>> {
    let sql = "SELECT action, outcome, at, ip FROM audit_events WHERE subject_id = $1 ORDER BY at DESC, id DESC LIMIT $2";
    fetch!(db, fetch_all as Recorded, sql, subject, most)
}
