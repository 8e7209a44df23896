//! Who reaches what, as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::Group,
    permissions::model::{Grant, OrganizationRole, Person, Role},
};

/// Somebody who reaches a plant, with everything that allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonWithAccess {
    /// The person.
    pub user: Person,
    /// Their plant roles, by all grants.
    pub roles: Vec<Role>,
    /// What they may do with the plant now.
    pub may: Vec<May>,
    /// Name of the vendor that the person works for in the organization. Null for others.
    pub vendor: Option<String>,
    /// Their grants on the plant, its portfolio and its organization, oldest first.
    pub reasons: Vec<Grant>,
    /// Their API tokens that open the devices of the plant.
    pub api_tokens: Vec<TokenWithAccess>,
}

/// What a person may do with a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum May {
    /// To see the plant and its devices.
    See,
    /// To open its devices.
    Reach,
    /// To edit the plant and its devices.
    Manage,
    /// To read its audit log.
    Audit,
}

/// An API token that opens devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenWithAccess {
    /// Name chosen by the owner.
    pub name: String,
    /// Permission group.
    pub group: Group,
}

/// What one person reaches in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReachOfPerson {
    /// The person.
    pub user: Person,
    /// Their role in the organization. Null without one.
    pub role: Option<OrganizationRole>,
    /// Name of the vendor that the person works for in the organization. Null for others.
    pub vendor: Option<String>,
    /// Their grants in the organization, oldest first.
    pub grants: Vec<GrantReach>,
    /// Their API tokens that open devices where a grant does. Empty if none does, or if the account is disabled.
    pub api_tokens: Vec<TokenWithAccess>,
}

/// A grant with what it reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GrantReach {
    /// The grant.
    pub grant: Grant,
    /// Number of plants in its scope.
    pub plants: i64,
    /// Number of devices in its scope.
    pub devices: i64,
}
