//! What was recorded of readings.

use crate::{fetch, foundation::db::Connection, record::entry::PersonalPart};

/// Lists what the readings of a session or API token since an id say.
pub async fn list(db: &mut impl Connection, credential: &str, since: &str) -> sqlx::Result<Vec<PersonalPart>> {
    let sql = "SELECT p.content FROM audit_events e JOIN audit_personal p ON p.event_id = e.id
               WHERE COALESCE(e.session_id, e.token_id) = $1 AND e.id >= $2 AND e.action = 'audit.read'";
    let rows = fetch!(db, fetch_all as (String,), sql, credential, since)?;
    Ok(rows.iter().filter_map(|(content,)| serde_json::from_str(content).ok()).collect())
}
