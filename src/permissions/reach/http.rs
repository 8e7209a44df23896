//! API endpoints for who reaches what.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, NotFoundError, QueryErrors, RoleError},
    },
    foundation::{
        http::page::{PageRequest, Parameters},
        ids::{OrganizationId, PlantId},
        path::{Id, Segments},
        services::Shared,
    },
    permissions::reach::{
        actions,
        model::{PersonWithAccess, ReachOfPerson},
    },
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    /// Maximum number of people. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Part of the name, username or email address.
    search: Option<String>,
}

/// A page of people who can reach a plant.
#[derive(Serialize, ToSchema)]
pub struct AccessPage {
    /// By name.
    people: Vec<PersonWithAccess>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List who can reach a plant
///
/// Each person with all their grants: on the plant, its portfolio and its organization. For operators and auditors of the plant, and for
/// owners and administrators of the organization.
#[utoipa::path(get, path = "/api/v1/plants/{id}/access", tag = "Grants",
    params(("id" = PlantId, Path, description = "Id of the plant."), AccessQuery),
    responses((status = 200, description = "A page of people.", body = AccessPage), AuthErrors, RoleError, NotFoundError, QueryErrors, CommonErrors))]
pub async fn people(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(plant): Id<PlantId>,
    Parameters(query): Parameters<AccessQuery>,
) -> Result<Json<AccessPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let (people, next_cursor) = actions::people(&services, &principal, &plant, &page).await?;
    Ok(Json(AccessPage { people, next_cursor }))
}

/// Get what a person can reach
///
/// All grants of one person in an organization, each with the number of its plants and devices. For owners and administrators of the
/// organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/people/{user}/access", tag = "Grants",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("user" = String, Path, description = "Id, username or email address.")),
    responses((status = 200, description = "What the person reaches.", body = ReachOfPerson), AuthErrors, RoleError, NotFoundError, CommonErrors))]
pub async fn person(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Segments((organization, user)): Segments<(String, String)>,
) -> Result<Json<ReachOfPerson>, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    actions::person(&services, &principal, &organization, &user).await.map(Json)
}
