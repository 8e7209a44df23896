//! SQL of single devices.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    device_columns, execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
    },
    one_of,
    plants::{
        devices::model::DeviceFields,
        model::{Device, normalize_name},
        visible::DeviceRow,
    },
};

/// Finds a device.
pub async fn find(db: &mut impl Connection, id: &DeviceId) -> sqlx::Result<Option<Device>> {
    let sql = concat!("SELECT ", device_columns!(), " FROM devices t WHERE t.id = $1");
    Ok(fetch!(db, fetch_optional as DeviceRow, sql, id)?.map(|row| row.device))
}

/// Lists all devices, or those of an organization, by organization, portfolio, plant and name.
pub async fn list_all(db: &mut impl Connection, organization: Option<&OrganizationId>) -> sqlx::Result<Vec<Device>> {
    let sql = concat!(
        "SELECT ",
        device_columns!(),
        " FROM devices t WHERE $1 IS NULL OR t.organization_id = $1
          ORDER BY t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id"
    );
    let rows: Vec<DeviceRow> = fetch!(db, fetch_all as DeviceRow, sql, organization)?;
    Ok(rows.into_iter().map(|row| row.device).collect())
}

/// Lists the devices of the plants of an organization with these normalized names.
pub async fn list_of_plants(
    db: &mut impl Connection,
    organization: &OrganizationId,
    plants: &BTreeSet<String>,
) -> sqlx::Result<Vec<Device>> {
    let sql = one_of!(
        db,
        concat!(
            "SELECT ",
            device_columns!(),
            " FROM plants p JOIN devices t ON t.plant_id = p.id WHERE p.organization_id = $1 AND p.normalized_name IN "
        ),
        "$2",
        ""
    );
    let rows: Vec<DeviceRow> = fetch!(db, fetch_all as DeviceRow, sql, organization, json!(plants).to_string())?;
    Ok(rows.into_iter().map(|row| row.device).collect())
}

/// Returns which of these hosts devices of an organization have.
pub async fn find_hosts(
    db: &mut impl Connection,
    organization: &OrganizationId,
    hosts: &BTreeSet<String>,
) -> sqlx::Result<HashSet<String>> {
    let sql = one_of!(db, "SELECT host FROM devices WHERE organization_id = $1 AND host IN ", "$2", "");
    let found: Vec<(String,)> = fetch!(db, fetch_all as (String,), sql, organization, json!(hosts).to_string())?;
    Ok(found.into_iter().map(|(host,)| host).collect())
}

/// Inserts a device of the plant in this portfolio and organization.
pub async fn insert(
    tx: &mut Tx,
    id: &DeviceId,
    (plant, portfolio, organization): (&PlantId, &PortfolioId, &OrganizationId),
    fields: &DeviceFields,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)",
        id,
        plant,
        portfolio,
        organization,
        &fields.name,
        normalize_name(&fields.name),
        &fields.kind,
        &fields.host,
        fields.upgrades,
        now,
    )?;
    Ok(())
}

/// Updates a device.
pub async fn update(tx: &mut Tx, id: &DeviceId, fields: &DeviceFields) -> sqlx::Result<()> {
    execute!(
        tx,
        "UPDATE devices SET name = $2, normalized_name = $3, kind = $4, host = $5, upgrades = $6, version = version + 1 WHERE id = $1",
        id,
        &fields.name,
        normalize_name(&fields.name),
        &fields.kind,
        &fields.host,
        fields.upgrades,
    )?;
    Ok(())
}

/// Removes a device.
pub async fn remove(tx: &mut Tx, id: &DeviceId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM devices WHERE id = $1", id).map(drop)
}
