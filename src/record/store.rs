//! SQL of audit events: inserts and reads.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{EventId, UserId},
    },
    insert_rows,
    record::{Action, Event, Outcome, RecordedEvent, RefusedSignIn},
};

pub async fn insert(tx: &mut Tx, at: DateTime<Utc>, event: Event<'_>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, session_id, token_id, subject_id, ip, detail)
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

/// Inserts refused sign-ins with one statement.
pub async fn insert_refused(tx: &mut Tx, at: DateTime<Utc>, refused: &[RefusedSignIn]) -> sqlx::Result<()> {
    let into = "INSERT INTO audit_events (id, occurred_at, action, outcome, subject_id, ip, detail) ";
    insert_rows!(tx, into, refused, |values, refused| {
        values.push_bind(EventId::new(at)).push_bind(at).push_bind(Action::SignIn).push_bind(Outcome::Refused);
        values.push_bind(&refused.subject).push_bind(refused.ip.to_string());
        values.push_bind(json!({ "identifier_sha256": refused.identifier_hash }).to_string())
    })
}

/// Inserts up to 3,000 events of the past with one statement.
pub async fn insert_past(tx: &mut Tx, events: &[(DateTime<Utc>, Event<'_>)]) -> sqlx::Result<()> {
    let into = "INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, session_id, token_id, subject_id, ip, detail) ";
    insert_rows!(tx, into, events, |values, (at, event)| {
        values.push_bind(EventId::new(*at)).push_bind(at).push_bind(event.action).push_bind(event.outcome);
        values.push_bind(event.actor).push_bind(event.session).push_bind(event.token).push_bind(event.subject);
        values.push_bind(event.ip.map(|ip| ip.to_string())).push_bind(event.detail.to_string())
    })
}

/// Returns the last `limit` events that concern an account, newest first.
pub async fn recent(db: &mut impl Connection, subject: &UserId, limit: i64) -> sqlx::Result<Vec<RecordedEvent>> {
    let sql = "SELECT action, outcome, occurred_at, ip FROM audit_events WHERE subject_id = $1 ORDER BY occurred_at DESC, id DESC LIMIT $2";
    fetch!(db, fetch_all as RecordedEvent, sql, subject, limit)
}
