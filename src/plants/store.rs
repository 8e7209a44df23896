//! SQL of single plants.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use crate::{
    account_columns,
    accounts::model::Account,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    one_of,
    permissions::model::{Person, Role, ScopeId},
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

/// Returns whether a person has a grant on a portfolio itself.
pub async fn has_grant_on_portfolio(
    db: &mut impl Connection,
    user: &UserId,
    portfolio: &PortfolioId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM grants WHERE user_id = $1 AND portfolio_id = $2 AND (expires_at IS NULL OR expires_at > $3) LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, portfolio, now)?.is_some())
}

/// Lists the enabled people with a grant on one of two portfolios themselves.
pub async fn people_of_portfolios(
    db: &mut impl Connection,
    [one, other]: [&PortfolioId; 2],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Account>> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM users WHERE disabled_at IS NULL AND id IN (
             SELECT user_id FROM grants WHERE portfolio_id IN ($1, $2) AND (expires_at IS NULL OR expires_at > $3))"
    );
    fetch!(db, fetch_all as Account, sql, one, other, now)
}

/// A role that a person has by a grant on a plant, on one of two portfolios, or on their organization.
#[derive(Debug, FromRow)]
pub struct RoleRow {
    pub user_id: UserId,
    pub name: String,
    pub username: String,
    pub role: Role,
    pub portfolio_id: Option<PortfolioId>,
}

impl RoleRow {
    /// Returns the person.
    pub fn person(&self) -> Person {
        Person { id: self.user_id.clone(), name: self.name.clone(), username: self.username.clone() }
    }
}

/// Lists the roles that count for a move of a plant, by name: those of people with a grant on either portfolio.
pub async fn roles_for_move(
    db: &mut impl Connection,
    plant: &PlantId,
    [from, to]: [&PortfolioId; 2],
    organization: &OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<RoleRow>> {
    let sql = "SELECT g.user_id, users.name, users.username, g.role, g.portfolio_id FROM grants g JOIN users ON users.id = g.user_id
               WHERE g.organization_id = $4 AND (g.expires_at IS NULL OR g.expires_at > $5) AND users.disabled_at IS NULL
                   AND (g.portfolio_id IN ($2, $3) OR g.plant_id = $1 OR (g.portfolio_id IS NULL AND g.plant_id IS NULL))
                   AND g.user_id IN (SELECT user_id FROM grants WHERE portfolio_id IN ($2, $3))
               ORDER BY users.name, users.id, g.role";
    fetch!(db, fetch_all as RoleRow, sql, plant, from, to, organization, now)
}
