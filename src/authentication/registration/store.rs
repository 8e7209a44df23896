//! SQL of access requests.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    accounts::store::normalize_identifier,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::RequestId,
    },
};

/// A request for access.
#[derive(Debug, FromRow)]
pub struct AccessRequest {
    /// The id of the request.
    pub id: RequestId,
    /// The email address to invite.
    pub email: String,
    /// The message to the administrators.
    pub message: String,
    /// When the request was sent.
    pub requested_at: DateTime<Utc>,
}

/// Inserts a request. Does nothing if there are `max_requests` already, or one with the same email address.
pub async fn insert(tx: &mut Tx, request: &AccessRequest, max_requests: i64) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO access_requests (id, email, normalized_email, message, requested_at)
         SELECT $1, $2, $3, $4, $5 WHERE (SELECT COUNT(*) FROM access_requests) < $6 ON CONFLICT (normalized_email) DO NOTHING",
        &request.id,
        &request.email,
        normalize_identifier(&request.email),
        &request.message,
        request.requested_at,
        max_requests,
    )?;
    Ok(())
}

/// Lists all requests, oldest first.
pub async fn list(db: &mut impl Connection) -> sqlx::Result<Vec<AccessRequest>> {
    fetch!(db, fetch_all as AccessRequest, "SELECT id, email, message, requested_at FROM access_requests ORDER BY requested_at")
}

/// Removes a request after it was answered. Returns it, or `None` if it does not exist.
pub async fn remove(tx: &mut Tx, id: &RequestId) -> sqlx::Result<Option<AccessRequest>> {
    fetch!(tx, fetch_optional as AccessRequest, "DELETE FROM access_requests WHERE id = $1 RETURNING id, email, message, requested_at", id)
}

/// Removes the request with this email address, if there is one.
pub async fn remove_by_email(tx: &mut Tx, email: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM access_requests WHERE normalized_email = $1", normalize_identifier(email))?;
    Ok(())
}
