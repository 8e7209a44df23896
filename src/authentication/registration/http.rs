//! API endpoints that grant access, which may invite a person, and that list and cancel such invitations.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    authentication::registration::granted::{self, AccessInvitation, Granted},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, NotFoundError, QueryErrors, ReauthenticationErrors, RoleError},
    },
    foundation::{
        http::{
            body::Body,
            page::{PageRequest, Parameters},
        },
        ids::{OneTimeTokenId, OrganizationId},
        path::{Id, Segments},
        services::Shared,
    },
    permissions::{grants::model::GrantRequest, model::Grant},
    reauthentication::actor::Actor,
    sessions::caller::CurrentSession,
};

/// The answer if somebody was invited.
#[derive(Serialize, ToSchema)]
pub struct InvitedPerson {
    /// The invitation.
    invitation: SentInvitation,
}

/// An invitation that was sent.
#[derive(Serialize, ToSchema)]
pub struct SentInvitation {
    /// The email address.
    email: String,
    /// When it expires.
    expires_at: DateTime<Utc>,
}

/// Grant access
///
/// Requires a session whose user entered the password in the last 10 minutes, and administers the organization of the scope. Only owners
/// grant access to themselves. The person and all owners are notified by mail. An email address without an account is invited: the grant
/// is created with the account, if it still may be then.
#[utoipa::path(post, path = "/api/v1/grants", tag = "Grants", request_body = GrantRequest,
    responses((status = 201, description = "The grant.", body = Grant), (status = 202, description = "The person was invited.", body = InvitedPerson),
        ReauthenticationErrors, RoleError, BodyErrors, CommonErrors))]
pub async fn grant(State(services): Shared, caller: CurrentSession, Body(request): Body<GrantRequest>) -> Result<Response, AppError> {
    let user = request.user.clone();
    let terms = request.terms(services.clock.now())?;
    Ok(match granted::grant_or_invite(&services, Actor::Principal(&caller), &user, &terms).await? {
        Granted::Created(grant) => (StatusCode::CREATED, Json(grant)).into_response(),
        Granted::Invited { email, expires_at } => {
            (StatusCode::ACCEPTED, Json(InvitedPerson { invitation: SentInvitation { email, expires_at } })).into_response()
        }
    })
}

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// Maximum number of invitations. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A page of pending invitations.
#[derive(Serialize, ToSchema)]
pub struct AccessInvitationPage {
    /// Newest first.
    invitations: Vec<AccessInvitation>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List invitations
///
/// Invitations of people without an account, who get access to something in the organization with it. For owners and administrators of the
/// organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/invitations", tag = "Grants",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), InvitationQuery),
    responses((status = 200, description = "A page of invitations.", body = AccessInvitationPage), AuthErrors, RoleError, NotFoundError, QueryErrors, CommonErrors))]
pub async fn list_invitations(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(organization): Id<OrganizationId>,
    Parameters(query): Parameters<InvitationQuery>,
) -> Result<Json<AccessInvitationPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, None)?;
    let (invitations, next_cursor) = granted::list_invitations(&services, &principal, &organization, &page).await?;
    Ok(Json(AccessInvitationPage { invitations, next_cursor }))
}

/// Cancel an invitation
///
/// Its link stops working, and the access is not granted. Requires a session whose user entered the password in the last 10 minutes, and
/// administers the organization.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/invitations/{invitation}", tag = "Grants",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("invitation" = OneTimeTokenId, Path, description = "Id of the invitation.")),
    responses((status = 204, description = "The invitation was canceled."), ReauthenticationErrors, RoleError, NotFoundError, CommonErrors))]
pub async fn cancel_invitation(
    State(services): Shared,
    caller: CurrentSession,
    Segments((organization, invitation)): Segments<(String, String)>,
) -> Result<StatusCode, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    let invitation = OneTimeTokenId::parse(&invitation).ok_or(AppError::NotFound)?;
    granted::cancel_invitation(&services, Actor::Principal(&caller), &organization, &invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}
