//! REST endpoints for sessions.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadOwnAccount, ReadSessions, RevokeSessions},
    accounts::model::Account,
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, CurrentSessionError, NotFoundError, QueryErrors},
    },
    foundation::{
        http::{etag::respond, page::invalid_cursor},
        ids::SessionId,
        path::Id,
        services::Shared,
    },
    sessions::{actions, caller::CurrentSession, cursor::Cursor, model::Session},
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Maximum number of sessions. Defaults to 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct SessionPage {
    /// Most recently active first.
    sessions: Vec<Session>,
    /// Cursor of the next page. Null on the last page. It keeps the order of the first request, so that no page repeats or skips a session
    /// that is used in the meantime.
    next_cursor: Option<String>,
}

/// The result of a revocation.
#[derive(Serialize, ToSchema)]
pub struct Revoked {
    /// Number of revoked items.
    pub revoked: usize,
}

/// List sessions
///
/// Most recently active first. A request with `If-None-Match` returns 304 if nothing has changed except the last use of the requesting session.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "Sessions",
    params(Page, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier response.")),
    responses((status = 200, description = "A page of sessions.", body = SessionPage, headers(("ETag" = String, description = "Identifies this version of the page."))),
        (status = 304, description = "Nothing has changed."), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    client: Authorized<ReadSessions>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Query(page) = page.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(AppError::invalid("limit", "The limit must be between 1 and 1000."));
    }
    let cursor = page.cursor.map(|text| Cursor::decode(&text).ok_or_else(invalid_cursor)).transpose()?;
    let all = actions::list_all(&services, &client).await?;
    let mut sessions = match cursor {
        Some(cursor) => cursor.select(all),
        None => all,
    };
    let rest = sessions.split_off(limit.min(sessions.len()));
    let page = SessionPage { next_cursor: Cursor::encode(&rest), sessions };
    Ok(respond(&headers, &page.etag_content(), &page))
}

impl SessionPage {
    /// Returns what the `ETag` covers: everything except the last use of the requesting session, which changes with each request.
    fn etag_content(&self) -> (Vec<Session>, &Option<String>) {
        let mut sessions = self.sessions.clone();
        for session in sessions.iter_mut().filter(|session| session.current) {
            let constant = session.created_at;
            (session.last_active_at, session.idle_expires_at, session.expires_at) = (constant, constant, constant);
        }
        (sessions, &self.next_cursor)
    }
}

/// Get the current session
#[utoipa::path(get, path = "/api/v1/sessions/current", tag = "Sessions",
    responses((status = 200, description = "The session of the request.", body = Session), AuthErrors, NotFoundError, CommonErrors))]
pub async fn current(State(services): Shared, caller: CurrentSession) -> Result<Json<Session>, AppError> {
    actions::get(&services, &caller, &caller.session).await.map(Json)
}

/// Revoke a session
///
/// Takes effect before the response: requests of the session are refused, and its open pages go to the login page.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "Sessions", params(("id" = SessionId, Path, description = "Id of the session.")),
    responses((status = 204, description = "The session was revoked."), AuthErrors, NotFoundError, CurrentSessionError, CommonErrors))]
pub async fn revoke(State(services): Shared, client: Authorized<RevokeSessions>, Id(id): Id<SessionId>) -> Result<StatusCode, AppError> {
    actions::revoke(&services, &client, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke all other sessions
///
/// Ends all sessions except the one of the request. With an API token, ends all sessions.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "Sessions",
    responses((status = 200, description = "Number of revoked sessions.", body = Revoked), AuthErrors, CommonErrors))]
pub async fn revoke_others(State(services): Shared, client: Authorized<RevokeSessions>) -> Result<Json<Revoked>, AppError> {
    let revoked = actions::revoke_others(&services, &client).await?;
    Ok(Json(Revoked { revoked }))
}

/// Get your account
///
/// Returns the owner of the session or API token.
#[utoipa::path(get, path = "/api/v1/me", tag = "You", responses((status = 200, description = "The account.", body = Account), AuthErrors, CommonErrors))]
pub async fn me(client: Authorized<ReadOwnAccount>) -> Json<Account> {
    Json(client.account.clone())
}
