//! API endpoints for organizations.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, NotFoundError, PlatformErrors, QueryErrors},
    },
    foundation::{
        http::{
            body::Body,
            page::{PageRequest, Parameters},
        },
        ids::OrganizationId,
        path::Id,
        services::Shared,
    },
    plants::{
        model::Organization,
        organizations::{
            actions,
            model::{NewOrganization, OrganizationChanges, OrganizationDetails},
        },
    },
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrganizationQuery {
    /// Maximum number of organizations. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Text that the name contains.
    search: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct OrganizationPage {
    /// By name.
    organizations: Vec<Organization>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List organizations
///
/// Those in which you have a role or a grant; all for platform administrators. By name.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "Organizations", params(OrganizationQuery),
    responses((status = 200, description = "A page of organizations.", body = OrganizationPage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Parameters(query): Parameters<OrganizationQuery>,
) -> Result<Json<OrganizationPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let (organizations, next_cursor) = actions::list(&services, &principal, &page).await?;
    Ok(Json(OrganizationPage { organizations, next_cursor }))
}

/// Get an organization
///
/// Those who administer it, and platform administrators, see its host suffixes and what it contains.
#[utoipa::path(get, path = "/api/v1/organizations/{id}", tag = "Organizations", params(("id" = OrganizationId, Path, description = "Id of the organization.")),
    responses((status = 200, description = "The organization.", body = OrganizationDetails), AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(id): Id<OrganizationId>,
) -> Result<Json<OrganizationDetails>, AppError> {
    actions::get(&services, &principal, &id).await.map(Json)
}

/// Create an organization
///
/// For platform administrators, with a session whose user entered the password in the last 10 minutes.
#[utoipa::path(post, path = "/api/v1/organizations", tag = "Organizations", request_body = NewOrganization,
    responses((status = 201, description = "The organization.", body = OrganizationDetails), PlatformErrors, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    caller: CurrentSession,
    Body(request): Body<NewOrganization>,
) -> Result<(StatusCode, Json<OrganizationDetails>), AppError> {
    let created = actions::create(&services, Actor::Principal(&caller), &request).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Change an organization
///
/// Owners and platform administrators rename it; platform administrators assign host suffixes. Requires a session whose user entered the
/// password in the last 10 minutes.
#[utoipa::path(patch, path = "/api/v1/organizations/{id}", tag = "Organizations", request_body = OrganizationChanges,
    params(("id" = OrganizationId, Path, description = "Id of the organization.")),
    responses((status = 200, description = "The organization.", body = OrganizationDetails), PlatformErrors, NotFoundError, BodyErrors, CommonErrors))]
pub async fn update(
    State(services): Shared,
    caller: CurrentSession,
    Id(id): Id<OrganizationId>,
    Body(changes): Body<OrganizationChanges>,
) -> Result<Json<OrganizationDetails>, AppError> {
    actions::update(&services, Actor::Principal(&caller), &id, &changes).await.map(Json)
}

/// Delete an organization
///
/// With its portfolios, plants, devices, members and grants. For platform administrators, with a session whose user entered the password
/// in the last 10 minutes.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}", tag = "Organizations", params(("id" = OrganizationId, Path, description = "Id of the organization.")),
    responses((status = 204, description = "The organization was deleted."), PlatformErrors, NotFoundError, CommonErrors))]
pub async fn delete(State(services): Shared, caller: CurrentSession, Id(id): Id<OrganizationId>) -> Result<StatusCode, AppError> {
    actions::delete(&services, Actor::Principal(&caller), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
