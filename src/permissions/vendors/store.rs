//! SQL of vendors.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, UserId, VendorId},
    },
    permissions::{reach::store::PlantScope, vendors::model::name_skeleton},
};

/// The name of a vendor, and what identifies it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct VendorRow {
    pub id: VendorId,
    pub name: String,
    pub name_skeleton: String,
}

/// Returns the vendor that a person works for in an organization.
pub async fn find_employer(db: &mut impl Connection, user: &UserId, organization: &OrganizationId) -> sqlx::Result<Option<VendorRow>> {
    fetch!(
        db,
        fetch_optional as VendorRow,
        "SELECT v.id, v.name, v.name_skeleton FROM vendor_people p JOIN vendors v ON v.id = p.vendor_id
         WHERE p.user_id = $1 AND p.organization_id = $2",
        user,
        organization,
    )
}

/// Returns the vendor of an organization with a name that counts as the same.
pub async fn find_by_name(db: &mut impl Connection, organization: &OrganizationId, name: &str) -> sqlx::Result<Option<VendorRow>> {
    let sql = "SELECT id, name, name_skeleton FROM vendors WHERE organization_id = $1 AND name_skeleton = $2";
    fetch!(db, fetch_optional as VendorRow, sql, organization, name_skeleton(name))
}

/// Returns a vendor of an organization.
pub async fn find(db: &mut impl Connection, organization: &OrganizationId, id: &VendorId) -> sqlx::Result<Option<VendorRow>> {
    let sql = "SELECT id, name, name_skeleton FROM vendors WHERE organization_id = $1 AND id = $2";
    fetch!(db, fetch_optional as VendorRow, sql, organization, id)
}

/// Notes that all access of a vendor was ended.
pub async fn set_access_ended(tx: &mut Tx, id: &VendorId, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE vendors SET access_ended_at = $2 WHERE id = $1", id, now).map(drop)
}

/// Returns whether all access of a vendor with this name was ended at a time or later.
pub async fn was_access_ended_since(
    db: &mut impl Connection,
    organization: &OrganizationId,
    name: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM vendors WHERE organization_id = $1 AND name_skeleton = $2 AND access_ended_at >= $3";
    Ok(fetch!(db, fetch_optional as (String,), sql, organization, name_skeleton(name), since)?.is_some())
}

/// Inserts a vendor.
pub async fn insert(tx: &mut Tx, id: &VendorId, organization: &OrganizationId, name: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO vendors (id, organization_id, name, name_skeleton, created_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        organization,
        name,
        name_skeleton(name),
        now,
    )?;
    Ok(())
}

/// Makes a person one of a vendor's.
pub async fn add_person(tx: &mut Tx, vendor: &VendorId, organization: &OrganizationId, user: &UserId) -> sqlx::Result<()> {
    let sql = "INSERT INTO vendor_people (user_id, organization_id, vendor_id) VALUES ($1, $2, $3)";
    execute!(tx, sql, user, organization, vendor)?;
    Ok(())
}

/// Makes a person no longer one of a vendor's.
pub async fn remove_person(tx: &mut Tx, vendor: &VendorId, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM vendor_people WHERE vendor_id = $1 AND user_id = $2", vendor, user)?;
    Ok(())
}

/// Lists the vendors of an organization by name.
pub async fn list(db: &mut impl Connection, organization: &OrganizationId) -> sqlx::Result<Vec<VendorRow>> {
    let sql = "SELECT id, name, name_skeleton FROM vendors WHERE organization_id = $1 ORDER BY name_skeleton, id";
    fetch!(db, fetch_all as VendorRow, sql, organization)
}

