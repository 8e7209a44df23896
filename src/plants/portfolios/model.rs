//! Requests to create and change portfolios.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::foundation::ids::OrganizationId;

/// A request to create a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[schema(as = PortfolioRequest)]
#[serde(deny_unknown_fields)]
pub struct NewPortfolio {
    /// Id of the organization.
    #[schema(value_type = OrganizationId)]
    pub organization: String,
    /// Name: 1 to 80 characters, unique in the organization.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
}

/// A request to rename a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortfolioChanges {
    /// New name. Absent: stays as it is.
    #[serde(default, deserialize_with = "crate::plants::requests::present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 80)]
    pub name: Option<String>,
}
