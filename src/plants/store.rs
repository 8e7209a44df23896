//! SQL of single plants.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    one_of,
    permissions::model::ScopeId,
    plant_columns,
    plants::{
        actions::Contents,
        fields::PlantFields,
        model::{Plant, normalize_name},
        visible::PlantRow,
    },
};

/// Finds a plant, with the roles of a person.
pub async fn find(db: &mut impl Connection, user: Option<&UserId>, id: &PlantId, now: DateTime<Utc>) -> sqlx::Result<Option<Plant>> {
    let sql = concat!("SELECT ", plant_columns!(), " FROM plants t LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.id = $3");
    Ok(fetch!(db, fetch_optional as PlantRow, sql, user, now, id)?.map(Plant::from))
}

/// Lists all plants, or those of an organization, by organization, portfolio and name. Without roles of anybody.
pub async fn list_all(db: &mut impl Connection, organization: Option<&OrganizationId>, now: DateTime<Utc>) -> sqlx::Result<Vec<Plant>> {
    let sql = concat!(
        "SELECT ",
        plant_columns!(),
        " FROM plants t LEFT JOIN users closer ON closer.id = t.closed_by WHERE $3 IS NULL OR t.organization_id = $3
          ORDER BY t.organization_id, t.portfolio_id, t.normalized_name, t.id"
    );
    let nobody: Option<UserId> = None;
    let rows: Vec<PlantRow> = fetch!(db, fetch_all as PlantRow, sql, nobody, now, organization)?;
    Ok(rows.into_iter().map(Plant::from).collect())
}

/// Lists the plants of an organization with these normalized names. Without roles of anybody.
pub async fn list_named(
    db: &mut impl Connection,
    organization: &OrganizationId,
    names: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Plant>> {
    let sql = one_of!(
        db,
        concat!(
            "SELECT ",
            plant_columns!(),
            " FROM plants t LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.organization_id = $3 AND t.normalized_name IN "
        ),
        "$4",
        ""
    );
    let (nobody, names): (Option<UserId>, _) = (None, json!(names).to_string());
    let rows: Vec<PlantRow> = fetch!(db, fetch_all as PlantRow, sql, nobody, now, organization, names)?;
    Ok(rows.into_iter().map(Plant::from).collect())
}

/// Inserts a plant.
pub async fn insert(
    tx: &mut Tx,
    id: &PlantId,
    portfolio: &PortfolioId,
    organization: &OrganizationId,
    fields: &PlantFields,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let normalized_place = fields.place.as_deref().map(normalize_name);
    execute!(
        tx,
        "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, place, normalized_place, country_code, latitude,
             longitude, capacity_kw, time_zone, version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14)",
        id,
        portfolio,
        organization,
        &fields.name,
        normalize_name(&fields.name),
        fields.kind,
        &fields.place,
        normalized_place,
        &fields.country_code,
        fields.latitude,
        fields.longitude,
        fields.capacity_kw,
        &fields.time_zone,
        now,
    )?;
    Ok(())
}

/// Updates a plant and its portfolio. Its devices follow by foreign key.
pub async fn update(tx: &mut Tx, id: &PlantId, portfolio: &PortfolioId, fields: &PlantFields) -> sqlx::Result<()> {
    let normalized_place = fields.place.as_deref().map(normalize_name);
    execute!(
        tx,
        "UPDATE plants SET portfolio_id = $2, name = $3, normalized_name = $4, kind = $5, place = $6, normalized_place = $7,
             country_code = $8, latitude = $9, longitude = $10, capacity_kw = $11, time_zone = $12, version = version + 1 WHERE id = $1",
        id,
        portfolio,
        &fields.name,
        normalize_name(&fields.name),
        fields.kind,
        &fields.place,
        normalized_place,
        &fields.country_code,
        fields.latitude,
        fields.longitude,
        fields.capacity_kw,
        &fields.time_zone,
    )?;
    Ok(())
}

/// Removes a plant with its devices and grants.
pub async fn remove(tx: &mut Tx, id: &PlantId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM plants WHERE id = $1", id).map(drop)
}

/// Closes remote access of a plant. If it is closed already, it stays so since then, for the new reason.
pub async fn close(tx: &mut Tx, id: &PlantId, by: Option<&UserId>, reason: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let sql = "UPDATE plants SET closed_at = COALESCE(closed_at, $2), closed_by = $3, closed_reason = $4 WHERE id = $1";
    execute!(tx, sql, id, now, by, reason).map(drop)
}

/// Reopens remote access of a plant.
pub async fn reopen(tx: &mut Tx, id: &PlantId) -> sqlx::Result<()> {
    execute!(tx, "UPDATE plants SET closed_at = NULL, closed_by = NULL, closed_reason = NULL WHERE id = $1", id).map(drop)
}

/// Counts what a scope contains, and the grants in it that have not expired at the time `$2`.
macro_rules! contents_query {
    ($portfolios:literal, $plants:literal, $devices:literal, $grants:literal) => {
        concat!(
            "SELECT (SELECT COUNT(*) FROM portfolios WHERE ",
            $portfolios,
            ") AS portfolios, (SELECT COUNT(*) FROM plants WHERE ",
            $plants,
            ") AS plants, (SELECT COUNT(*) FROM devices WHERE ",
            $devices,
            ") AS devices, (SELECT COUNT(*) FROM grants WHERE (expires_at IS NULL OR expires_at > $2) AND (",
            $grants,
            ")) AS grants"
        )
    };
}

/// Counts what a scope contains.
pub async fn count_contents(db: &mut impl Connection, scope: &ScopeId, now: DateTime<Utc>) -> sqlx::Result<Contents> {
    match scope {
        ScopeId::Organization(id) => {
            let sql = contents_query!("organization_id = $1", "organization_id = $1", "organization_id = $1", "organization_id = $1");
            fetch!(db, fetch_one as Contents, sql, id, now)
        }
        ScopeId::Portfolio(id) => {
            let sql = contents_query!(
                "id = $1",
                "portfolio_id = $1",
                "portfolio_id = $1",
                "portfolio_id = $1 OR plant_id IN (SELECT id FROM plants WHERE portfolio_id = $1)"
            );
            fetch!(db, fetch_one as Contents, sql, id, now)
        }
        ScopeId::Plant(id) => {
            fetch!(db, fetch_one as Contents, contents_query!("id = '' AND $1 = ''", "id = $1", "plant_id = $1", "plant_id = $1"), id, now)
        }
    }
}
