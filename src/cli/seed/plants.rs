//! Organizations with their portfolios, plants and devices.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Filling, Seed};
use crate::{
    cli::bulk::{self, Device, Organization, Plant, Portfolio},
    foundation::ids::{DeviceId, OrganizationId, PlantId, PortfolioId, UserId},
    permissions::{model::OrganizationRole, store},
    plants::model::PlantKind,
};

const PLANTS_PER_ORGANIZATION: usize = 100;
const PLANTS_PER_PORTFOLIO: usize = 50;
/// Rows per statement and step of the progress.
const ROWS_PER_STEP: usize = 2_500;

/// The ids of everything, by number.
pub struct Tree {
    pub organizations: Vec<OrganizationId>,
    pub portfolios: Vec<PortfolioId>,
    pub plants: Vec<PlantId>,
}

impl Tree {
    /// Creates the ids. They sort by number, so that indexes grow at their end, which is several times faster.
    fn new(plants: usize, now: DateTime<Utc>) -> Self {
        let portfolios = plants.div_ceil(PLANTS_PER_PORTFOLIO);
        let at = |number: usize, count: usize| now - TimeDelta::milliseconds((count - number) as i64);
        let organizations = plants.div_ceil(PLANTS_PER_ORGANIZATION);
        Self {
            organizations: (0..organizations).map(|number| OrganizationId::new(at(number, organizations))).collect(),
            portfolios: (0..portfolios).map(|number| PortfolioId::new(at(number, portfolios))).collect(),
            plants: (0..plants).map(|number| PlantId::new(at(number, plants))).collect(),
        }
    }

    pub fn organization_of(&self, plant: usize) -> &OrganizationId {
        &self.organizations[plant / PLANTS_PER_ORGANIZATION]
    }

    pub fn portfolio_of(&self, plant: usize) -> &PortfolioId {
        &self.portfolios[plant / PLANTS_PER_PORTFOLIO]
    }

    /// Returns the first portfolio of an organization.
    pub fn first_portfolio(&self, organization: usize) -> &PortfolioId {
        self.portfolio_of(organization * PLANTS_PER_ORGANIZATION)
    }

    /// Returns the first plant of an organization.
    pub fn first_plant(&self, organization: usize) -> &PlantId {
        &self.plants[organization * PLANTS_PER_ORGANIZATION]
    }
}

/// Adds everything. The owner, if any, owns each organization.
pub async fn fill(filling: &mut Filling<'_>, seed: &Seed, owner: Option<&UserId>, now: DateTime<Utc>) -> anyhow::Result<Tree> {
    let tree = Tree::new(seed.plants, now);
    fill_organizations(filling, seed, &tree, owner, now).await?;
    filling.begin("plants", seed.plants);
    for first in (0..seed.plants).step_by(ROWS_PER_STEP) {
        let numbers = first..seed.plants.min(first + ROWS_PER_STEP);
        let plants: Vec<Plant> = numbers.map(|number| plant(seed, &tree, number, now)).collect();
        bulk::insert_plants(filling.tx(), &plants).await?;
        filling.wrote(plants.len()).await?;
    }
    let devices = seed.plants * seed.devices_per_plant;
    filling.begin("devices", devices);
    for first in (0..devices).step_by(ROWS_PER_STEP) {
        let numbers = first..devices.min(first + ROWS_PER_STEP);
        let devices: Vec<Device> = numbers.map(|number| device(seed, &tree, number, now)).collect();
        bulk::insert_devices(filling.tx(), &devices).await?;
        filling.wrote(devices.len()).await?;
    }
    Ok(tree)
}

async fn fill_organizations(
    filling: &mut Filling<'_>,
    seed: &Seed,
    tree: &Tree,
    owner: Option<&UserId>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    filling.begin("organizations and portfolios", tree.organizations.len() + tree.portfolios.len());
    let organization = |(number, id): (usize, &OrganizationId)| Organization {
        id: id.clone(),
        name: format!("{} organization {number}", seed.prefix),
        host_suffix: host_suffix(seed, number),
        created_at: now,
    };
    let organizations: Vec<Organization> = tree.organizations.iter().enumerate().map(organization).collect();
    bulk::insert_organizations(filling.tx(), &organizations).await?;
    let portfolio = |(number, id): (usize, &PortfolioId)| Portfolio {
        id: id.clone(),
        organization: tree.organization_of(number * PLANTS_PER_PORTFOLIO).clone(),
        name: format!("{} portfolio {number}", seed.prefix),
        created_at: now,
    };
    let portfolios: Vec<Portfolio> = tree.portfolios.iter().enumerate().map(portfolio).collect();
    bulk::insert_portfolios(filling.tx(), &portfolios).await?;
    for (owner, organization) in owner.into_iter().flat_map(|owner| tree.organizations.iter().map(move |id| (owner, id))) {
        store::set_membership(filling.tx(), owner, organization, OrganizationRole::Owner, now).await?;
    }
    filling.wrote(organizations.len() + portfolios.len()).await?;
    Ok(())
}

/// Returns the domain of the devices of an organization.
fn host_suffix(seed: &Seed, organization: usize) -> String {
    let prefix = seed.prefix.to_ascii_lowercase().replace(['.', '_'], "-");
    format!("o{organization}.{prefix}.example")
}

fn plant(seed: &Seed, tree: &Tree, number: usize, now: DateTime<Utc>) -> Plant {
    Plant {
        id: tree.plants[number].clone(),
        portfolio: tree.portfolio_of(number).clone(),
        organization: tree.organization_of(number).clone(),
        name: format!("{} plant {number}", seed.prefix),
        kind: PlantKind::ALL[number % PlantKind::ALL.len()],
        place: format!("Place {}", number % 1_000),
        country_code: ["DE", "ES", "US"][number / PLANTS_PER_ORGANIZATION % 3],
        coordinates: ((number % 120) as f64 - 60.0, (number % 360) as f64 - 180.0),
        capacity_kw: (number % 500 * 100) as f64,
        time_zone: "UTC",
        created_at: now,
        closure: None,
    }
}

fn device(seed: &Seed, tree: &Tree, number: usize, now: DateTime<Utc>) -> Device {
    let (plant, device) = (number / seed.devices_per_plant, number % seed.devices_per_plant);
    let count = seed.plants * seed.devices_per_plant;
    let suffix = host_suffix(seed, plant / PLANTS_PER_ORGANIZATION);
    Device {
        id: DeviceId::new(now - TimeDelta::milliseconds((count - number) as i64)),
        plant: tree.plants[plant].clone(),
        portfolio: tree.portfolio_of(plant).clone(),
        organization: tree.organization_of(plant).clone(),
        name: format!("Device {device}"),
        kind: "inverter",
        host: format!("d{plant}-{device}.{suffix}"),
        created_at: now,
    }
}
