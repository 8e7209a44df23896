//! Loads events with what they say about people, and the names of today.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{
        db::{Backend, Connection},
        ids::EventId,
    },
    one_of,
    record::{Outcome, entry::Ids},
};

/// An event with the index of its leaf.
#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    pub id: EventId,
    pub occurred_at: DateTime<Utc>,
    pub action: String,
    pub outcome: Outcome,
    #[sqlx(flatten)]
    pub ids: Ids,
    pub entry: String,
    pub seq: Option<i64>,
}

/// A personal part of an event.
#[derive(Debug, Clone, FromRow)]
pub struct PartRow {
    pub event_id: String,
    pub person_id: Option<String>,
    pub content: String,
}

/// Selects events with `$condition`.
macro_rules! events {
    ($condition:literal) => {
        concat!(
            "SELECT e.id, e.occurred_at, e.action, e.outcome, e.actor_id, e.subject_id, e.session_id, e.token_id, e.organization_id,
                 e.portfolio_id, e.plant_id, e.device_id, e.entry, l.seq
             FROM audit_events e LEFT JOIN audit_leaves l ON l.event_id = e.id WHERE e.id ",
            $condition
        )
    };
}

/// Returns an event. `None` if it does not exist.
pub async fn find(db: &mut impl Connection, id: &EventId) -> sqlx::Result<Option<EventRow>> {
    fetch!(db, fetch_optional as EventRow, events!("= $1"), id)
}

/// Lists events, newest first.
pub async fn list(db: &mut impl Connection, ids: &[String]) -> sqlx::Result<Vec<EventRow>> {
    let sql = one_of!(db, events!("IN "), "$1", " ORDER BY e.id DESC");
    fetch!(db, fetch_all as EventRow, sql, json!(ids).to_string())
}

/// Lists the personal parts of events.
pub async fn list_parts(db: &mut impl Connection, ids: &[&str]) -> sqlx::Result<Vec<PartRow>> {
    let sql = one_of!(db, "SELECT event_id, person_id, content FROM audit_personal WHERE event_id IN ", "$1", " ORDER BY event_id, part");
    fetch!(db, fetch_all as PartRow, sql, json!(ids).to_string())
}

/// Selects the names of all things with ids in a list.
macro_rules! names {
    ($list:literal) => {
        concat!(
            "SELECT id, name FROM users WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM organizations WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM portfolios WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM plants WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM devices WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM vendors WHERE id IN ",
            $list,
            " UNION ALL SELECT id, name FROM api_tokens WHERE id IN ",
            $list,
            " UNION ALL SELECT id, device_label FROM sessions WHERE id IN ",
            $list,
            " UNION ALL SELECT id, device_label FROM ended_sessions WHERE id IN ",
            $list
        )
    };
}

/// Returns the names of today by id, of whatever kind. The name of a session is that of its device.
pub async fn find_names(db: &mut impl Connection, ids: &[&str]) -> sqlx::Result<HashMap<String, String>> {
    let sql = match db.backend() {
        Backend::Sqlite(_) => names!("(SELECT value FROM json_each($1))"),
        Backend::Postgres(_) => names!("(SELECT json_array_elements_text($1::json))"),
    };
    let rows = fetch!(db, fetch_all as (String, String), sql, json!(ids).to_string())?;
    Ok(rows.into_iter().collect())
}
