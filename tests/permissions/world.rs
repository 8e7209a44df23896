//! Random organizations with their plants, people and grants, and a model of who sees what there: slow, and obviously right.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*};
use whereabouts::{
    foundation::{
        db::Tx,
        ids::{DeviceId, GrantId, OrganizationId, PlantId, PortfolioId, UserId, VendorId},
    },
    insert_rows,
    permissions::{
        decide::GrantedRole,
        model::{OrganizationRole, Role, ScopeId},
    },
    plants::model::{PlantKind, normalize_name},
};

/// Number of people, and of organizations, in each world.
pub const PEOPLE: usize = 3;
pub const ORGANIZATIONS: usize = 3;

/// Parts of names: with capitals, and with what is special in patterns.
const NAMES: [&str; 6] = ["Solarpark Süd", "wind_park", "50 % Anteil", "Straße", "Speicher!", "STRASSE"];

/// Everything is a number: the position in its list, or the number of a person or organization.
#[derive(Debug, Clone)]
pub struct World {
    /// The organization of each portfolio. There is at least one portfolio.
    pub portfolios: Vec<usize>,
    pub plants: Vec<Plant>,
    /// The plant of each device.
    pub devices: Vec<usize>,
    pub grants: Vec<Grant>,
    /// The roles of people in organizations.
    pub members: BTreeMap<(usize, usize), OrganizationRole>,
    /// People who work for the vendor of an organization.
    pub vendor_people: BTreeSet<(usize, usize)>,
}

#[derive(Debug, Clone)]
pub struct Plant {
    pub portfolio: usize,
    pub name: String,
    pub kind: PlantKind,
    pub is_closed: bool,
}

#[derive(Debug, Clone)]
pub struct Grant {
    pub person: usize,
    pub place: Place,
    pub role: Role,
    /// Seconds until the end. It has ended if there are none left.
    pub ends_in: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Organization(usize),
    Portfolio(usize),
    Plant(usize),
}

/// A grant before its place is known to exist: the level and a number at that level.
type AnyGrant = (usize, usize, usize, Role, Option<i64>);

prop_compose! {
    fn any_grant()(
        person in 0..PEOPLE,
        level in 0..3_usize,
        number in 0..64_usize,
        role in prop::sample::select(&Role::ALL[..]),
        ends_in in prop::sample::select(vec![None, None, Some(3_600), Some(1), Some(0), Some(-60)]),
    ) -> AnyGrant {
        (person, level, number, role, ends_in)
    }
}

prop_compose! {
    /// Returns a world with up to 12 plants.
    pub fn worlds()(
        portfolios in vec(0..ORGANIZATIONS, 1..7),
        plants in vec((0..64_usize, 0..NAMES.len(), prop::sample::select(&PlantKind::ALL[..]), any::<bool>()), 0..13),
        devices in vec(0..64_usize, 0..17),
        grants in vec(any_grant(), 0..11),
        members in vec((0..PEOPLE, 0..ORGANIZATIONS, prop::sample::select(&OrganizationRole::ALL[..])), 0..4),
        vendor_people in vec((0..PEOPLE, 0..ORGANIZATIONS), 0..4),
    ) -> World {
        let plant = |(number, (portfolio, name, kind, is_closed)): (usize, (usize, usize, PlantKind, bool))| {
            Plant { portfolio: portfolio % portfolios.len(), name: format!("{} {number}", NAMES[name]), kind, is_closed }
        };
        let plants: Vec<Plant> = plants.into_iter().enumerate().map(plant).collect();
        let devices = devices.into_iter().filter(|_| !plants.is_empty()).map(|plant| plant % plants.len()).collect();
        let members = members.into_iter().map(|(person, organization, role)| ((person, organization), role)).collect();
        let mut world = World { portfolios, plants, devices, grants: Vec::new(), members, vendor_people: vendor_people.into_iter().collect() };
        for grant in grants {
            world.add_grant(grant);
        }
        world
    }
}

prop_compose! {
    /// Returns a world with a grant that may be added to it.
    pub fn worlds_with_grant()(world in worlds(), grant in any_grant()) -> (World, AnyGrant) {
        (world, grant)
    }
}

prop_compose! {
    /// Returns a world with moves of plants: numbers of a plant and of a portfolio.
    pub fn worlds_with_moves()(world in worlds(), moves in vec((0..64_usize, 0..64_usize), 1..4)) -> (World, Vec<(usize, usize)>) {
        (world, moves)
    }
}

/// Returns the id of a thing of this kind. The order of ids is not that of the numbers.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(kind: u8, number: usize) -> T {
    let mixed = (number as u32 + 1).wrapping_mul(0x9e37_79b1);
    format!("{mixed:08x}-0000-7000-8000-{kind:04x}{number:08x}").parse().unwrap()
}

