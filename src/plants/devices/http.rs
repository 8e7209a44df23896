//! API endpoints for devices.

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
        described::{AuthErrors, BodyErrors, CommonErrors, EditErrors, NotFoundError, OutdatedError, QueryErrors},
    },
    foundation::{
        http::{
            body::Body,
            etag::{IfMatch, with_version},
            page::{PageRequest, Parameters},
        },
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
        path::Id,
        services::Shared,
    },
    plants::{
        devices::{
            actions,
            model::{DeviceChanges, NewDevice},
        },
        model::Device,
        requests::parse_optional_id,
        visible::Filter,
    },
    reauthentication::actor::Actor,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeviceQuery {
    /// Maximum number of devices. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Text that the name or the host contains.
    search: Option<String>,
    /// Id of an organization: only its devices.
    #[param(value_type = OrganizationId)]
    organization: Option<String>,
    /// Id of a portfolio: only its devices.
    #[param(value_type = PortfolioId)]
    portfolio: Option<String>,
    /// Id of a plant: only its devices.
    #[param(value_type = PlantId)]
    plant: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct DevicePage {
    /// By organization, portfolio, plant and name.
    devices: Vec<Device>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List devices
///
/// Those of plants that you may see, by organization, portfolio, plant and name.
#[utoipa::path(get, path = "/api/v1/devices", tag = "Plants", params(DeviceQuery),
    responses((status = 200, description = "A page of devices.", body = DevicePage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Parameters(query): Parameters<DeviceQuery>,
) -> Result<Json<DevicePage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let filter = Filter {
        organization: parse_optional_id("organization", query.organization.as_deref())?,
        portfolio: parse_optional_id("portfolio", query.portfolio.as_deref())?,
        plant: parse_optional_id("plant", query.plant.as_deref())?,
        kind: None,
        search: page.search.clone(),
    };
    let (devices, next_cursor) = actions::list(&services, &principal, filter, &page).await?;
    Ok(Json(DevicePage { devices, next_cursor }))
}

/// Get a device
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "Plants", params(("id" = DeviceId, Path, description = "Id of the device.")),
    responses((status = 200, description = "The device.", body = Device, headers(("ETag" = String, description = "Version of the device, for `If-Match`."))),
        AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(State(services): Shared, principal: Authorized<ReadPlants>, Id(id): Id<DeviceId>) -> Result<Response, AppError> {
    let device = actions::get(&services, &principal, &id).await?;
    Ok(with_version(device.version, &device))
}

/// Create a device
///
/// For those who may edit the plant. A host that another plant had is for owners, and for administrators without a grant in the organization,
/// with a session whose user entered the password in the last 10 minutes.
#[utoipa::path(post, path = "/api/v1/devices", tag = "Plants", request_body = NewDevice,
    responses((status = 201, description = "The device.", body = Device, headers(("ETag" = String, description = "Version of the device, for `If-Match`."))),
        EditErrors, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Body(request): Body<NewDevice>,
) -> Result<Response, AppError> {
    let created = actions::create(&services, Actor::Principal(&principal), &request).await?;
    Ok((StatusCode::CREATED, with_version(created.version, &created)).into_response())
}

/// Change a device
///
/// For those who may edit the plant. Absent fields stay as they are. For a host that another plant had, the same rules apply as when a device
/// is created.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "Plants", request_body = DeviceChanges,
    params(("id" = DeviceId, Path, description = "Id of the device."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the version to change.")),
    responses((status = 200, description = "The device.", body = Device, headers(("ETag" = String, description = "The new version."))),
        EditErrors, NotFoundError, OutdatedError, BodyErrors, CommonErrors))]
pub async fn update(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<DeviceId>,
    headers: HeaderMap,
    Body(changes): Body<DeviceChanges>,
) -> Result<Response, AppError> {
    let expected = IfMatch::from_headers(&headers);
    let device = actions::update(&services, Actor::Principal(&principal), &id, &expected, &changes).await?;
    Ok(with_version(device.version, &device))
}

/// Delete a device
///
/// For those who may edit the plant.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "Plants",
    params(("id" = DeviceId, Path, description = "Id of the device."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the version to delete.")),
    responses((status = 204, description = "The device was deleted."), EditErrors, NotFoundError, OutdatedError, CommonErrors))]
pub async fn delete(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<DeviceId>,
    headers: HeaderMap,
) -> Result<StatusCode, AppError> {
    actions::delete(&services, Actor::Principal(&principal), &id, &IfMatch::from_headers(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}
