//! The devices and places that an account has signed in from: what counts as new is decided here, for the badge "New location"
//! and for alerts alike.

use chrono::{DateTime, Duration, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
        location::Location,
    },
    locking,
};

/// A device that no sign-in came from for this long is no longer known. Chromium keeps no cookie longer.
pub const DEVICE_KNOWN_FOR: Duration = Duration::days(400);
/// A country that no sign-in came from for this long is new again.
const COUNTRY_KNOWN_FOR: Duration = Duration::days(90);

/// How a sign-in's place compares with those before.
pub struct Visit {
    /// The account had never signed in before.
    pub is_first: bool,
    /// The account has signed in before, but not from this country in the last 90 days. A place without a country counts as a
    /// country of its own.
    pub is_new_country: bool,
}

/// Compares the place of a sign-in with those before, and remembers it.
pub async fn record_location(tx: &mut Tx, user: &UserId, location: &Location, now: DateTime<Utc>) -> sqlx::Result<Visit> {
    let country = location.country_code.as_deref().unwrap_or_default(); // empty text stands for "unknown"
    let is_first = last_visit(tx, user, None).await?.is_none();
    let last = last_visit(tx, user, Some(country)).await?;
    remember_place(tx, user, country, location.city.as_deref().unwrap_or_default(), now).await?;
    let is_known = last.is_some_and(|last| last > now - COUNTRY_KNOWN_FOR);
    Ok(Visit { is_first, is_new_country: !is_first && !is_known })
}

/// When the account last signed in from this country, or from anywhere. `None`: never.
async fn last_visit(tx: &mut Tx, user: &UserId, country: Option<&str>) -> sqlx::Result<Option<DateTime<Utc>>> {
    let sql =
        "SELECT last_seen_at FROM known_places WHERE user_id = $1 AND ($2 IS NULL OR country_code = $2) ORDER BY last_seen_at DESC LIMIT 1";
    let found: Option<(DateTime<Utc>,)> = fetch!(tx, fetch_optional as (DateTime<Utc>,), sql, user, country)?;
    Ok(found.map(|(last,)| last))
}

async fn remember_place(tx: &mut Tx, user: &UserId, country: &str, city: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
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

/// Returns what this device called itself when the account last signed in from it. `None` if that was not after `since`, or never.
pub async fn device_label(db: &mut impl Connection, user: &UserId, key: &str, since: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    let sql = "SELECT label FROM known_devices WHERE user_id = $1 AND token_hash = $2 AND last_seen_at > $3";
    let found: Option<(String,)> = fetch!(db, fetch_optional as (String,), sql, user, key, since)?;
    Ok(found.map(|(label,)| label))
}

/// Remembers a device, or that it was used again.
pub async fn remember_device(tx: &mut Tx, user: &UserId, key: &str, label: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
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

/// Forgets one device.
pub async fn forget_device(tx: &mut Tx, user: &UserId, key: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM known_devices WHERE user_id = $1 AND token_hash = $2", user, key)?;
    Ok(())
}

/// Forgets all devices of an account. Its places stay, so the next sign-in is not taken for the first one.
pub async fn forget_devices(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM known_devices WHERE user_id = $1", user)?;
    Ok(())
}

/// Removes up to `batch` devices that were last used before `before`, but none that another transaction holds (RACE-2). Returns how
/// many.
pub async fn forget_unused_devices(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM known_devices WHERE (user_id, token_hash) IN
             (SELECT user_id, token_hash FROM known_devices WHERE last_seen_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, before, batch)
}
