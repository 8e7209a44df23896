//! SQL of what an account has been seen with, and where.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
};

/// What this device called itself when the account was last signed in to from it.
pub async fn label(db: &mut impl Connection, user: &UserId, key: &str) -> sqlx::Result<Option<String>> {
    let sql = "SELECT label FROM known_devices WHERE user_id = $1 AND token_hash = $2";
    let found: Option<(String,)> = fetch!(db, fetch_optional as (String,), sql, user, key)?;
    Ok(found.map(|(label,)| label))
}

/// Whether this account was signed in to from this device since then.
pub async fn is_seen_since(db: &mut impl Connection, user: &UserId, key: &str, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT label FROM known_devices WHERE user_id = $1 AND token_hash = $2 AND last_seen_at > $3";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, key, since)?.is_some())
}

/// Whether this account was ever signed in to.
pub async fn has_devices(db: &mut impl Connection, user: &UserId) -> sqlx::Result<bool> {
    let sql = "SELECT token_hash FROM known_devices WHERE user_id = $1 LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user)?.is_some())
}

pub async fn see_device(tx: &mut Tx, user: &UserId, key: &str, label: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO known_devices (user_id, token_hash, label, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (user_id, token_hash) DO UPDATE SET label = excluded.label, last_seen_at = excluded.last_seen_at",
        user,
        key,
        label,
        now,
    )?;
    Ok(())
}

pub async fn forget_device(tx: &mut Tx, user: &UserId, key: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM known_devices WHERE user_id = $1 AND token_hash = $2", user, key)?;
    Ok(())
}

/// Whether this account was signed in to from this country since.
pub async fn is_country_known(db: &mut impl Connection, user: &UserId, country: &str, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT city FROM known_places WHERE user_id = $1 AND country_code = $2 AND last_seen_at > $3 LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, country, since)?.is_some())
}

pub async fn see_place(tx: &mut Tx, user: &UserId, country: &str, city: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO known_places (user_id, country_code, city, last_seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, country_code, city) DO UPDATE SET last_seen_at = excluded.last_seen_at",
        user,
        country,
        city,
        now,
    )?;
    Ok(())
}
