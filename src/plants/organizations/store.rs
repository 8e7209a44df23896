//! SQL of organizations and their host suffixes.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Backend, Connection, Tx},
        ids::{OrganizationId, UserId},
    },
    plants::{
        model::{Organization, normalize_name},
        organizations::model::Counts,
    },
};

/// A row of a list.
#[derive(FromRow)]
pub struct OrganizationRow {
    #[sqlx(flatten)]
    pub organization: Organization,
    pub normalized_name: String,
}

/// A list of organizations, with the role of the person `$1` in each. `$known` says which of them, `o`, it contains.
macro_rules! list_query {
    ($known:literal) => {
        concat!(
            "SELECT o.id, o.name, o.normalized_name, m.role AS your_role FROM organizations o
                 LEFT JOIN memberships m ON m.user_id = $1 AND m.organization_id = o.id
             WHERE ",
            $known,
            " AND (o.normalized_name, o.id) > ($3, $4) AND ($5 IS NULL OR o.normalized_name LIKE $5 ESCAPE '!')
             ORDER BY o.normalized_name, o.id LIMIT $6"
        )
    };
}

/// Which organizations a list contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Those in which the person has a role or an active grant.
    Own,
    /// All.
    All,
}

/// Lists organizations by name and id, after a position.
pub async fn list(
    db: &mut impl Connection,
    listed: Listed,
    user: Option<&UserId>,
    [name, id]: &[String; 2],
    pattern: Option<String>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OrganizationRow>> {
    let sql = match listed {
        Listed::Own => list_query!(
            "o.id IN (SELECT organization_id FROM memberships WHERE user_id = $1 UNION SELECT organization_id FROM grants
                 WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2))"
        ),
        Listed::All => list_query!("TRUE"),
    };
    fetch!(db, fetch_all as OrganizationRow, sql, user, now, name, id, pattern, limit)
}

/// Lists the organizations that a person administers, by name.
pub async fn list_administered(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Vec<Organization>> {
    let sql = "SELECT o.id, o.name, m.role AS your_role FROM organizations o JOIN memberships m ON m.organization_id = o.id
               WHERE m.user_id = $1 AND m.role IN ('owner', 'administrator') ORDER BY o.normalized_name, o.id";
    fetch!(db, fetch_all as Organization, sql, user)
}

/// Lists all organizations by name, without a role of anybody.
pub async fn list_all(db: &mut impl Connection) -> sqlx::Result<Vec<Organization>> {
    fetch!(db, fetch_all as Organization, "SELECT id, name, NULL AS your_role FROM organizations ORDER BY normalized_name, id")
}

/// Finds an organization, with the role of a person.
pub async fn find(db: &mut impl Connection, user: Option<&UserId>, id: &OrganizationId) -> sqlx::Result<Option<Organization>> {
    let sql = "SELECT o.id, o.name, m.role AS your_role FROM organizations o
                   LEFT JOIN memberships m ON m.user_id = $1 AND m.organization_id = o.id WHERE o.id = $2";
    fetch!(db, fetch_optional as Organization, sql, user, id)
}

/// Counts what an organization contains.
pub async fn count(db: &mut impl Connection, id: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<Counts> {
    let sql = "SELECT (SELECT COUNT(*) FROM portfolios WHERE organization_id = $1) AS portfolios,
                   (SELECT COUNT(*) FROM plants WHERE organization_id = $1) AS plants,
                   (SELECT COUNT(*) FROM devices WHERE organization_id = $1) AS devices,
                   (SELECT COUNT(*) FROM (SELECT user_id FROM memberships WHERE organization_id = $1 UNION SELECT user_id FROM grants
                        WHERE organization_id = $1 AND (expires_at IS NULL OR expires_at > $2)) people) AS people";
    fetch!(db, fetch_one as Counts, sql, id, now)
}

/// Inserts an organization.
pub async fn insert(tx: &mut Tx, id: &OrganizationId, name: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let sql = "INSERT INTO organizations (id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4)";
    execute!(tx, sql, id, name, normalize_name(name), now).map(drop)
}

/// Renames an organization.
pub async fn rename(tx: &mut Tx, id: &OrganizationId, name: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE organizations SET name = $2, normalized_name = $3 WHERE id = $1", id, name, normalize_name(name)).map(drop)
}

/// Removes an organization with all that it contains.
pub async fn remove(tx: &mut Tx, id: &OrganizationId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM organizations WHERE id = $1", id).map(drop)
}

/// Returns the host suffixes of an organization, sorted.
pub async fn host_suffixes(db: &mut impl Connection, id: &OrganizationId) -> sqlx::Result<Vec<String>> {
    let sql = "SELECT suffix FROM host_suffixes WHERE organization_id = $1 ORDER BY suffix";
    let rows: Vec<(String,)> = fetch!(db, fetch_all as (String,), sql, id)?;
    Ok(rows.into_iter().map(|(suffix,)| suffix).collect())
}

/// Keeps others from changing host suffixes until the transaction ends: no row represents "no organization has a suffix like this".
pub async fn lock_host_suffixes(tx: &mut Tx) -> sqlx::Result<()> {
    match tx.backend() {
        Backend::Sqlite(_) => Ok(()), // it has one writer
        Backend::Postgres(connection) => {
            sqlx::query::<sqlx::Postgres>("LOCK TABLE host_suffixes IN SHARE ROW EXCLUSIVE MODE").execute(connection).await.map(drop)
        }
    }
}

/// Returns a host suffix of another organization that lies under this one, or under which it lies.
pub async fn find_conflicting_suffix(tx: &mut Tx, id: &OrganizationId, suffix: &str) -> sqlx::Result<Option<String>> {
    let sql = "SELECT suffix FROM host_suffixes WHERE organization_id <> $1
                   AND (suffix = $2 OR suffix LIKE '%.' || $2 OR $2 LIKE '%.' || suffix) ORDER BY suffix LIMIT 1";
    let found: Option<(String,)> = fetch!(tx, fetch_optional as (String,), sql, id, suffix)?;
    Ok(found.map(|(suffix,)| suffix))
}

/// Sets the host suffixes of an organization.
pub async fn set_host_suffixes(tx: &mut Tx, id: &OrganizationId, suffixes: &[String]) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM host_suffixes WHERE organization_id = $1", id)?;
    for suffix in suffixes {
        execute!(tx, "INSERT INTO host_suffixes (suffix, organization_id) VALUES ($1, $2)", suffix, id)?;
    }
    Ok(())
}

/// Returns the name and the host of a device that lies under no host suffix of its organization.
pub async fn find_device_outside(tx: &mut Tx, id: &OrganizationId) -> sqlx::Result<Option<(String, String)>> {
    let sql = "SELECT name, host FROM devices d WHERE organization_id = $1 AND NOT EXISTS (
                   SELECT 1 FROM host_suffixes s WHERE s.organization_id = $1 AND (d.host = s.suffix OR d.host LIKE '%.' || s.suffix)
               ) ORDER BY host LIMIT 1";
    fetch!(tx, fetch_optional as (String, String), sql, id)
}
