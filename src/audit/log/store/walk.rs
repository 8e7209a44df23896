//! Walks along indexes. What a reader sees is the rule of `log::visibility`, here as SQL (AUT-1).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, FromRow};

use crate::{
    audit::log::{
        merge::{Step, Walked},
        search::Search,
        sources::{Dialect, Walk},
        visibility::organization_actions,
    },
    fetch,
    foundation::{
        db::{Backend, Connection},
        ids::UserId,
    },
};

/// The columns that conditions compare.
const COLUMNS: &str = "e.id, e.action, e.outcome, e.actor_id, e.subject_id, e.session_id, e.token_id, e.organization_id, e.portfolio_id, \
                       e.plant_id, e.device_id";

/// In the list of what platform administrators see: what belongs to no organization.
const OUTSIDE: &str = "outside";

/// Whose events are walked, and when.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The reader.
    pub user: &'a UserId,
    /// Whether the reader is a platform administrator.
    pub is_platform_administrator: bool,
    /// The time at which grants count.
    pub now: DateTime<Utc>,
}

/// A match, or at last the number of entries that were examined with the lowest id.
#[derive(FromRow)]
struct WalkRow {
    id: Option<String>,
    ip: Option<String>,
    examined: Option<i64>,
}

/// Returns whether the person `$5` sees the event `e` at the time `$6`. `platform` is the list of what platform administrators see.
fn visible(platform: &str) -> String {
    format!(
        "(e.actor_id = $5 OR e.subject_id = $5 OR e.action IN {platform}
          OR (e.organization_id IS NULL AND e.portfolio_id IS NULL AND e.plant_id IS NULL AND '{OUTSIDE}' IN {platform})
          OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = $5 AND m.organization_id = e.organization_id AND m.role = 'owner')
          OR EXISTS (SELECT 1 FROM grants g WHERE g.user_id = $5 AND g.organization_id = e.organization_id
              AND g.role IN ('operator', 'auditor') AND (g.expires_at IS NULL OR g.expires_at > $6)
              AND (g.portfolio_id IS NULL OR g.portfolio_id = e.portfolio_id) AND (g.plant_id IS NULL OR g.plant_id = e.plant_id)))"
    )
}

/// Walks the next entries of an index, and returns those that the search finds among what the reader sees.
pub async fn walk(db: &mut impl Connection, walk: &Walk, search: &Search, view: View<'_>, step: &Step) -> sqlx::Result<Walked> {
    let sql = statement(walk, search, dialect(db));
    let View { user, now, .. } = view;
    let (count, lists) = (i64::try_from(step.count).unwrap_or(i64::MAX), lists(search, view).to_string());
    let (value, from, before) = (walk.value(), &search.from, &step.before);
    let rows = fetch!(
        db,
        fetch_all as WalkRow,
        replanned: true,
        AssertSqlSafe(sql.as_str()), // of constants and numbers: every value is bound
        value,
        from,
        before,
        count,
        user,
        now,
        lists
    )?;
    Ok(collect(rows, search))
}

/// Each step is materialized: a planner that sees through it may expect matches soon, and examine far more than the step.
fn statement(walk: &Walk, search: &Search, dialect: Dialect) -> String {
    let inner = walk.select(COLUMNS, dialect);
    let (visible, conditions) = (visible(&dialect.list("platform")), search.to_sql(|name| dialect.list(name)));
    let ip = if search.networks.is_empty() { "NULL" } else { "(SELECT MAX(p.ip) FROM audit_personal p WHERE p.event_id = e.id)" };
    format!(
        "WITH walked AS MATERIALIZED ({inner})
         SELECT e.id, CAST({ip} AS TEXT) AS ip, CAST(NULL AS BIGINT) AS examined FROM walked e WHERE {visible}{conditions}
         UNION ALL SELECT MIN(id), NULL, COUNT(*) FROM walked"
    )
}

fn dialect(db: &mut impl Connection) -> Dialect {
    match db.backend() {
        Backend::Sqlite(_) => Dialect::Sqlite,
        Backend::Postgres(_) => Dialect::Postgres,
    }
}

fn lists(search: &Search, view: View<'_>) -> Value {
    let mut lists = search.lists();
    let platform: Vec<&str> = organization_actions().chain([OUTSIDE]).filter(|_| view.is_platform_administrator).collect();
    lists.insert("platform".to_owned(), json!(platform));
    Value::Object(lists)
}

fn collect(rows: Vec<WalkRow>, search: &Search) -> Walked {
    let mut walked = Walked::default();
    for WalkRow { id, ip, examined } in rows {
        match (examined, id) {
            (Some(count), lowest) => (walked.examined, walked.lowest) = (usize::try_from(count).unwrap_or_default(), lowest),
            (None, Some(id)) if search.is_from(ip.as_deref()) => walked.found.push(id),
            (None, _) => {}
        }
    }
    walked
}

/// Counts the entries of a walk in the period of a search, up to `limit`.
pub async fn count(db: &mut impl Connection, walk: &Walk, search: &Search, limit: usize) -> sqlx::Result<usize> {
    let sql = format!("SELECT COUNT(*) FROM ({}) entries", walk.select("1", dialect(db)));
    let (value, from, before) = (walk.value(), &search.from, &search.before);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // Of constants: every value is bound.
    let counted = fetch!(db, fetch_one as (i64,), replanned: true, AssertSqlSafe(sql.as_str()), value, from, before, limit);
    let (count,): (i64,) = counted?;
    Ok(usize::try_from(count).unwrap_or_default())
}