/// Begins a query with the number of plants that each `$holder` reaches at the time `$2`: each vendor of the organization `$1`, or each of
/// their people. `$vendors` narrows the vendors `v`. Counts whole portfolios and the organization, since grants on them may be many, and
/// joining each to its plants takes a row for each pair.
macro_rules! reached {
    ($holder:literal, $vendors:literal) => {
        concat!(
            "WITH granted AS (
                 SELECT w.",
            $holder,
            " AS holder, g.portfolio_id, g.plant_id, p.portfolio_id AS plant_portfolio_id FROM vendors v
                 JOIN vendor_people w ON w.vendor_id = v.id JOIN grants g ON g.user_id = w.user_id AND g.organization_id = $1
                 LEFT JOIN plants p ON p.id = g.plant_id
                 WHERE v.organization_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)",
            $vendors,
            "), sizes AS (SELECT portfolio_id, COUNT(*) AS plants FROM plants WHERE organization_id = $1 GROUP BY portfolio_id),
             covered AS (SELECT DISTINCT holder, portfolio_id FROM granted WHERE portfolio_id IS NOT NULL),
             parts AS (
                 SELECT holder, '' AS part, (SELECT COUNT(*) FROM plants WHERE organization_id = $1) AS plants FROM granted
                     WHERE portfolio_id IS NULL AND plant_id IS NULL
                 UNION SELECT c.holder, c.portfolio_id, s.plants FROM covered c JOIN sizes s ON s.portfolio_id = c.portfolio_id
                 UNION SELECT g.holder, g.plant_id, 1 FROM granted g
                     LEFT JOIN covered c ON c.holder = g.holder AND c.portfolio_id = g.plant_portfolio_id
                     WHERE g.plant_id IS NOT NULL AND c.holder IS NULL
             ), reached AS (
                 SELECT holder, CAST(CASE MIN(part) WHEN '' THEN MAX(plants) ELSE SUM(plants) END AS BIGINT) AS plants
                 FROM parts GROUP BY holder
             ) "
        )
    };
}

/// A vendor's person with a sum of their grants.
#[derive(Debug, FromRow)]
pub struct PersonRow {
    pub vendor_id: VendorId,
    pub user_id: UserId,
    pub name: String,
    pub username: String,
    pub plants: i64,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Lists the people of all vendors of an organization by username.
pub async fn people(db: &mut impl Connection, organization: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<Vec<PersonRow>> {
    let sql = concat!(
        reached!("user_id", ""),
        "SELECT w.vendor_id, w.user_id, u.name, u.username, COALESCE(r.plants, 0) AS plants, MAX(g.expires_at) AS expires_at,
             MAX(g.last_used_at) AS last_used_at
         FROM vendors v JOIN vendor_people w ON w.vendor_id = v.id JOIN users u ON u.id = w.user_id
         LEFT JOIN reached r ON r.holder = w.user_id
         LEFT JOIN grants g ON g.user_id = w.user_id AND g.organization_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)
         WHERE v.organization_id = $1
         GROUP BY w.vendor_id, w.user_id, u.name, u.username, u.normalized_username, r.plants ORDER BY u.normalized_username"
    );
    fetch!(db, fetch_all as PersonRow, sql, organization, now)
}

/// Returns for each vendor of an organization the number of plants that at least one of its people reaches, unless there is none.
pub async fn plants(db: &mut impl Connection, organization: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<Vec<(VendorId, i64)>> {
    let sql = concat!(reached!("vendor_id", ""), "SELECT holder, plants FROM reached");
    fetch!(db, fetch_all as (VendorId, i64), sql, organization, now)
}

/// A vendor whose people can reach a plant.
#[derive(Debug, FromRow)]
pub struct VendorReach {
    pub id: VendorId,
    pub name: String,
    /// Number of plants of the organization that at least one of its people reaches.
    pub plants: i64,
}

/// Lists the vendors whose enabled people can reach a plant, by name.
pub async fn list_reaching(db: &mut impl Connection, scope: &PlantScope, now: DateTime<Utc>) -> sqlx::Result<Vec<VendorReach>> {
    let sql = concat!(
        reached!(
            "vendor_id",
            " AND v.id IN (
                 SELECT here.vendor_id FROM (
                     SELECT user_id FROM grants WHERE plant_id = $4 AND (expires_at IS NULL OR expires_at > $2)
                     UNION SELECT user_id FROM grants WHERE portfolio_id = $3 AND (expires_at IS NULL OR expires_at > $2)
                     UNION SELECT user_id FROM grants WHERE organization_id = $1 AND portfolio_id IS NULL AND plant_id IS NULL
                         AND (expires_at IS NULL OR expires_at > $2)
                 ) active JOIN users u ON u.id = active.user_id
                 JOIN vendor_people here ON here.user_id = u.id AND here.organization_id = $1 WHERE u.disabled_at IS NULL)"
        ),
        "SELECT v.id, v.name, r.plants FROM reached r JOIN vendors v ON v.id = r.holder ORDER BY v.name_skeleton, v.id"
    );
    fetch!(db, fetch_all as VendorReach, sql, scope.organization, now, scope.portfolio, scope.plant)
}
