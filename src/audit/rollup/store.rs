//! SQL of the counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use crate::{
    audit::rollup::model::Key,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
    one_of,
};

/// Adds to the counts.
pub async fn add(tx: &mut Tx, counts: &BTreeMap<Key, i64>) -> sqlx::Result<()> {
    let sql = "INSERT INTO audit_hours (scope_id, hour, outcome, events) VALUES ($1, $2, $3, $4)
               ON CONFLICT (scope_id, hour, outcome) DO UPDATE SET events = audit_hours.events + excluded.events";
    for (Key { scope, hour, outcome }, events) in counts {
        execute!(tx, sql, scope, hour, outcome, events)?;
    }
    Ok(())
}

/// How many events an hour had.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct HourRow {
    /// Start of the hour.
    pub hour: DateTime<Utc>,
    /// How many were done.
    pub done: i64,
    /// How many were refused.
    pub refused: i64,
}

/// Counts the events of scopes by hour, since a time. The scopes must not contain each other.
pub async fn list(db: &mut impl Connection, scopes: &[String], since: DateTime<Utc>) -> sqlx::Result<Vec<HourRow>> {
    let ids = Value::from_iter(scopes.iter().map(String::as_str)).to_string();
    let sql = one_of!(
        db,
        "SELECT hour, CAST(SUM(CASE outcome WHEN 'refused' THEN 0 ELSE events END) AS BIGINT) AS done,
                CAST(SUM(CASE outcome WHEN 'refused' THEN events ELSE 0 END) AS BIGINT) AS refused
         FROM audit_hours WHERE scope_id IN ",
        "$2",
        " AND hour >= $1 GROUP BY hour ORDER BY hour"
    );
    fetch!(db, fetch_all as HourRow, sql, since, ids)
}

/// A scope whose audit log a person may read.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ReadableScope {
    /// The organization.
    pub organization_id: String,
    /// The portfolio: of the grant, or that of the plant now. `None`: the whole organization, or the plant is gone.
    pub portfolio_id: Option<String>,
    /// The plant. `None`: the whole portfolio or organization.
    pub plant_id: Option<String>,
}

/// Lists the scopes whose audit log a person may read (AUT-1), at most so many.
pub async fn list_readable(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<ReadableScope>> {
    let sql = "SELECT g.organization_id, COALESCE(g.portfolio_id, p.portfolio_id) AS portfolio_id, g.plant_id
               FROM grants g LEFT JOIN plants p ON p.id = g.plant_id
               WHERE g.user_id = $1 AND g.role IN ('operator', 'auditor') AND (g.expires_at IS NULL OR g.expires_at > $2)
               UNION SELECT organization_id, NULL, NULL FROM memberships WHERE user_id = $1 AND role = 'owner'
               LIMIT $3";
    fetch!(db, fetch_all as ReadableScope, sql, user, now, limit)
}
