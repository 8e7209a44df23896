//! The API's doors to API tokens.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{EndTokens, May, ReadTokens},
    api_tokens::{
        actions::{self, Made},
        model::{ApiToken, Rotation, Wanted},
    },
    error::{
        AppError,
        described::{BadBody, Everywhere, IsFull, NotThere, Refused, RefusedWithoutProof},
    },
    foundation::{body::Body, etag::tagged, ids::TokenId, path::Id, services::Shared},
    sessions::{caller::Caller, http::Revoked},
};

/// A person's API tokens.
#[derive(Serialize, ToSchema)]
pub struct ApiTokens {
    /// The newest first, 64 at most.
    tokens: Vec<ApiToken>,
}

/// A token that was made, or given a new secret.
#[derive(Serialize, ToSchema)]
pub struct NewToken {
    /// The secret, shown this once: `wab_` and 49 letters and digits.
    #[schema(pattern = "^wab_[0-9A-Za-z]{49}$")]
    token: String,
    /// What it belongs to.
    api_token: ApiToken,
}

impl NewToken {
    fn of(Made { secret, token }: Made) -> Json<Self> {
        Json(Self { token: secret.reveal().to_owned(), api_token: token })
    }
}

/// List API tokens
///
/// All that have not expired, the newest first. `If-None-Match` is answered by 304 while nothing but the use of the token that asks
/// has changed.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "API tokens", params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that you have.")),
    responses((status = 200, description = "The tokens.", body = ApiTokens, headers(("ETag" = String, description = "Names this list as it is."))),
        (status = 304, description = "You have it already."), Refused, Everywhere))]
pub async fn list(State(services): Shared, client: May<ReadTokens>, headers: HeaderMap) -> Result<Response, AppError> {
    let tokens = actions::list(&services, &client).await?;
    let mut essence = tokens.clone();
    for token in essence.iter_mut().filter(|token| client.token() == Some(&token.id)) {
        token.last_use = None;
    }
    Ok(tagged(&headers, &essence, &ApiTokens { tokens }))
}

/// Make an API token
///
/// Takes a session that was signed in, or confirmed by its password, in the last 10 minutes. A token makes no tokens.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "API tokens", request_body = Wanted,
    responses((status = 201, description = "The token, with its secret.", body = NewToken), RefusedWithoutProof, IsFull, BadBody, Everywhere))]
pub async fn create(State(services): Shared, caller: Caller, Body(wanted): Body<Wanted>) -> Result<(StatusCode, Json<NewToken>), AppError> {
    let made = actions::create(&services, &caller, &wanted).await?;
    Ok((StatusCode::CREATED, NewToken::of(made)))
}

/// Rotate an API token
///
/// Gives it a new secret; the one before ends at once, or after a grace. Takes what making one takes.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/rotate", tag = "API tokens", request_body = Option<Rotation>,
    params(("id" = TokenId, Path, description = "Which token.")),
    responses((status = 200, description = "The token, with its new secret.", body = NewToken), RefusedWithoutProof, NotThere, BadBody, Everywhere))]
pub async fn rotate(
    State(services): Shared,
    caller: Caller,
    Id(id): Id<TokenId>,
    Body(rotation): Body<Option<Rotation>>,
) -> Result<Json<NewToken>, AppError> {
    actions::rotate(&services, &caller, &id, rotation.unwrap_or_default()).await.map(NewToken::of)
}

/// Revoke an API token
///
/// Its next request is refused.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "API tokens", params(("id" = TokenId, Path, description = "Which token.")),
    responses((status = 204, description = "It is revoked."), Refused, NotThere, Everywhere))]
pub async fn revoke(State(services): Shared, client: May<EndTokens>, Id(id): Id<TokenId>) -> Result<StatusCode, AppError> {
    actions::revoke(&services, &client, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke all API tokens
///
/// The one that asks too, if it is one.
#[utoipa::path(delete, path = "/api/v1/tokens", tag = "API tokens",
    responses((status = 200, description = "How many.", body = Revoked), Refused, Everywhere))]
pub async fn revoke_all(State(services): Shared, client: May<EndTokens>) -> Result<Json<Revoked>, AppError> {
    let revoked = actions::revoke_all(&services, &client).await?;
    Ok(Json(Revoked { revoked }))
}
