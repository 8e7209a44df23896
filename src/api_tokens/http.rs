//! API endpoints for API tokens.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Authorized, ReadTokens, RevokeTokens},
    api_tokens::{
        actions::{self, CreatedToken},
        model::{ApiToken, Rotation, TokenRequest},
    },
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, NotFoundError, ReauthenticationErrors, TokenLimitError},
    },
    foundation::{
        http::{body::Body, etag::respond},
        ids::TokenId,
        path::Id,
        services::Shared,
    },
    sessions::{caller::CurrentSession, http::Revoked},
};

/// The API tokens of a user.
#[derive(Serialize, ToSchema)]
pub struct ApiTokens {
    /// Newest first, at most 64.
    tokens: Vec<ApiToken>,
}

/// A created or rotated API token.
#[derive(Serialize, ToSchema)]
pub struct NewToken {
    /// The secret: `wab_` and 49 letters and digits. It is returned only once.
    #[schema(pattern = "^wab_[0-9A-Za-z]{49}$")]
    token: String,
    /// The API token.
    api_token: ApiToken,
}

impl NewToken {
    fn from_created(CreatedToken { secret, token }: CreatedToken) -> Json<Self> {
        Json(Self { token: secret.reveal().to_owned(), api_token: token })
    }
}

/// List API tokens
///
/// All tokens that have not expired, newest first. A request with `If-None-Match` returns 304 if nothing has changed except the
/// last use of the requesting token.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "API tokens", params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier response.")),
    responses((status = 200, description = "The tokens.", body = ApiTokens, headers(("ETag" = String, description = "Identifies this version of the list."))),
        (status = 304, description = "Nothing has changed."), AuthErrors, CommonErrors))]
pub async fn list(State(services): Shared, principal: Authorized<ReadTokens>, headers: HeaderMap) -> Result<Response, AppError> {
    let tokens = actions::list(&services, &principal).await?;
    let mut etag_tokens = tokens.clone();
    for token in etag_tokens.iter_mut().filter(|token| principal.token() == Some(&token.id)) {
        token.last_use = None;
    }
    Ok(respond(&headers, &etag_tokens, &ApiTokens { tokens }))
}

/// Create an API token
///
/// Requires a session whose user entered the password in the last 10 minutes. API tokens cannot create tokens.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "API tokens", request_body = TokenRequest,
    responses((status = 201, description = "The token and its secret.", body = NewToken), ReauthenticationErrors, TokenLimitError, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    caller: CurrentSession,
    Body(token_request): Body<TokenRequest>,
) -> Result<(StatusCode, Json<NewToken>), AppError> {
    let created = actions::create(&services, &caller, &token_request).await?;
    Ok((StatusCode::CREATED, NewToken::from_created(created)))
}

/// Rotate an API token
///
/// Creates a new secret. The previous one stops working immediately or after a grace period. Has the same requirements as creating a token.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/rotate", tag = "API tokens", request_body = Option<Rotation>,
    params(("id" = TokenId, Path, description = "Id of the token.")),
    responses((status = 200, description = "The token and its new secret.", body = NewToken), ReauthenticationErrors, NotFoundError, BodyErrors, CommonErrors))]
pub async fn rotate(
    State(services): Shared,
    caller: CurrentSession,
    Id(id): Id<TokenId>,
    Body(rotation): Body<Option<Rotation>>,
) -> Result<Json<NewToken>, AppError> {
    actions::rotate(&services, &caller, &id, rotation.unwrap_or_default()).await.map(NewToken::from_created)
}

/// Revoke an API token
///
/// The next request with it is refused.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "API tokens", params(("id" = TokenId, Path, description = "Id of the token.")),
    responses((status = 204, description = "The token was revoked."), AuthErrors, NotFoundError, CommonErrors))]
pub async fn revoke(State(services): Shared, principal: Authorized<RevokeTokens>, Id(id): Id<TokenId>) -> Result<StatusCode, AppError> {
    actions::revoke(&services, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke all API tokens
///
/// Includes the API token of the request, if it has one.
#[utoipa::path(delete, path = "/api/v1/tokens", tag = "API tokens",
    responses((status = 200, description = "Number of revoked tokens.", body = Revoked), AuthErrors, CommonErrors))]
pub async fn revoke_all(State(services): Shared, principal: Authorized<RevokeTokens>) -> Result<Json<Revoked>, AppError> {
    let revoked = actions::revoke_all(&services, &principal).await?;
    Ok(Json(Revoked { revoked }))
}
