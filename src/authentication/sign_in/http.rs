//! REST API: sign-in and sign-out.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    authentication::sign_in::actions::{self, Attempt, SignInOutcome},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, SignInErrors},
    },
    foundation::{client::info, http::body::Body, services::Shared},
    sessions::{
        actions as sessions,
        caller::{CurrentSession, Identity},
        model::Session,
    },
};

/// A request to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Username or email address.
    identifier: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// A code from the authenticator app or a recovery code, if the account has a second factor.
    code: Option<String>,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub struct NewSession {
    /// The token to send as `Authorization: Bearer`. It is returned only once.
    token: String,
    /// The session.
    session: Session,
}

/// Sign in
///
/// Wrong credentials of any kind get the same response. If they are correct but a code is required: 401 with the type
/// `second-factor-required`. Repeat the request with `code`.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "Sessions", request_body = SignIn, security(()),
    responses((status = 201, description = "The session was created.", body = NewSession), SignInErrors, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    client_info: info::ClientInfoExtractor,
    Body(body): Body<SignIn>,
) -> Result<(StatusCode, Json<NewSession>), AppError> {
    let attempt = Attempt {
        identifier: body.identifier,
        password: body.password,
        code: body.code,
        client_info: client_info.0,
        device: None,
        // A script that signs in again keeps its previous session: only in a browser does the new one replace it.
        previous: Identity::Anonymous,
    };
    let SignInOutcome::SessionCreated(created) = actions::sign_in(&services, attempt).await? else {
        return Err(AppError::SecondFactorRequired);
    };
    let answer = NewSession { token: created.token.reveal().to_owned(), session: created.session(&services) };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "Sessions",
    responses((status = 204, description = "You are signed out."), AuthErrors, CommonErrors))]
pub async fn delete_current(State(services): Shared, caller: CurrentSession) -> Result<StatusCode, AppError> {
    sessions::sign_out(&services, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
