//! SQL of vendors.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, UserId, VendorId},
    },
    permissions::vendors::model::name_skeleton,
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

/// Joins the grants that have not expired at `$2`, and the plants that they reach, to the people `w` of vendors.
macro_rules! reach {
    () => {
        " LEFT JOIN grants g ON g.user_id = w.user_id AND g.organization_id = w.organization_id
              AND (g.expires_at IS NULL OR g.expires_at > $2)
          LEFT JOIN plants p ON p.organization_id = g.organization_id
              AND (p.id = g.plant_id OR p.portfolio_id = g.portfolio_id OR (g.plant_id IS NULL AND g.portfolio_id IS NULL)) "
    };
}

/// Lists the people of all vendors of an organization by username.
pub async fn people(db: &mut impl Connection, organization: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<Vec<PersonRow>> {
    fetch!(
        db,
        fetch_all as PersonRow,
        concat!(
            "SELECT w.vendor_id, w.user_id, u.name, u.username, COUNT(DISTINCT p.id) AS plants, MAX(g.expires_at) AS expires_at,
                 MAX(g.last_used_at) AS last_used_at
             FROM vendor_people w JOIN users u ON u.id = w.user_id ",
            reach!(),
            " WHERE w.organization_id = $1
              GROUP BY w.vendor_id, w.user_id, u.name, u.username, u.normalized_username ORDER BY u.normalized_username"
        ),
        organization,
        now,
    )
}

/// Returns for each vendor of an organization the number of plants that at least one of its people reaches.
pub async fn plants(db: &mut impl Connection, organization: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<Vec<(VendorId, i64)>> {
    fetch!(
        db,
        fetch_all as (VendorId, i64),
        concat!(
            "SELECT w.vendor_id, COUNT(DISTINCT p.id) FROM vendor_people w ",
            reach!(),
            " WHERE w.organization_id = $1 GROUP BY w.vendor_id"
        ),
        organization,
        now,
    )
}
