//! The devices and locations that an account has signed in from. Decides what counts as new, for the badge "New location" and for alerts.

use chrono::{DateTime, Duration, Utc};

use crate::{
    execute, fetch,
    foundation::{
        client::location::Location,
        db::{Connection, Tx},
        ids::UserId,
    },
    locking,
};

/// A device is no longer known after this long without a sign-in. Chromium keeps no cookie longer.
pub const DEVICE_KNOWN_FOR: Duration = Duration::days(400);
/// A country counts as new again after this long without a sign-in.
const COUNTRY_KNOWN_FOR: Duration = Duration::days(90);

/// How the location of a sign-in compares with previous ones.
pub struct Visit {
    /// Whether this is the account's first sign-in.
    pub is_first: bool,
    /// Whether the account has signed in before, but not from this country in the last 90 days. An unknown country counts as a country of
    /// its own.
    pub is_new_country: bool,
}

/// Compares the location of a sign-in with previous ones, and remembers it.
pub async fn record_location(tx: &mut Tx, user: &UserId, location: &Location, now: DateTime<Utc>) -> sqlx::Result<Visit> {
    let country = location.country_code.as_deref().unwrap_or_default(); // empty means unknown
    let is_first = last_visit(tx, user, None).await?.is_none();
    let last = last_visit(tx, user, Some(country)).await?;
    remember_location(tx, user, country, location.city.as_deref().unwrap_or_default(), now).await?;
    let is_known = last.is_some_and(|last| last > now - COUNTRY_KNOWN_FOR);
    Ok(Visit { is_first, is_new_country: !is_first && !is_known })
}

/// Returns when the account last signed in from a country, or from anywhere if `country` is `None`. `None` if it never did.
async fn last_visit(tx: &mut Tx, user: &UserId, country: Option<&str>) -> sqlx::Result<Option<DateTime<Utc>>> {
    let sql = "SELECT last_seen_at FROM known_locations WHERE user_id = $1 AND ($2 IS NULL OR country_code = $2)
               ORDER BY last_seen_at DESC LIMIT 1";
    let found: Option<(DateTime<Utc>,)> = fetch!(tx, fetch_optional as (DateTime<Utc>,), sql, user, country)?;
    Ok(found.map(|(last,)| last))
}

async fn remember_location(tx: &mut Tx, user: &UserId, country: &str, city: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO known_locations (user_id, country_code, city, last_seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, country_code, city) DO UPDATE SET last_seen_at = excluded.last_seen_at",
        user,
        country,
        city,
        now,
    )?;
    Ok(())
}

/// Returns the label of a device at the account's last sign-in from it. `None` if there was no sign-in after `since`.
pub async fn device_label(db: &mut impl Connection, user: &UserId, device_key: &str, since: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    let sql = "SELECT label FROM known_devices WHERE user_id = $1 AND device_key = $2 AND last_seen_at > $3";
    let found: Option<(String,)> = fetch!(db, fetch_optional as (String,), sql, user, device_key, since)?;
    Ok(found.map(|(label,)| label))
}

/// Remembers a device, or updates when it was last used.
pub async fn remember_device(tx: &mut Tx, user: &UserId, device_key: &str, label: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO known_devices (user_id, device_key, label, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (user_id, device_key) DO UPDATE SET label = excluded.label, last_seen_at = excluded.last_seen_at",
        user,
        device_key,
        label,
        now,
    )?;
    Ok(())
}

/// Forgets a device.
pub async fn forget_device(tx: &mut Tx, user: &UserId, device_key: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM known_devices WHERE user_id = $1 AND device_key = $2", user, device_key)?;
    Ok(())
}

/// Forgets all devices of an account. Its locations are kept, so that the next sign-in does not count as the first.
pub async fn forget_devices(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM known_devices WHERE user_id = $1", user)?;
    Ok(())
}

/// Removes up to `batch` devices that were last used before `before`, except those that another transaction has locked (RACE-2).
/// Returns their number.
pub async fn remove_unused_devices(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM known_devices WHERE (user_id, device_key) IN
             (SELECT user_id, device_key FROM known_devices WHERE last_seen_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, before, batch)
}
