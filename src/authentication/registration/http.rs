//! API endpoint that grants access. It is here because it may invite a person.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::registration::granted::{self, Granted},
    error::{
        AppError,
        described::{BodyErrors, CommonErrors, ReauthenticationErrors, RoleError},
    },
    foundation::{http::body::Body, services::Shared},
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
