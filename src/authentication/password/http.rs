//! REST API: change of the password.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    authentication::password::actions::{self, ChangeOutcome},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors},
    },
    foundation::{
        http::{body::Body, cookies::Cookie},
        services::Shared,
    },
    sessions::caller::CurrentSession,
};

/// A request to change the password.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The current password.
    #[schema(value_type = String, format = Password)]
    current: SecretString,
    /// The new password: 8 to 128 characters, not a common one, and without your username or email address.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new: SecretString,
}

/// The result of a password change.
#[derive(Serialize, ToSchema)]
pub struct PasswordChanged {
    /// Number of other sessions that were revoked.
    revoked: usize,
    /// The new token of this session. The previous one no longer works.
    token: String,
    /// Number of API tokens, which keep working.
    api_tokens: i64,
}

/// Change your password
///
/// Revokes all other sessions. API tokens keep working; `DELETE /api/v1/tokens` revokes them.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "You", request_body = Change,
    responses((status = 200, description = "The password was changed. A browser receives the new token as its cookie.", body = PasswordChanged),
        AuthErrors, BodyErrors, CommonErrors))]
pub async fn change(
    State(services): Shared,
    caller: CurrentSession,
    headers: HeaderMap,
    Body(Change { current, new }): Body<Change>,
) -> Result<Response, AppError> {
    let ChangeOutcome { revoked, token, api_tokens } = actions::change(&services, &caller, current, new).await?;
    let answer = PasswordChanged { revoked, token: token.reveal().to_owned(), api_tokens };
    let mut answer = Json(answer).into_response();
    if !headers.contains_key(header::AUTHORIZATION) {
        let (seconds, https) = (services.config.lifetimes.absolute_timeout.as_secs(), services.config.public_url().https);
        answer.headers_mut().append(header::SET_COOKIE, Cookie::Session.set(token.reveal(), seconds, https));
    }
    Ok(answer)
}
