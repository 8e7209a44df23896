//! Organizations, portfolios, plants and devices.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    at_work,
    data::{
        access::CLOSED,
        plants::{self as data, ORGANIZATIONS, main_device, single_devices},
    },
    people::People,
};
use crate::{
    cli::bulk::{self, Closure, Device, Organization, Plant, Portfolio},
    foundation::{
        db::Tx,
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
    },
};

/// Age of everything, in days.
const AGE: TimeDelta = TimeDelta::days(490);

/// The ids of everything.
#[derive(Default)]
pub struct Sites {
    /// By key.
    pub organizations: HashMap<&'static str, OrganizationId>,
    /// By name.
    pub portfolios: HashMap<&'static str, (OrganizationId, PortfolioId)>,
    /// By key.
    pub plants: HashMap<&'static str, Site>,
}

/// A plant with its ancestors and the names and ids of its devices.
pub struct Site {
    pub organization: OrganizationId,
    pub portfolio: PortfolioId,
    pub id: PlantId,
    pub name: &'static str,
    pub devices: Vec<(String, DeviceId)>,
}

/// Rows of all tables.
#[derive(Default)]
struct Rows {
    organizations: Vec<Organization>,
    portfolios: Vec<Portfolio>,
    plants: Vec<Plant>,
    devices: Vec<Device>,
}

/// Inserts everything.
pub async fn fill(tx: &mut Tx, people: &People, now: DateTime<Utc>) -> anyhow::Result<Sites> {
    let (mut sites, mut rows, created_at) = (Sites::default(), Rows::default(), now - AGE);
    for organization in &ORGANIZATIONS {
        let id = OrganizationId::new(created_at);
        sites.organizations.insert(organization.key, id.clone());
        let (name, host_suffix) = (organization.name.to_owned(), organization.host_suffix.to_owned());
        rows.organizations.push(Organization { id: id.clone(), name, host_suffix, created_at });
        for (name, plants) in organization.portfolios {
            let portfolio = PortfolioId::new(created_at);
            sites.portfolios.insert(name, (id.clone(), portfolio.clone()));
            rows.portfolios.push(Portfolio { id: portfolio.clone(), organization: id.clone(), name: (*name).to_owned(), created_at });
            for plant in *plants {
                let site = rows.add_plant(people, organization, (&id, &portfolio), plant, now);
                sites.plants.insert(plant.0, site);
            }
        }
    }
    bulk::insert_organizations(tx, &rows.organizations).await?;
    bulk::insert_portfolios(tx, &rows.portfolios).await?;
    bulk::insert_plants(tx, &rows.plants).await?;
    bulk::insert_devices(tx, &rows.devices).await?;
    Ok(sites)
}

impl Rows {
    fn add_plant(
        &mut self,
        people: &People,
        organization: &data::Organization,
        (organization_id, portfolio): (&OrganizationId, &PortfolioId),
        (key, name, kind, place, latitude, longitude, capacity_kw, devices): &data::Plant,
        now: DateTime<Utc>,
    ) -> Site {
        let (id, created_at) = (PlantId::new(now - AGE), now - AGE);
        let closed = CLOSED.iter().find(|closed| closed.0 == *key);
        let closure = closed.map(|(_, by, days, reason)| Closure {
            at: at_work(now, *days, 15, 42, people.get(by).zone),
            by: people.id(by).clone(),
            reason: (*reason).to_owned(),
        });
        self.plants.push(Plant {
            id: id.clone(),
            portfolio: portfolio.clone(),
            organization: organization_id.clone(),
            name: (*name).to_owned(),
            kind: *kind,
            place: (*place).to_owned(),
            country_code: organization.country_code,
            coordinates: (*latitude, *longitude),
            capacity_kw: *capacity_kw,
            time_zone: organization.time_zone,
            created_at,
            closure,
        });
        let device = |(name, kind): (String, &'static str)| Device {
            id: DeviceId::new(created_at),
            plant: id.clone(),
            portfolio: portfolio.clone(),
            organization: organization_id.clone(),
            kind,
            host: format!("{}.{key}.{}", name.to_lowercase().replace(' ', "-"), organization.host_suffix),
            name,
            created_at,
        };
        let devices: Vec<Device> = device_names(*kind, *devices).into_iter().map(device).collect();
        let names = devices.iter().map(|device| (device.name.clone(), device.id.clone())).collect();
        self.devices.extend(devices);
        Site { organization: organization_id.clone(), portfolio: portfolio.clone(), id, name, devices: names }
    }
}

/// Returns the names and kinds of so many devices of a plant: up to three single ones, and the rest numbered.
fn device_names(kind: crate::plants::model::PlantKind, count: usize) -> Vec<(String, &'static str)> {
    let ((name, kind_of_main), singles) = (main_device(kind), single_devices(kind));
    let singles = &singles[..(count / 2).min(singles.len())];
    let main = (1..=count - singles.len()).map(|number| (format!("{name} {number}"), kind_of_main));
    main.chain(singles.iter().map(|(name, kind)| ((*name).to_owned(), *kind))).collect()
}
