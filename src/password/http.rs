//! The API's door to changing a password.

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
    error::{
        AppError,
        described::{BadBody, Everywhere, Refused},
    },
    foundation::{body::Body, cookies::Cookie, services::Shared},
    password::actions::{self, Changed},
    sessions::caller::Caller,
};

/// What a client sends to change its password.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The password until now.
    #[schema(value_type = String, format = Password)]
    current: SecretString,
    /// 8 to 128 characters, none of the commonest leaked, and none with your names in it.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new: SecretString,
}

/// A password that was changed.
#[derive(Serialize, ToSchema)]
pub struct PasswordChanged {
    /// How many other sessions ended.
    revoked: usize,
    /// This session's new token: the one before opens nothing any more.
    token: String,
    /// How many API tokens there are: they go on working.
    api_tokens: i64,
}

/// Change your password
///
/// All other sessions end. API tokens go on working: `DELETE /api/v1/tokens` revokes them.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "You", request_body = Change,
    responses((status = 200, description = "It is changed. A browser is given the new token as its cookie.", body = PasswordChanged),
        Refused, BadBody, Everywhere))]
pub async fn change(
    State(services): Shared,
    caller: Caller,
    headers: HeaderMap,
    Body(Change { current, new }): Body<Change>,
) -> Result<Response, AppError> {
    let Changed { revoked, token, api_tokens } = actions::change(&services, &caller, current, new).await?;
    let answer = PasswordChanged { revoked, token: token.reveal().to_owned(), api_tokens };
    let mut answer = Json(answer).into_response();
    if !headers.contains_key(header::AUTHORIZATION) {
        let (seconds, https) = (services.config.lifetimes.absolute_timeout.as_secs(), services.config.public_url().https);
        answer.headers_mut().append(header::SET_COOKIE, Cookie::Session.set(token.reveal(), seconds, https));
    }
    Ok(answer)
}
