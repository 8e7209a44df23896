//! The API's doors to sessions.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    accounts::model::Account,
    error::AppError,
    foundation::{ids::SessionId, services::Shared},
    sessions::{actions, caller::Caller, model::Session},
};

const LIMIT: usize = 50;
const MOST: usize = 1_000;

/// Which part of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The last session of a page: the next one starts behind it.
struct Cursor {
    last_active_at: DateTime<Utc>,
    id: SessionId,
}

impl Cursor {
    fn write(session: &Session) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}.{}", session.last_active_at.timestamp_micros(), session.id))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (micros, id) = std::str::from_utf8(&bytes).ok()?.split_once('.')?;
        Some(Self { last_active_at: DateTime::from_timestamp_micros(micros.parse().ok()?)?, id: SessionId::parse(id)? })
    }

    fn is_before(&self, session: &Session) -> bool {
        (std::cmp::Reverse(self.last_active_at), std::cmp::Reverse(&self.id)) < session.rank()
    }
}

/// `GET /api/v1/sessions`: most recently active first.
pub async fn list(State(services): Shared, caller: Caller, page: Result<Query<Page>, QueryRejection>) -> Result<Json<Value>, AppError> {
    let Query(page) = page.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let limit = page.limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(AppError::invalid("limit", "The limit is a number from 1 to 1000."));
    }
    let cursor = page.cursor.map(|text| Cursor::read(&text).ok_or_else(bad_cursor)).transpose()?;
    let mut sessions = actions::all(&services, &caller).await?;
    sessions.retain(|session| cursor.as_ref().is_none_or(|cursor| cursor.is_before(session)));
    let next_cursor = sessions.get(limit).and_then(|_| sessions.get(limit - 1)).map(Cursor::write);
    sessions.truncate(limit);
    Ok(Json(json!({ "sessions": sessions, "next_cursor": next_cursor })))
}

fn bad_cursor() -> AppError {
    AppError::invalid("cursor", "This cursor is not one that this list gave. Start without one.")
}

/// `GET /api/v1/sessions/current`.
pub async fn current(State(services): Shared, caller: Caller) -> Result<Json<Session>, AppError> {
    actions::one(&services, &caller, &caller.session).await.map(Json)
}

/// `DELETE /api/v1/sessions/{id}`.
pub async fn revoke(State(services): Shared, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, AppError> {
    let id = SessionId::parse(&id).ok_or(AppError::NotFound)?;
    actions::revoke(&services, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/sessions`: all others.
pub async fn revoke_others(State(services): Shared, caller: Caller) -> Result<Json<Value>, AppError> {
    let revoked = actions::revoke_others(&services, &caller).await?;
    Ok(Json(json!({ "revoked": revoked })))
}

/// `GET /api/v1/me`: whose session it is. All of it comes with the look-up.
pub async fn me(caller: Caller) -> Json<Account> {
    Json(caller.account)
}
