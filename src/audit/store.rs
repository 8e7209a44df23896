//! SQL of the record: it only inserts.

use chrono::{DateTime, Utc};

use crate::{
    audit::Event,
    execute,
    foundation::{db::Tx, ids::EventId},
};

pub async fn insert(tx: &mut Tx, at: DateTime<Utc>, event: Event<'_>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_events (id, at, action, outcome, actor_id, session_id, subject_id, ip, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        EventId::new(at),
        at,
        event.action,
        event.outcome,
        event.actor,
        event.session,
        event.subject,
        event.ip.map(|ip| ip.to_string()),
        event.detail.to_string(),
    )?;
    Ok(())
}
