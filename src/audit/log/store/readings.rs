//! What was recorded of readings.

use serde_json::json;

use crate::{fetch, foundation::db::Connection, one_of, record::entry::PersonalPart};

/// Lists what the readings of a session or API token since an id say.
pub async fn list(db: &mut impl Connection, credential: &str, since: &str) -> sqlx::Result<Vec<PersonalPart>> {
    let sql = "SELECT p.content FROM audit_events e JOIN audit_personal p ON p.event_id = e.id
               WHERE COALESCE(e.session_id, e.token_id) = $1 AND e.id >= $2 AND e.action = 'audit.read'";
    let rows = fetch!(db, fetch_all as (String,), sql, credential, since)?;
    Ok(rows.iter().filter_map(|(content,)| serde_json::from_str(content).ok()).collect())
}

/// Counts those of these events that are no readings of a session or API token.
pub async fn count_others(db: &mut impl Connection, ids: &[String], credential: &str) -> sqlx::Result<usize> {
    let sql = one_of!(
        db,
        "SELECT COUNT(*) FROM audit_events
         WHERE NOT (action = 'audit.read' AND COALESCE(session_id, token_id, '') = $1) AND id IN ",
        "$2",
        ""
    );
    let (count,) = fetch!(db, fetch_one as (i64,), sql, credential, json!(ids).to_string())?;
    Ok(usize::try_from(count).unwrap_or_default())
}
