//! API endpoints for plants.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, EditPlants, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, EditErrors, NotFoundError, OutdatedError, PlatformErrors, QueryErrors},
    },
    foundation::{
        http::{
            body::Body,
            etag::{IfMatch, with_version},
            page::{PageRequest, Parameters},
        },
        ids::{OrganizationId, PlantId, PortfolioId},
        path::Id,
        services::Shared,
    },
    plants::{
        actions, closure,
        fields::{NewPlant, PlantChanges, check_kind},
        model::{Plant, PlantKind},
        requests::parse_optional_id,
        visible::Filter,
    },
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlantQuery {
    /// Maximum number of plants. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Text that the name, the place, or the name or host of a device contains.
    search: Option<String>,
    /// Id of an organization: only its plants.
    #[param(value_type = OrganizationId)]
    organization: Option<String>,
    /// Id of a portfolio: only its plants.
    #[param(value_type = PortfolioId)]
    portfolio: Option<String>,
    /// Only plants of this kind.
    #[param(value_type = PlantKind)]
    kind: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct PlantPage {
    /// By organization, portfolio and name.
    plants: Vec<Plant>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// A request to close remote access.
#[derive(Deserialize, ToSchema)]
#[schema(as = ClosureRequest)]
#[serde(deny_unknown_fields)]
pub struct NewClosure {
    /// Why: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// List plants
///
/// Those that you may see, by organization, portfolio and name.
#[utoipa::path(get, path = "/api/v1/plants", tag = "Plants", params(PlantQuery),
    responses((status = 200, description = "A page of plants.", body = PlantPage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Parameters(query): Parameters<PlantQuery>,
) -> Result<Json<PlantPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let filter = Filter {
        organization: parse_optional_id("organization", query.organization.as_deref())?,
        portfolio: parse_optional_id("portfolio", query.portfolio.as_deref())?,
        plant: None,
        kind: query.kind.as_deref().map(check_kind).transpose()?,
        search: page.search.clone(),
    };
    let (plants, next_cursor) = actions::list(&services, &principal, filter, &page).await?;
    Ok(Json(PlantPage { plants, next_cursor }))
}

/// Get a plant
#[utoipa::path(get, path = "/api/v1/plants/{id}", tag = "Plants", params(("id" = PlantId, Path, description = "Id of the plant.")),
    responses((status = 200, description = "The plant.", body = Plant, headers(("ETag" = String, description = "Version of the plant, for `If-Match`."))),
        AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(State(services): Shared, principal: Authorized<ReadPlants>, Id(id): Id<PlantId>) -> Result<Response, AppError> {
    let plant = actions::get(&services, &principal, &id).await?;
    Ok(with_version(plant.version, &plant))
}

/// Create a plant
///
/// For those who may edit all plants of the portfolio.
#[utoipa::path(post, path = "/api/v1/plants", tag = "Plants", request_body = NewPlant,
    responses((status = 201, description = "The plant.", body = Plant, headers(("ETag" = String, description = "Version of the plant, for `If-Match`."))),
        EditErrors, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Body(request): Body<NewPlant>,
) -> Result<Response, AppError> {
    let created = actions::create(&services, Actor::Principal(&principal), &request).await?;
    Ok((StatusCode::CREATED, with_version(created.version, &created)).into_response())
}

/// Change a plant
///
/// For those who may edit it. Absent fields stay as they are; null clears one. Another `portfolio` moves the plant, which changes whose access
/// there is: that is for those who administer the organization, with a session whose user entered the password in the last 10 minutes.
#[utoipa::path(patch, path = "/api/v1/plants/{id}", tag = "Plants", request_body = PlantChanges,
    params(("id" = PlantId, Path, description = "Id of the plant."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the version to change.")),
    responses((status = 200, description = "The plant.", body = Plant, headers(("ETag" = String, description = "The new version."))),
        EditErrors, NotFoundError, OutdatedError, BodyErrors, CommonErrors))]
pub async fn update(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<PlantId>,
    headers: HeaderMap,
    Body(changes): Body<PlantChanges>,
) -> Result<Response, AppError> {
    let expected = IfMatch::from_headers(&headers);
    let plant = actions::update(&services, Actor::Principal(&principal), &id, &expected, &changes).await?;
    Ok(with_version(plant.version, &plant))
}

/// Delete a plant
///
/// With its devices and grants. For those who administer the organization.
#[utoipa::path(delete, path = "/api/v1/plants/{id}", tag = "Plants",
    params(("id" = PlantId, Path, description = "Id of the plant."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the version to delete.")),
    responses((status = 204, description = "The plant was deleted."), EditErrors, NotFoundError, OutdatedError, CommonErrors))]
pub async fn delete(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<PlantId>,
    headers: HeaderMap,
) -> Result<StatusCode, AppError> {
    actions::delete(&services, Actor::Principal(&principal), &id, &IfMatch::from_headers(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close remote access
///
/// From the next request, no device of the plant answers anybody. The owners of the organization are notified. If it is closed already, the
/// reason is replaced.
#[utoipa::path(put, path = "/api/v1/plants/{id}/closure", tag = "Plants", request_body = NewClosure, params(("id" = PlantId, Path, description = "Id of the plant.")),
    responses((status = 200, description = "The plant.", body = Plant), EditErrors, NotFoundError, BodyErrors, CommonErrors))]
pub async fn close(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<PlantId>,
    Body(request): Body<NewClosure>,
) -> Result<Response, AppError> {
    let plant = closure::actions::close(&services, Actor::Principal(&principal), &id, &request.reason).await?;
    Ok(with_version(plant.version, &plant))
}

/// Reopen remote access
///
/// For those who administer the organization, with a session whose user entered the password in the last 10 minutes. The owners of the
/// organization are notified.
#[utoipa::path(delete, path = "/api/v1/plants/{id}/closure", tag = "Plants", params(("id" = PlantId, Path, description = "Id of the plant.")),
    responses((status = 204, description = "Remote access is open."), PlatformErrors, NotFoundError, CommonErrors))]
pub async fn reopen(State(services): Shared, caller: CurrentSession, Id(id): Id<PlantId>) -> Result<StatusCode, AppError> {
    closure::actions::reopen(&services, Actor::Principal(&caller), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
