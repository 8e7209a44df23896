//! Inserts many rows with few statements, for `seed` and `demo`.

use chrono::{DateTime, Utc};

use crate::{
    foundation::{
        db::Tx,
        ids::{DeviceId, GrantId, OrganizationId, PlantId, PortfolioId, UserId},
    },
    insert_rows,
    permissions::model::Role,
    plants::model::{PlantKind, normalize_name},
};

/// Maximum binds in a statement: SQLite allows 32,766.
const MAX_BINDS: usize = 32_000;

pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub host_suffix: String,
    pub created_at: DateTime<Utc>,
}

pub struct Portfolio {
    pub id: PortfolioId,
    pub organization: OrganizationId,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

pub struct Plant {
    pub id: PlantId,
    pub portfolio: PortfolioId,
    pub organization: OrganizationId,
    pub name: String,
    pub kind: PlantKind,
    pub place: String,
    pub country_code: &'static str,
    /// Degrees north and east.
    pub coordinates: (f64, f64),
    pub capacity_kw: f64,
    pub time_zone: &'static str,
    pub created_at: DateTime<Utc>,
    pub closure: Option<Closure>,
}

/// Remote access that is closed: since when, by whom and why.
#[derive(Clone)]
pub struct Closure {
    pub at: DateTime<Utc>,
    pub by: UserId,
    pub reason: String,
}

pub struct Device {
    pub id: DeviceId,
    pub plant: PlantId,
    pub portfolio: PortfolioId,
    pub organization: OrganizationId,
    pub name: String,
    pub kind: &'static str,
    pub host: String,
    pub created_at: DateTime<Utc>,
}

/// A grant on a plant, a portfolio or, with neither, an organization.
pub struct Grant {
    pub id: GrantId,
    pub user: UserId,
    pub role: Role,
    pub organization: OrganizationId,
    pub portfolio: Option<PortfolioId>,
    pub plant: Option<PlantId>,
    pub granted_by: Option<UserId>,
    pub granted_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub reason: String,
}

/// Inserts rows in statements of as many as fit. Each row has `$columns` binds.
macro_rules! insert_chunks {
    ($tx:expr, $into:literal, $columns:literal, $rows:expr, |$values:ident, $row:pat_param| $binds:expr) => {{
        for rows in $rows.chunks(MAX_BINDS / $columns) {
            insert_rows!($tx, $into, rows, |$values, $row| $binds)?;
        }
        Ok(())
    }};
}

pub async fn insert_organizations(tx: &mut Tx, rows: &[Organization]) -> sqlx::Result<()> {
    for rows in rows.chunks(MAX_BINDS / 4) {
        insert_rows!(tx, "INSERT INTO organizations (id, name, normalized_name, created_at) ", rows, |values, row| {
            values.push_bind(&row.id).push_bind(&row.name).push_bind(normalize_name(&row.name)).push_bind(row.created_at)
        })?;
    }
    insert_chunks!(tx, "INSERT INTO host_suffixes (suffix, organization_id) ", 2, rows, |values, row| {
        values.push_bind(&row.host_suffix).push_bind(&row.id)
    })
}

pub async fn insert_portfolios(tx: &mut Tx, rows: &[Portfolio]) -> sqlx::Result<()> {
    insert_chunks!(tx, "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) ", 5, rows, |values, row| {
        values.push_bind(&row.id).push_bind(&row.organization).push_bind(&row.name).push_bind(normalize_name(&row.name));
        values.push_bind(row.created_at)
    })
}

pub async fn insert_plants(tx: &mut Tx, rows: &[Plant]) -> sqlx::Result<()> {
    insert_chunks!(
        tx,
        "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, place, normalized_place, country_code, latitude,
             longitude, capacity_kw, time_zone, version, created_at, closed_at, closed_by, closed_reason) ",
        18,
        rows,
        |values, row| {
            values.push_bind(&row.id).push_bind(&row.portfolio).push_bind(&row.organization);
            values.push_bind(&row.name).push_bind(normalize_name(&row.name)).push_bind(row.kind);
            values.push_bind(&row.place).push_bind(normalize_name(&row.place)).push_bind(row.country_code);
            values.push_bind(row.coordinates.0).push_bind(row.coordinates.1).push_bind(row.capacity_kw);
            values.push_bind(row.time_zone).push_bind(1_i64).push_bind(row.created_at);
            let closure = row.closure.as_ref();
            values.push_bind(closure.map(|closure| closure.at)).push_bind(closure.map(|closure| &closure.by));
            values.push_bind(closure.map(|closure| &closure.reason))
        }
    )
}

pub async fn insert_devices(tx: &mut Tx, rows: &[Device]) -> sqlx::Result<()> {
    insert_chunks!(
        tx,
        "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version,
             created_at) ",
        11,
        rows,
        |values, row| {
            values.push_bind(&row.id).push_bind(&row.plant).push_bind(&row.portfolio).push_bind(&row.organization);
            values.push_bind(&row.name).push_bind(normalize_name(&row.name)).push_bind(row.kind).push_bind(&row.host);
            values.push_bind(false).push_bind(1_i64).push_bind(row.created_at)
        }
    )
}

pub async fn insert_grants(tx: &mut Tx, rows: &[Grant]) -> sqlx::Result<()> {
    insert_chunks!(
        tx,
        "INSERT INTO grants (id, user_id, role, organization_id, portfolio_id, plant_id, granted_by, granted_at, expires_at, last_used_at,
             reason) ",
        11,
        rows,
        |values, row| {
            values.push_bind(&row.id).push_bind(&row.user).push_bind(row.role);
            values.push_bind(&row.organization).push_bind(&row.portfolio).push_bind(&row.plant);
            values.push_bind(&row.granted_by).push_bind(row.granted_at).push_bind(row.expires_at).push_bind(row.last_used_at);
            values.push_bind(&row.reason)
        }
    )
}
