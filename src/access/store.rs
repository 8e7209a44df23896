//! SQL of credentials.

use crate::{
    fetch,
    foundation::{db::Connection, ids::TokenId},
};

/// Whether this API token is still there: a revoked one is removed.
pub async fn is_token_there(db: &mut impl Connection, id: &TokenId) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT id FROM api_tokens WHERE id = $1", id)?.is_some())
}
