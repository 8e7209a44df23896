//! API endpoints for vendors.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, NotFoundError, QueryErrors, ReauthenticationErrors, RoleError},
    },
    foundation::{
        ids::{OrganizationId, UserId, VendorId},
        path::{Id, Segments},
        services::Shared,
    },
    permissions::vendors::{actions, model::Vendor},
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// The vendors of an organization.
#[derive(Serialize, ToSchema)]
pub struct Vendors {
    /// By name.
    vendors: Vec<Vendor>,
}

/// The result of ending access.
#[derive(Serialize, ToSchema)]
pub struct GrantsEnded {
    /// Number of ended grants.
    pub grants_ended: usize,
}

/// List vendors
///
/// With their people, what these reach, until when, and when they last opened something. For owners and administrators of the
/// organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/vendors", tag = "Vendors",
    params(("id" = OrganizationId, Path, description = "Id of the organization.")),
    responses((status = 200, description = "The vendors.", body = Vendors), AuthErrors, RoleError, NotFoundError, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(organization): Id<OrganizationId>,
) -> Result<Json<Vendors>, AppError> {
    let vendors = actions::list(&services, &principal, &organization).await?;
    Ok(Json(Vendors { vendors }))
}

/// End all access of a vendor
///
/// Ends all grants of the vendor's people in this organization, and nothing else. Takes effect at the next request. Requires a session
/// whose user entered the password in the last 10 minutes, and administers the organization. Its people and all owners are notified by
/// mail.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/vendors/{vendor}/access", tag = "Vendors",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("vendor" = VendorId, Path, description = "Id of the vendor.")),
    responses((status = 200, description = "Number of ended grants.", body = GrantsEnded), ReauthenticationErrors, RoleError, NotFoundError, CommonErrors))]
pub async fn end_access(
    State(services): Shared,
    caller: CurrentSession,
    Segments((organization, vendor)): Segments<(String, String)>,
) -> Result<Json<GrantsEnded>, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    let vendor = VendorId::parse(&vendor).ok_or(AppError::NotFound)?;
    let grants_ended = actions::end_access(&services, Actor::Principal(&caller), &organization, &vendor).await?;
    Ok(Json(GrantsEnded { grants_ended }))
}

/// Remove a person from a vendor
///
/// They no longer work for it. Refused while they have grants in the organization. Has the same requirements as ending all access.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/vendors/{vendor}/people/{user}", tag = "Vendors",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("vendor" = VendorId, Path, description = "Id of the vendor."),
        ("user" = UserId, Path, description = "Id of the person.")),
    responses((status = 204, description = "The person no longer works for the vendor."), ReauthenticationErrors, RoleError, NotFoundError, QueryErrors, CommonErrors))]
pub async fn remove_person(
    State(services): Shared,
    caller: CurrentSession,
    Segments((organization, vendor, user)): Segments<(String, String, String)>,
) -> Result<StatusCode, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    let vendor = VendorId::parse(&vendor).ok_or(AppError::NotFound)?;
    let user = UserId::parse(&user).ok_or(AppError::NotFound)?;
    actions::remove_person(&services, Actor::Principal(&caller), &organization, &vendor, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
