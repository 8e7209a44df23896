//! Members, as the API shows them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::permissions::model::{OrganizationRole, Person};

/// Somebody with a role in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    /// The person.
    pub user: Person,
    /// The role.
    pub role: OrganizationRole,
    /// Since when the person is a member, in whatever role.
    pub since: DateTime<Utc>,
    /// Whether the person's account is enabled.
    pub enabled: bool,
}

/// A request to give a person a role in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    /// The role, in place of any other.
    pub role: OrganizationRole,
}
