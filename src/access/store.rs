//! SQL of credentials.

use chrono::{DateTime, Utc};

use crate::{
    fetch,
    foundation::{db::Connection, ids::TokenId},
};

/// Returns whether an API token exists. A revoked one is removed.
pub async fn token_exists(db: &mut impl Connection, id: &TokenId) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT id FROM api_tokens WHERE id = $1", id)?.is_some())
}

/// Returns whether an API token exists and has not expired.
pub async fn is_token_valid(db: &mut impl Connection, id: &TokenId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM api_tokens WHERE id = $1 AND expires_at > $2";
    Ok(fetch!(db, fetch_optional as (String,), sql, id, now)?.is_some())
}
