//! SQL of a plant's page.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    device_columns, fetch,
    foundation::{
        db::Connection,
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    plant_columns,
    plants::{
        model::Plant,
        visible::{DeviceRow, PlantRow},
    },
};

/// A plant with the names of what contains it.
#[derive(Debug, FromRow)]
struct NamedPlantRow {
    #[sqlx(flatten)]
    plant: PlantRow,
    organization_name: String,
    portfolio_name: String,
}

/// A plant with the names of what contains it.
pub struct NamedPlant {
    /// The plant, as the person sees it.
    pub plant: Plant,
    /// Name of its organization.
    pub organization_name: String,
    /// Name of its portfolio.
    pub portfolio_name: String,
}

/// Finds a plant, with the roles of a person. `None` if it does not exist. Does not check whether the person sees it.
pub async fn find_plant(db: &mut impl Connection, user: &UserId, id: &PlantId, now: DateTime<Utc>) -> sqlx::Result<Option<NamedPlant>> {
    let sql = concat!(
        "SELECT o.name AS organization_name, p.name AS portfolio_name, ",
        plant_columns!(),
        " FROM plants t JOIN portfolios p ON p.id = t.portfolio_id JOIN organizations o ON o.id = t.organization_id
          LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.id = $3"
    );
    let found = fetch!(db, fetch_optional as NamedPlantRow, sql, user, now, id)?;
    Ok(found.map(|NamedPlantRow { plant, organization_name, portfolio_name }| NamedPlant {
        plant: plant.into(),
        organization_name,
        portfolio_name,
    }))
}

/// Lists up to `limit` devices of a plant by name, after a normalized name. A name is unique in a plant.
pub async fn list_devices(db: &mut impl Connection, plant: &PlantId, after: &str, limit: i64) -> sqlx::Result<Vec<DeviceRow>> {
    let sql = concat!(
        "SELECT ",
        device_columns!(),
        " FROM devices t WHERE t.plant_id = $1 AND t.normalized_name > $2 ORDER BY t.normalized_name LIMIT $3"
    );
    fetch!(db, fetch_all as DeviceRow, sql, plant, after, limit)
}

/// Begins a query with the active grants of enabled people on the plant `$3`, its portfolio `$2` and its organization `$1` at the time `$4`.
macro_rules! reach {
    () => {
        "WITH reach AS (
             SELECT g.id, g.user_id FROM grants g JOIN users u ON u.id = g.user_id WHERE g.id IN (
                 SELECT id FROM grants WHERE organization_id = $1 AND portfolio_id IS NULL AND plant_id IS NULL
                 UNION ALL SELECT id FROM grants WHERE portfolio_id = $2 UNION ALL SELECT id FROM grants WHERE plant_id = $3
             ) AND (g.expires_at IS NULL OR g.expires_at > $4) AND u.disabled_at IS NULL
         ) "
    };
}

/// A plant with its ancestors, whose grants all apply to it.
#[derive(Clone, Copy)]
pub struct Ancestry<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The portfolio.
    pub portfolio: &'a PortfolioId,
    /// The plant.
    pub plant: &'a PlantId,
}

/// Counts the people who can reach a plant: all, and those who work for a vendor.
pub async fn count_people(db: &mut impl Connection, of: Ancestry<'_>, now: DateTime<Utc>) -> sqlx::Result<(i64, i64)> {
    let sql = concat!(
        reach!(),
        "SELECT COUNT(DISTINCT r.user_id), COUNT(DISTINCT v.user_id) FROM reach r
         LEFT JOIN vendor_people v ON v.user_id = r.user_id AND v.organization_id = $1"
    );
    fetch!(db, fetch_one as (i64, i64), sql, of.organization, of.portfolio, of.plant, now)
}
