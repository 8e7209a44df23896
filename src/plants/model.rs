//! Organizations, portfolios, plants and devices, as the API shows them, and the rules for their fields.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::accounts::store::normalize_name;

use crate::{
    error::AppError,
    foundation::{
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
        text::{is_blank, is_deceptive},
    },
    permissions::model::{OrganizationRole, Person, Role},
};

/// Longest name of an organization, portfolio, plant or device, in characters.
pub const MAX_NAME_CHARS: usize = 80;
/// Longest kind of a device, in characters.
const MAX_DEVICE_KIND_CHARS: usize = 40;
/// Largest capacity of a plant, in kilowatts: more than all power plants of the world.
const MAX_CAPACITY_KW: f64 = 1e10;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Organization {
    /// Unique id.
    pub id: OrganizationId,
    /// Name, unique among organizations.
    pub name: String,
    /// The caller's role in it. Null without one.
    pub your_role: Option<OrganizationRole>,
}

/// A portfolio: plants of an organization that are managed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Portfolio {
    /// Unique id.
    pub id: PortfolioId,
    /// Name, unique in its organization.
    pub name: String,
    /// The organization.
    #[sqlx(rename = "organization_id")]
    pub organization: OrganizationId,
}

/// The kind of a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PlantKind {
    /// Photovoltaics.
    Solar,
    /// Wind turbines.
    Wind,
    /// Batteries.
    Storage,
}

impl PlantKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Solar, Self::Wind, Self::Storage];

    /// Returns the key in forms, files and the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Solar => "solar",
            Self::Wind => "wind",
            Self::Storage => "storage",
        }
    }

    /// Returns the name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solar => "Solar",
            Self::Wind => "Wind",
            Self::Storage => "Storage",
        }
    }

    /// Returns the kind with this key. `None` for an unknown key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

/// A plant.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Plant {
    /// Unique id.
    pub id: PlantId,
    /// Name, unique in its organization.
    pub name: String,
    /// Kind.
    pub kind: PlantKind,
    /// The portfolio.
    pub portfolio: PortfolioId,
    /// The organization.
    pub organization: OrganizationId,
    /// Town or region.
    pub place: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Capacity in kilowatts.
    pub capacity_kw: Option<f64>,
    /// IANA name of the time zone.
    pub time_zone: Option<String>,
    /// Number of devices.
    pub devices: i64,
    /// Whether its devices can be reached.
    pub remote_access: RemoteAccess,
    /// The caller's plant roles, by all grants.
    pub your_roles: Vec<Role>,
    /// Version for `If-Match`: changes with each edit.
    #[serde(skip)]
    pub version: i64,
}

/// The state of remote access of a plant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct RemoteAccess {
    /// Whether it is closed: then no device answers anybody.
    pub closed: bool,
    /// Why it was closed.
    pub reason: Option<String>,
    /// Since when it is closed.
    pub since: Option<DateTime<Utc>>,
    /// Who closed it. Null for the command line.
    pub by: Option<Person>,
}

/// A device of a plant: it has a web page behind a host name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = PlantDevice)] // The device of a session has the name `Device` in the description.
pub struct Device {
    /// Unique id.
    pub id: DeviceId,
    /// Name, unique in its plant.
    pub name: String,
    /// Kind, for example "inverter".
    pub kind: String,
    /// The plant.
    #[sqlx(rename = "plant_id")]
    pub plant: PlantId,
    /// The portfolio.
    #[sqlx(rename = "portfolio_id")]
    pub portfolio: PortfolioId,
    /// The organization.
    #[sqlx(rename = "organization_id")]
    pub organization: OrganizationId,
    /// Host name, in lower-case A-labels, without a port.
    pub host: String,
    /// Whether connections may be upgraded, for example to a WebSocket.
    pub upgrades: bool,
    /// Version for `If-Match`: changes with each edit.
    #[serde(skip)]
    pub version: i64,
}

/// Returns the trimmed name.
///
/// Errors: it does not have 1 to 80 characters in one line.
pub fn check_name(name: &str) -> Result<&str, AppError> {
    check_line("name", name, MAX_NAME_CHARS)
}

/// Returns the trimmed kind of a device.
///
/// Errors: it does not have 1 to 40 characters in one line.
pub fn check_device_kind(kind: &str) -> Result<&str, AppError> {
    check_line("kind", kind, MAX_DEVICE_KIND_CHARS)
}

/// Returns the trimmed text of a field.
///
/// Errors: it is empty, longer than `max_chars`, or has line breaks or characters that nobody sees.
pub fn check_line<'a>(field: &str, text: &'a str, max_chars: usize) -> Result<&'a str, AppError> {
    let text = text.trim();
    let is_valid = text.chars().count() <= max_chars && !is_blank(text) && !text.chars().any(is_deceptive);
    let message = format!("Enter 1 to {max_chars} characters without line breaks and invisible characters.");
    if is_valid { Ok(text) } else { Err(AppError::invalid(field, message)) }
}

/// Checks the coordinates of a plant, in degrees north and east.
///
/// Errors: one is missing, or they are not on the globe.
pub fn check_coordinates(latitude: Option<f64>, longitude: Option<f64>) -> Result<(), AppError> {
    let is_within = |degrees: Option<f64>, most: f64| degrees.is_none_or(|degrees| (-most..=most).contains(&degrees));
    if !is_within(latitude, 90.0) {
        return Err(AppError::invalid("latitude", "The latitude is between -90 and 90 degrees."));
    }
    if !is_within(longitude, 180.0) {
        return Err(AppError::invalid("longitude", "The longitude is between -180 and 180 degrees."));
    }
    match (latitude, longitude) {
        (Some(_), None) => Err(AppError::invalid("longitude", "Enter the longitude too, or neither.")),
        (None, Some(_)) => Err(AppError::invalid("latitude", "Enter the latitude too, or neither.")),
        _ => Ok(()),
    }
}

/// Checks the capacity of a plant, in kilowatts.
///
/// Errors: it is negative or beyond any plant.
pub fn check_capacity(capacity_kw: Option<f64>) -> Result<(), AppError> {
    let is_valid = capacity_kw.is_none_or(|capacity| (0.0..=MAX_CAPACITY_KW).contains(&capacity));
    if is_valid { Ok(()) } else { Err(AppError::invalid("capacity_kw", "The capacity is a positive number of kilowatts.")) }
}

/// Checks an IANA time zone.
///
/// Errors: it is unknown.
pub fn check_time_zone(time_zone: Option<&str>) -> Result<(), AppError> {
    let is_valid = time_zone.is_none_or(|zone| zone.parse::<chrono_tz::Tz>().is_ok());
    if is_valid { Ok(()) } else { Err(AppError::invalid("time_zone", "Enter an IANA time zone, such as Europe/Berlin.")) }
}

/// Returns the country code in capitals.
///
/// Errors: it does not have two letters.
pub fn check_country(code: Option<&str>) -> Result<Option<String>, AppError> {
    let is_valid = code.is_none_or(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let message = "Enter the two letters of the country, such as DE.";
    if is_valid { Ok(code.map(str::to_ascii_uppercase)) } else { Err(AppError::invalid("country_code", message)) }
}
