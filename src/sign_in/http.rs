//! The API's door to signing in and out.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::AppError,
    foundation::{origin, services::Shared},
    sessions::{
        actions as sessions,
        caller::{Caller, Visitor},
    },
    sign_in::actions::{self, Attempt, SignedIn},
};

/// What a script sends to sign in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    identifier: String,
    password: SecretString,
    /// The second factor, where one is on.
    code: Option<String>,
}

/// `POST /api/v1/sessions`: 201 with the token and the session.
pub async fn create(
    State(services): Shared,
    origin: origin::From,
    body: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, AppError> {
    let Json(body) = body.map_err(|error| AppError::invalid("body", error.body_text()))?;
    let attempt = Attempt {
        identifier: body.identifier,
        password: body.password,
        code: body.code,
        origin: origin.0,
        device: None,
        // A script that signs in again keeps what it had: it holds tokens, and no browser in which they replace each other.
        before: Visitor::Stranger,
    };
    let SignedIn::Begun(begun) = actions::sign_in(&services, attempt).await? else { return Err(AppError::SecondFactorRequired) };
    let answer = json!({ "token": begun.token.reveal(), "session": begun.session(&services) });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `DELETE /api/v1/sessions/current`: signs out.
pub async fn delete_current(State(services): Shared, caller: Caller) -> Result<StatusCode, AppError> {
    sessions::sign_out(&services, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
