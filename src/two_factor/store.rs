//! SQL of second factors.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
};

/// A second factor, on or still to be.
#[derive(sqlx::FromRow)]
pub struct Factor {
    pub sealed_seed: String,
    pub sealed_codes: String,
    pub enabled_at: Option<DateTime<Utc>>,
}

pub async fn find(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<Factor>> {
    let sql = "SELECT sealed_seed, sealed_codes, enabled_at FROM second_factors WHERE user_id = $1";
    fetch!(db, fetch_optional as Factor, sql, user)
}

/// Writes a factor that is still to be turned on, in the place of another such. One that is on stays as it is.
pub async fn prepare(tx: &mut Tx, user: &UserId, sealed_seed: &str, sealed_codes: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = execute!(
        tx,
        "INSERT INTO second_factors (user_id, sealed_seed, sealed_codes, last_step, created_at) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (user_id) DO UPDATE SET sealed_seed = excluded.sealed_seed, sealed_codes = excluded.sealed_codes,
             created_at = excluded.created_at WHERE second_factors.enabled_at IS NULL",
        user,
        sealed_seed,
        sealed_codes,
        now,
    )?;
    Ok(changed > 0)
}

/// Removes a factor that was prepared and never turned on: whoever prepared it knows its seed.
pub async fn remove_prepared(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM second_factors WHERE user_id = $1 AND enabled_at IS NULL", user)?;
    Ok(())
}

/// Turns a factor on that was prepared, its first code used. Whether it was not on already.
pub async fn enable(tx: &mut Tx, user: &UserId, sealed_seed: &str, step: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE second_factors SET enabled_at = $4, last_step = $3, sealed_codes = ''
         WHERE user_id = $1 AND sealed_seed = $2 AND enabled_at IS NULL",
        user,
        sealed_seed,
        step,
        now,
    )?;
    Ok(changed > 0)
}

/// Uses a time step up. Whether it was still to be used: two at once use it once (MFA-1).
pub async fn use_step(tx: &mut Tx, user: &UserId, step: i64) -> sqlx::Result<bool> {
    let sql = "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2 AND enabled_at IS NOT NULL";
    Ok(execute!(tx, sql, user, step)? > 0)
}

/// Uses a recovery code up. Whether it was there.
pub async fn use_recovery_code(tx: &mut Tx, user: &UserId, code_hash: &str) -> sqlx::Result<bool> {
    Ok(execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user, code_hash)? > 0)
}

pub async fn count_recovery_codes(db: &mut impl Connection, user: &UserId) -> sqlx::Result<i64> {
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1", user)?;
    Ok(count)
}

/// Puts these in the place of all before.
pub async fn replace_recovery_codes(tx: &mut Tx, user: &UserId, hashes: &[String]) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user)?;
    for hash in hashes {
        execute!(tx, "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", user, hash)?;
    }
    Ok(())
}

/// Keeps these codes, sealed, to be shown; empty: none.
pub async fn show_codes(tx: &mut Tx, user: &UserId, sealed: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE second_factors SET sealed_codes = $2 WHERE user_id = $1 AND enabled_at IS NOT NULL", user, sealed)?;
    Ok(())
}

/// Takes the factor away, its recovery codes too. Whether it was on.
pub async fn remove(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user)?;
    Ok(execute!(tx, "DELETE FROM second_factors WHERE user_id = $1", user)? > 0)
}
