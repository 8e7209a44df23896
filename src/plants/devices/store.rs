//! SQL of single devices.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use crate::{
    device_columns, execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
    },
    one_of,
    permissions::model::ScopeId,
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

/// A plant that had a host and gave it up.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FormerPlant {
    #[sqlx(rename = "plant_id")]
    pub id: PlantId,
    /// Its name. If it was deleted, the one that it had when it gave up the host.
    #[sqlx(rename = "plant_name")]
    pub name: String,
}

/// Selects released hosts, each with its [`FormerPlant`].
macro_rules! former_plants_query {
    () => {
        "SELECT r.host, r.plant_id, COALESCE(p.name, r.plant_name) AS plant_name FROM released_hosts r
         LEFT JOIN plants p ON p.id = r.plant_id WHERE r.organization_id = $1 AND r.host "
    };
}

/// Notes that the devices `$condition` of the table `d` give up their hosts at the time `$2`.
macro_rules! release_query {
    ($condition:literal) => {
        concat!(
            "INSERT INTO released_hosts (organization_id, host, plant_id, plant_name, released_at)
             SELECT d.organization_id, d.host, d.plant_id, p.name, $2 FROM devices d JOIN plants p ON p.id = d.plant_id WHERE ",
            $condition,
            " ON CONFLICT (organization_id, host) DO UPDATE
              SET plant_id = excluded.plant_id, plant_name = excluded.plant_name, released_at = excluded.released_at"
        )
    };
}

/// Notes that a device gives up its host.
pub async fn release_host(tx: &mut Tx, device: &DeviceId, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, release_query!("d.id = $1"), device, now).map(drop)
}

/// Notes that all devices of a plant or portfolio give up their hosts. What an organization released is deleted with it.
pub async fn release_hosts_in(tx: &mut Tx, scope: &ScopeId, now: DateTime<Utc>) -> sqlx::Result<()> {
    match scope {
        ScopeId::Plant(plant) => execute!(tx, release_query!("d.plant_id = $1"), plant, now).map(drop),
        ScopeId::Portfolio(portfolio) => execute!(tx, release_query!("d.portfolio_id = $1"), portfolio, now).map(drop),
        ScopeId::Organization(_) => Ok(()),
    }
}

/// Returns the plant that had a host last, if it gave it up.
pub async fn find_former_plant(db: &mut impl Connection, organization: &OrganizationId, host: &str) -> sqlx::Result<Option<FormerPlant>> {
    fetch!(db, fetch_optional as FormerPlant, concat!(former_plants_query!(), "= $2"), organization, host)
}

/// Returns which of these hosts an organization released, each with the plant that had it last.
pub async fn former_plants(
    db: &mut impl Connection,
    organization: &OrganizationId,
    hosts: &BTreeSet<String>,
) -> sqlx::Result<HashMap<String, FormerPlant>> {
    let sql = one_of!(db, concat!(former_plants_query!(), "IN "), "$2", "");
    let rows: Vec<(String, PlantId, String)> =
        fetch!(db, fetch_all as (String, PlantId, String), sql, organization, json!(hosts).to_string())?;
    Ok(rows.into_iter().map(|(host, id, name)| (host, FormerPlant { id, name })).collect())
}

/// Notes that a host is used again.
pub async fn remove_released_host(tx: &mut Tx, organization: &OrganizationId, host: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM released_hosts WHERE organization_id = $1 AND host = $2", organization, host).map(drop)
}
