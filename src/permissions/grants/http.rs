//! API endpoints for grants. Creating one may invite a person, and lives with invitations: `authentication::registration::http`.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, NotFoundError, QueryErrors, ReauthenticationErrors, RoleError},
    },
    foundation::{
        http::{
            body::Body,
            page::{PageRequest, Parameters},
        },
        ids::GrantId,
        path::Id,
        services::Shared,
    },
    permissions::{
        grants::{actions, model::Extension, store::Filter},
        model::Grant,
    },
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// Maximum number of grants. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Part of the name, username or email address of the person.
    search: Option<String>,
    /// Id of an organization.
    organization: Option<String>,
    /// Id of a portfolio: grants on it and on its plants.
    portfolio: Option<String>,
    /// Id of a plant: grants on the plant itself.
    plant: Option<String>,
    /// Id, username or email address of a person.
    user: Option<String>,
    /// Id or name of a vendor: grants of its people.
    vendor: Option<String>,
}

impl GrantQuery {
    fn filter(self) -> Result<Filter, AppError> {
        let unknown = |field| move |_| AppError::invalid(field, "This is not an id.");
        Ok(Filter {
            organization: self.organization.map(|id| id.parse().map_err(unknown("organization"))).transpose()?,
            portfolio: self.portfolio.map(|id| id.parse().map_err(unknown("portfolio"))).transpose()?,
            plant: self.plant.map(|id| id.parse().map_err(unknown("plant"))).transpose()?,
            user: self.user,
            vendor: self.vendor,
            search: self.search,
        })
    }
}

/// A page of grants.
#[derive(Serialize, ToSchema)]
pub struct GrantPage {
    /// Newest first.
    grants: Vec<Grant>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List grants
///
/// Your own, and all of the organizations that you administer. Those that have ended are not listed.
#[utoipa::path(get, path = "/api/v1/grants", tag = "Grants", params(GrantQuery),
    responses((status = 200, description = "A page of grants.", body = GrantPage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Parameters(query): Parameters<GrantQuery>,
) -> Result<Json<GrantPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor.clone(), query.search.clone())?;
    let (grants, next_cursor) = actions::list(&services, &principal, &query.filter()?, &page).await?;
    Ok(Json(GrantPage { grants, next_cursor }))
}

/// Get a grant
///
/// One of your own, or of an organization that you administer.
#[utoipa::path(get, path = "/api/v1/grants/{id}", tag = "Grants", params(("id" = GrantId, Path, description = "Id of the grant.")),
    responses((status = 200, description = "The grant.", body = Grant), AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(State(services): Shared, principal: Authorized<ReadPlants>, Id(id): Id<GrantId>) -> Result<Json<Grant>, AppError> {
    actions::get(&services, &principal, &id).await.map(Json)
}

/// Change the end of a grant
///
/// Requires a session whose user entered the password in the last 10 minutes, and administers the organization. One's own grant is
/// changed by owners only. The person and all owners are notified by mail.
#[utoipa::path(patch, path = "/api/v1/grants/{id}", tag = "Grants", request_body = Extension,
    params(("id" = GrantId, Path, description = "Id of the grant.")),
    responses((status = 200, description = "The grant.", body = Grant), ReauthenticationErrors, RoleError, NotFoundError, BodyErrors, CommonErrors))]
pub async fn extend(
    State(services): Shared,
    caller: CurrentSession,
    Id(id): Id<GrantId>,
    Body(extension): Body<Extension>,
) -> Result<Json<Grant>, AppError> {
    actions::extend(&services, Actor::Principal(&caller), &id, &extension).await.map(Json)
}

/// End a grant
///
/// Takes effect at the next request. Requires a session whose user entered the password in the last 10 minutes, and administers the
/// organization or has the grant. The person and all owners are notified by mail.
#[utoipa::path(delete, path = "/api/v1/grants/{id}", tag = "Grants", params(("id" = GrantId, Path, description = "Id of the grant.")),
    responses((status = 204, description = "The grant was ended."), ReauthenticationErrors, NotFoundError, CommonErrors))]
pub async fn end(State(services): Shared, caller: CurrentSession, Id(id): Id<GrantId>) -> Result<StatusCode, AppError> {
    actions::end(&services, Actor::Principal(&caller), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