pub fn organization_id(number: usize) -> OrganizationId {
    id(1, number)
}

pub fn portfolio_id(number: usize) -> PortfolioId {
    id(2, number)
}

pub fn plant_id(number: usize) -> PlantId {
    id(3, number)
}

pub fn device_id(number: usize) -> DeviceId {
    id(4, number)
}

pub fn grant_id(number: usize) -> GrantId {
    id(5, number)
}

pub fn vendor_id(organization: usize) -> VendorId {
    id(6, organization)
}

pub fn vendor_name(organization: usize) -> String {
    format!("Vendor {organization}")
}

pub fn device_host(number: usize) -> String {
    format!("d{number}.example")
}

impl Place {
    pub fn scope(self) -> ScopeId {
        match self {
            Self::Organization(number) => ScopeId::Organization(organization_id(number)),
            Self::Portfolio(number) => ScopeId::Portfolio(portfolio_id(number)),
            Self::Plant(number) => ScopeId::Plant(plant_id(number)),
        }
    }
}

impl Grant {
    pub fn is_active(&self) -> bool {
        self.ends_in.is_none_or(|seconds| seconds > 0)
    }
}

/// The model.
impl World {
    /// Adds a grant, unless there is one of this person with this role at this place, or no such place. Returns whether it was added.
    pub fn add_grant(&mut self, (person, level, number, role, ends_in): AnyGrant) -> bool {
        let place = match level {
            0 => Place::Organization(number % ORGANIZATIONS),
            1 => Place::Portfolio(number % self.portfolios.len()),
            _ if self.plants.is_empty() => return false,
            _ => Place::Plant(number % self.plants.len()),
        };
        let is_new = !self.grants.iter().any(|other| (other.person, other.place, other.role) == (person, place, role));
        if is_new {
            self.grants.push(Grant { person, place, role, ends_in });
        }
        is_new
    }

    pub fn organization_of(&self, place: Place) -> usize {
        match place {
            Place::Organization(number) => number,
            Place::Portfolio(number) => self.portfolios[number],
            Place::Plant(number) => self.portfolios[self.plants[number].portfolio],
        }
    }

    /// Returns the place and everything that contains it.
    pub fn with_ancestors(&self, place: Place) -> Vec<Place> {
        let organization = Place::Organization(self.organization_of(place));
        match place {
            Place::Organization(_) => vec![place],
            Place::Portfolio(_) => vec![place, organization],
            Place::Plant(number) => vec![place, Place::Portfolio(self.plants[number].portfolio), organization],
        }
    }

    /// Returns the numbers of the grants of a person that apply to a place, expired ones too.
    pub fn grants_on(&self, person: usize, place: Place) -> BTreeSet<usize> {
        let places = self.with_ancestors(place);
        let applies = |grant: &Grant| grant.person == person && places.contains(&grant.place);
        self.grants.iter().enumerate().filter(|(_, grant)| applies(grant)).map(|(number, _)| number).collect()
    }

    /// Returns the number of a grant.
    pub fn number_of(&self, granted: &GrantedRole) -> usize {
        (0..self.grants.len()).find(|number| grant_id(*number) == granted.grant).unwrap()
    }

    /// Returns the active roles of a person at a plant.
    pub fn roles(&self, person: usize, plant: usize) -> BTreeSet<Role> {
        let grants = self.grants_on(person, Place::Plant(plant));
        grants.into_iter().map(|number| &self.grants[number]).filter(|grant| grant.is_active()).map(|grant| grant.role).collect()
    }

    pub fn administers(&self, person: usize, organization: usize) -> bool {
        matches!(self.members.get(&(person, organization)), Some(OrganizationRole::Owner | OrganizationRole::Administrator))
    }

    pub fn sees(&self, person: usize, plant: usize) -> bool {
        self.administers(person, self.organization_of(Place::Plant(plant))) || !self.roles(person, plant).is_empty()
    }

    /// Returns whether a person may know that a place exists: they see something in it, or have an active grant on it or a role there.
    pub fn knows(&self, person: usize, place: Place) -> bool {
        let organization = self.organization_of(place);
        let is_member = self.members.contains_key(&(person, organization)) && matches!(place, Place::Organization(_));
        let mut active = self.grants.iter().filter(|grant| grant.person == person && grant.is_active());
        let has_grant =
            active.any(|grant| self.with_ancestors(place).contains(&grant.place) || self.with_ancestors(grant.place).contains(&place));
        is_member || self.administers(person, organization) || has_grant
    }

    pub fn places(&self) -> impl Iterator<Item = Place> {
        let organizations = (0..ORGANIZATIONS).map(Place::Organization);
        organizations.chain((0..self.portfolios.len()).map(Place::Portfolio)).chain((0..self.plants.len()).map(Place::Plant))
    }
}

