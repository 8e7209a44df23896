//! SQL of requests to join.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    accounts::store::key,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::RequestId,
    },
};

/// Somebody who would like to join.
#[derive(Debug, FromRow)]
pub struct AccessRequest {
    /// Names the request.
    pub id: RequestId,
    /// Where they can be invited.
    pub email: String,
    /// What they say of themselves.
    pub words: String,
    /// When they asked.
    pub asked_at: DateTime<Utc>,
}

/// Keeps a request, while there are fewer than `most`; one of the same address is there already.
pub async fn insert(tx: &mut Tx, request: &AccessRequest, most: i64) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO access_requests (id, email, email_key, words, asked_at)
         SELECT $1, $2, $3, $4, $5 WHERE (SELECT COUNT(*) FROM access_requests) < $6 ON CONFLICT (email_key) DO NOTHING",
        &request.id,
        &request.email,
        key(&request.email),
        &request.words,
        request.asked_at,
        most,
    )?;
    Ok(())
}

/// All requests, the oldest first.
pub async fn list(db: &mut impl Connection) -> sqlx::Result<Vec<AccessRequest>> {
    fetch!(db, fetch_all as AccessRequest, "SELECT id, email, words, asked_at FROM access_requests ORDER BY asked_at")
}

/// Takes a request away: it is settled.
pub async fn settle(tx: &mut Tx, id: &RequestId) -> sqlx::Result<Option<AccessRequest>> {
    fetch!(tx, fetch_optional as AccessRequest, "DELETE FROM access_requests WHERE id = $1 RETURNING id, email, words, asked_at", id)
}

/// Takes the request of this address away, if there is one.
pub async fn settle_email(tx: &mut Tx, email: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM access_requests WHERE email_key = $1", key(email))?;
    Ok(())
}
