//! API endpoints for members.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, LastOwnerError, NotFoundError, QueryErrors, ReauthenticationErrors, RoleError},
    },
    foundation::{
        http::{
            body::Body,
            page::{PageRequest, Parameters},
        },
        ids::OrganizationId,
        path::{Id, Segments},
        services::Shared,
    },
    permissions::{
        members::{
            actions,
            model::{Member, MemberRequest},
        },
        vendors::http::GrantsEnded,
    },
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// Maximum number of members. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Part of the name, username or email address.
    search: Option<String>,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub struct MemberPage {
    /// By username.
    members: Vec<Member>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List members
///
/// For owners and administrators of the organization, and for platform administrators.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/members", tag = "Members",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), MemberQuery),
    responses((status = 200, description = "A page of members.", body = MemberPage), AuthErrors, RoleError, NotFoundError, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(organization): Id<OrganizationId>,
    Parameters(query): Parameters<MemberQuery>,
) -> Result<Json<MemberPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let (members, next_cursor) = actions::list(&services, &principal, &organization, &page).await?;
    Ok(Json(MemberPage { members, next_cursor }))
}

/// Add a member or change a role
///
/// Requires a session whose user entered the password in the last 10 minutes. Owners change everybody's role, administrators that of
/// others who are not owners, and platform administrators name an owner while the organization has no enabled one. The person and all
/// owners are notified by mail.
#[utoipa::path(put, path = "/api/v1/organizations/{id}/members/{user}", tag = "Members", request_body = MemberRequest,
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("user" = String, Path, description = "Id, username or email address.")),
    responses((status = 200, description = "The member.", body = Member), ReauthenticationErrors, RoleError, NotFoundError, LastOwnerError, BodyErrors, CommonErrors))]
pub async fn set(
    State(services): Shared,
    caller: CurrentSession,
    Segments((organization, user)): Segments<(String, String)>,
    Body(MemberRequest { role }): Body<MemberRequest>,
) -> Result<Json<Member>, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    actions::set(&services, Actor::Principal(&caller), &organization, &user, role).await.map(Json)
}

/// Remove a member
///
/// Ends all grants of the person in the organization too. Has the same requirements as changing a role, but everybody may remove
/// themselves. The last owner cannot be removed.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/members/{user}", tag = "Members",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("user" = String, Path, description = "Id, username or email address.")),
    responses((status = 200, description = "Number of ended grants.", body = GrantsEnded), ReauthenticationErrors, RoleError, NotFoundError, LastOwnerError, CommonErrors))]
pub async fn remove(
    State(services): Shared,
    caller: CurrentSession,
    Segments((organization, user)): Segments<(String, String)>,
) -> Result<Json<GrantsEnded>, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    let removed = actions::remove(&services, Actor::Principal(&caller), &organization, &user).await?;
    Ok(Json(GrantsEnded { grants_ended: removed.grants_ended }))
}
