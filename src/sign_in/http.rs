//! The API's door to signing in and out.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{
        AppError,
        described::{BadBody, Everywhere, Refused, RefusedSignIn},
    },
    foundation::{body::Body, origin, services::Shared},
    sessions::{
        actions as sessions,
        caller::{Caller, Visitor},
        model::Session,
    },
    sign_in::actions::{self, Attempt, SignedIn},
};

/// What a script sends to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Username or email address.
    identifier: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The code of an authenticator app, or a recovery code, where a second factor is on.
    code: Option<String>,
}

/// A session that began.
#[derive(Serialize, ToSchema)]
pub struct NewSession {
    /// The token to send as `Authorization: Bearer`: given this once.
    token: String,
    /// What it opens.
    session: Session,
}

/// Sign in
///
/// Any wrong part is answered alike. Right so far, where a second factor is on: 401 with the type `second-factor-required`; ask again
/// with `code`.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "Sessions", request_body = SignIn, security(()),
    responses((status = 201, description = "A session began.", body = NewSession), RefusedSignIn, BadBody, Everywhere))]
pub async fn create(
    State(services): Shared,
    origin: origin::From,
    Body(body): Body<SignIn>,
) -> Result<(StatusCode, Json<NewSession>), AppError> {
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
    let answer = NewSession { token: begun.token.reveal().to_owned(), session: begun.session(&services) };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "Sessions",
    responses((status = 204, description = "You are signed out."), Refused, Everywhere))]
pub async fn delete_current(State(services): Shared, caller: Caller) -> Result<StatusCode, AppError> {
    sessions::sign_out(&services, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
