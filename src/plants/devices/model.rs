//! The fields of a device that people enter, and requests to create and change devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::AppError,
    foundation::{config::PublicUrl, ids::PlantId},
    plants::{
        hosts::check_host,
        model::{Device, check_device_kind, check_name},
        requests::present,
    },
};

/// The fields of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceFields {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// Host name.
    pub host: String,
    /// Whether connections may be upgraded.
    pub upgrades: bool,
}

impl DeviceFields {
    /// Checks and normalizes all fields. The host must lie under one of these suffixes.
    ///
    /// Errors: [`AppError::Invalid`] for the first invalid one.
    pub fn check(self, suffixes: &[String], site: &PublicUrl) -> Result<Self, AppError> {
        let (name, kind) = (check_name(&self.name)?.to_owned(), check_device_kind(&self.kind)?.to_owned());
        let host = check_host(&self.host, suffixes, site)?;
        Ok(Self { name, kind, host, upgrades: self.upgrades })
    }
}

impl From<&Device> for DeviceFields {
    fn from(device: &Device) -> Self {
        let Device { name, kind, host, upgrades, .. } = device.clone();
        Self { name, kind, host, upgrades }
    }
}

/// A request to create a device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[schema(as = DeviceRequest)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// Id of the plant.
    #[schema(value_type = PlantId)]
    pub plant: String,
    /// Name: 1 to 80 characters, unique in the plant.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// Kind, for example "inverter": 1 to 40 characters.
    #[schema(min_length = 1, max_length = 40)]
    pub kind: String,
    /// Host name under a host suffix of the organization, without a port. No IP address.
    #[schema(max_length = 253)]
    pub host: String,
    /// Whether connections may be upgraded, for example to a WebSocket. Defaults to false.
    #[serde(default)]
    pub upgrades: bool,
}

impl NewDevice {
    /// Returns the fields, unchecked.
    pub fn fields(&self) -> DeviceFields {
        let Self { name, kind, host, upgrades, .. } = self.clone();
        DeviceFields { name, kind, host, upgrades }
    }
}

/// A request to change a device. Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChanges {
    /// New name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 80)]
    pub name: Option<String>,
    /// New kind.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 40)]
    pub kind: Option<String>,
    /// New host name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, max_length = 253)]
    pub host: Option<String>,
    /// Whether connections may be upgraded.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    pub upgrades: Option<bool>,
}

impl DeviceChanges {
    /// Returns the fields after the changes, unchecked.
    pub fn apply(&self, before: &DeviceFields) -> DeviceFields {
        let Self { name, kind, host, upgrades } = self.clone();
        DeviceFields {
            name: name.unwrap_or_else(|| before.name.clone()),
            kind: kind.unwrap_or_else(|| before.kind.clone()),
            host: host.unwrap_or_else(|| before.host.clone()),
            upgrades: upgrades.unwrap_or(before.upgrades),
        }
    }
}