/// The same world in the database.
impl World {
    pub async fn insert(&self, tx: &mut Tx, people: &[UserId; PEOPLE], now: DateTime<Utc>) {
        self.insert_tree(tx, people, now).await.unwrap();
        self.insert_people(tx, people, now).await.unwrap();
        self.insert_grants(tx, people, 0, now).await.unwrap();
    }

    async fn insert_tree(&self, tx: &mut Tx, people: &[UserId; PEOPLE], now: DateTime<Utc>) -> sqlx::Result<()> {
        let organizations = "INSERT INTO organizations (id, name, normalized_name, created_at) ";
        insert_rows!(tx, organizations, 0..ORGANIZATIONS, |row, number| {
            row.push_bind(organization_id(number)).push_bind(format!("O {number}")).push_bind(format!("o {number}")).push_bind(now)
        })?;
        let portfolios = "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) ";
        insert_rows!(tx, portfolios, self.portfolios.iter().enumerate(), |row, (number, organization)| {
            row.push_bind(portfolio_id(number)).push_bind(organization_id(*organization));
            row.push_bind(format!("P {number}")).push_bind(format!("p {number}")).push_bind(now)
        })?;
        let plants = "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, version, created_at, closed_at,
                                          closed_by, closed_reason) ";
        insert_rows!(tx, plants, self.plants.iter().enumerate(), |row, (number, plant)| {
            row.push_bind(plant_id(number)).push_bind(portfolio_id(plant.portfolio));
            row.push_bind(organization_id(self.portfolios[plant.portfolio]));
            row.push_bind(plant.name.clone()).push_bind(normalize_name(&plant.name)).push_bind(plant.kind).push_bind(1_i64).push_bind(now);
            row.push_bind(plant.is_closed.then_some(now)).push_bind(plant.is_closed.then(|| people[0].clone()));
            row.push_bind(plant.is_closed.then_some("Maintenance"))
        })?;
        let devices = "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades,
                                            version, created_at) ";
        insert_rows!(tx, devices, self.devices.iter().enumerate(), |row, (number, plant)| {
            let portfolio = self.plants[*plant].portfolio;
            row.push_bind(device_id(number)).push_bind(plant_id(*plant)).push_bind(portfolio_id(portfolio));
            row.push_bind(organization_id(self.portfolios[portfolio])).push_bind(format!("D {number}")).push_bind(format!("d {number}"));
            row.push_bind("inverter").push_bind(device_host(number)).push_bind(false).push_bind(1_i64).push_bind(now)
        })
    }

    async fn insert_people(&self, tx: &mut Tx, people: &[UserId; PEOPLE], now: DateTime<Utc>) -> sqlx::Result<()> {
        let members = "INSERT INTO memberships (user_id, organization_id, role, created_at) ";
        insert_rows!(tx, members, &self.members, |row, ((person, organization), role)| {
            row.push_bind(people[*person].clone()).push_bind(organization_id(*organization)).push_bind(*role).push_bind(now)
        })?;
        let vendors = "INSERT INTO vendors (id, organization_id, name, name_skeleton, created_at) ";
        insert_rows!(tx, vendors, 0..ORGANIZATIONS, |row, number| {
            row.push_bind(vendor_id(number)).push_bind(organization_id(number));
            row.push_bind(vendor_name(number)).push_bind(vendor_name(number)).push_bind(now)
        })?;
        let vendor_people = "INSERT INTO vendor_people (user_id, organization_id, vendor_id) ";
        insert_rows!(tx, vendor_people, &self.vendor_people, |row, (person, organization)| {
            row.push_bind(people[*person].clone()).push_bind(organization_id(*organization)).push_bind(vendor_id(*organization))
        })
    }

    /// Inserts the grants from a number on.
    pub async fn insert_grants(&self, tx: &mut Tx, people: &[UserId; PEOPLE], from: usize, now: DateTime<Utc>) -> sqlx::Result<()> {
        let grants = "INSERT INTO grants (id, user_id, role, organization_id, portfolio_id, plant_id, granted_at, expires_at, reason) ";
        insert_rows!(tx, grants, self.grants.iter().enumerate().skip(from), |row, (number, grant)| {
            let (portfolio, plant) = match grant.place {
                Place::Organization(_) => (None, None),
                Place::Portfolio(portfolio) => (Some(portfolio_id(portfolio)), None),
                Place::Plant(plant) => (None, Some(plant_id(plant))),
            };
            let organization = organization_id(self.organization_of(grant.place));
            row.push_bind(grant_id(number)).push_bind(people[grant.person].clone()).push_bind(grant.role).push_bind(organization);
            row.push_bind(portfolio).push_bind(plant).push_bind(now);
            row.push_bind(grant.ends_in.map(|seconds| now + TimeDelta::seconds(seconds))).push_bind("Operations")
        })
    }
}
