//! SQL of credentials.

use crate::{
    fetch,
    foundation::{db::Connection, ids::TokenId},
};

/// Returns whether an API token exists. A revoked one is removed.
pub async fn token_exists(db: &mut impl Connection, id: &TokenId) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT id FROM api_tokens WHERE id = $1", id)?.is_some())
}
