//! Organizations with what only some may see, and requests to change them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plants::{model::Organization, requests::present};

/// An organization with its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganizationDetails {
    /// The organization.
    #[serde(flatten)]
    pub organization: Organization,
    /// The domains under which its devices lie. Only for those who administer it, and for platform administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_suffixes: Option<Vec<String>>,
    /// What it contains. Only for those who administer it, and for platform administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// What an organization contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Counts {
    /// Number of portfolios.
    pub portfolios: i64,
    /// Number of plants.
    pub plants: i64,
    /// Number of devices.
    pub devices: i64,
    /// Number of people with a role or a grant.
    pub people: i64,
}

/// A request to create an organization.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[schema(as = OrganizationRequest)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// Name: 1 to 80 characters, unique among organizations.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// Id, username or email address of the first owner. Defaults to the caller.
    #[serde(default)]
    pub owner: Option<String>,
    /// The domains under which its devices lie, at most 50.
    #[serde(default)]
    pub host_suffixes: Vec<String>,
}

/// A request to change an organization. Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChanges {
    /// New name. For owners and platform administrators.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 80)]
    pub name: Option<String>,
    /// New host suffixes, in place of the current ones. For platform administrators.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false)]
    pub host_suffixes: Option<Vec<String>>,
}
