//! The API's doors to sessions.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{EndSessions, KnowOneself, May, ReadSessions},
    accounts::model::Account,
    error::{
        AppError,
        described::{BadQuery, Everywhere, IsCurrent, NotThere, Refused},
    },
    foundation::{etag::tagged, ids::SessionId, path::Id, services::Shared},
    sessions::{actions, caller::Caller, cursor::Cursor, model::Session},
};

const LIMIT: usize = 50;
const MOST: usize = 1_000;

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many sessions: 50 unless said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A part of the list.
#[derive(Serialize, ToSchema)]
pub struct SessionPage {
    /// The most recently active first.
    sessions: Vec<Session>,
    /// Asks for the part that follows; none after the last. It holds the rest of the list as it stood: no part repeats a session or skips
    /// one, however much they are used meanwhile.
    next_cursor: Option<String>,
}

/// What was ended.
#[derive(Serialize, ToSchema)]
pub struct Revoked {
    /// How many.
    pub revoked: usize,
}

/// List sessions
///
/// `If-None-Match` is answered by 304 while nothing has changed but the use of the session that asks.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "Sessions",
    params(Page, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the page that you have.")),
    responses((status = 200, description = "A page of them.", body = SessionPage, headers(("ETag" = String, description = "Names this page as it is."))),
        (status = 304, description = "You have it already."), Refused, BadQuery, Everywhere))]
pub async fn list(
    State(services): Shared,
    client: May<ReadSessions>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Query(page) = page.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let limit = page.limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(AppError::invalid("limit", "The limit is a number from 1 to 1000."));
    }
    let cursor = page.cursor.map(|text| Cursor::read(&text).ok_or_else(bad_cursor)).transpose()?;
    let all = actions::all(&services, &client).await?;
    let mut sessions = match cursor {
        Some(cursor) => cursor.pick(all),
        None => all,
    };
    let rest = sessions.split_off(limit.min(sessions.len()));
    let page = SessionPage { next_cursor: Cursor::of(&rest), sessions };
    Ok(tagged(&headers, &page.essence(), &page))
}

fn bad_cursor() -> AppError {
    AppError::invalid("cursor", "This cursor is not one that this list gave. Start without one.")
}

impl SessionPage {
    /// What of it counts as a change: all but the use of the session that asks, which the request itself is.
    fn essence(&self) -> (Vec<Session>, &Option<String>) {
        let mut sessions = self.sessions.clone();
        for session in sessions.iter_mut().filter(|session| session.current) {
            let since = session.created_at;
            (session.last_active_at, session.idle_expires_at, session.expires_at) = (since, since, since);
        }
        (sessions, &self.next_cursor)
    }
}

/// The current session
#[utoipa::path(get, path = "/api/v1/sessions/current", tag = "Sessions",
    responses((status = 200, description = "The session that asks.", body = Session), Refused, NotThere, Everywhere))]
pub async fn current(State(services): Shared, caller: Caller) -> Result<Json<Session>, AppError> {
    actions::one(&services, &caller, &caller.session).await.map(Json)
}

/// Revoke a session
///
/// Before this is answered: its next request is refused, and its open pages leave.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "Sessions", params(("id" = SessionId, Path, description = "Which session.")),
    responses((status = 204, description = "It is ended."), Refused, NotThere, IsCurrent, Everywhere))]
pub async fn revoke(State(services): Shared, client: May<EndSessions>, Id(id): Id<SessionId>) -> Result<StatusCode, AppError> {
    actions::revoke(&services, &client, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke all other sessions
///
/// An API token is no session: asked by one, all sessions end.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "Sessions",
    responses((status = 200, description = "How many ended.", body = Revoked), Refused, Everywhere))]
pub async fn revoke_others(State(services): Shared, client: May<EndSessions>) -> Result<Json<Revoked>, AppError> {
    let revoked = actions::revoke_others(&services, &client).await?;
    Ok(Json(Revoked { revoked }))
}

/// Who you are
///
/// Whose session or API token it is.
#[utoipa::path(get, path = "/api/v1/me", tag = "You", responses((status = 200, description = "The account.", body = Account), Refused, Everywhere))]
pub async fn me(client: May<KnowOneself>) -> Json<Account> {
    Json(client.account.clone())
}
