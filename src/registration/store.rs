//! SQL of one-time links.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::db::{Connection, Tx},
};

pub async fn insert_link(tx: &mut Tx, token_hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "INSERT INTO setup_links (token_hash, created_at) VALUES ($1, $2)", token_hash, now)?;
    Ok(())
}

pub async fn is_link(db: &mut impl Connection, token_hash: &str) -> sqlx::Result<bool> {
    let found = fetch!(db, fetch_optional as (String,), "SELECT token_hash FROM setup_links WHERE token_hash = $1", token_hash)?;
    Ok(found.is_some())
}

/// Spends this link. Whether it was there: two at once find it once.
pub async fn spend_link(tx: &mut Tx, token_hash: &str) -> sqlx::Result<bool> {
    Ok(execute!(tx, "DELETE FROM setup_links WHERE token_hash = $1", token_hash)? > 0)
}

pub async fn delete_links(tx: &mut Tx) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM setup_links")?;
    Ok(())
}
