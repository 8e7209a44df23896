//! The API's door to changing a password.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::AppError,
    foundation::{cookies::Cookie, services::Shared},
    password::actions::{self, Changed},
    sessions::caller::Caller,
};

/// What a client sends to change its password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    current: SecretString,
    new: SecretString,
}

/// `PUT /api/v1/me/password`: how many others ended, and this session's new token. A browser gets it as its cookie too.
pub async fn change(
    State(services): Shared,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Response, AppError> {
    let Json(Change { current, new }) = body.map_err(|error| AppError::invalid("body", error.body_text()))?;
    let Changed { revoked, token } = actions::change(&services, &caller, current, new).await?;
    let mut answer = Json(json!({ "revoked": revoked, "token": token.reveal() })).into_response();
    if !headers.contains_key(header::AUTHORIZATION) {
        let (seconds, https) = (services.config.lifetimes.absolute_timeout.as_secs(), services.config.public_url().https);
        answer.headers_mut().append(header::SET_COOKIE, Cookie::Session.set(token.reveal(), seconds, https));
    }
    Ok(answer)
}
