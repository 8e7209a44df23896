//! What was recorded of readings.

use serde_json::json;
use sqlx::FromRow;

use crate::{fetch, foundation::db::Connection, one_of, record::entry::PersonalPart};

/// A reading that is on record.
#[derive(FromRow)]
pub struct ReadingRow {
    organization_id: Option<String>,
    content: String,
}

impl ReadingRow {
    /// Returns whether it had a filter, and was of an organization.
    pub fn is(&self, filter: &str, organization: Option<&str>) -> bool {
        let recorded = serde_json::from_str::<PersonalPart>(&self.content).ok().and_then(|part| part.detail.get("filter").cloned());
        self.organization_id.as_deref() == organization && recorded.is_some_and(|recorded| recorded == filter)
    }
}

/// Lists the readings of a session or API token since an id.
pub async fn list(db: &mut impl Connection, credential: &str, since: &str) -> sqlx::Result<Vec<ReadingRow>> {
    let sql = "SELECT e.organization_id, p.content FROM audit_events e JOIN audit_personal p ON p.event_id = e.id
               WHERE COALESCE(e.session_id, e.token_id) = $1 AND e.id >= $2 AND e.action = 'audit.read'";
    fetch!(db, fetch_all as ReadingRow, sql, credential, since)
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
