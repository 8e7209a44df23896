//! SQL of second factors.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
};

/// A second factor, prepared or enabled.
#[derive(sqlx::FromRow)]
pub struct SecondFactor {
    pub encrypted_seed: String,
    pub encrypted_codes: String,
    pub enabled_at: Option<DateTime<Utc>>,
}

pub async fn find(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<SecondFactor>> {
    let sql = "SELECT encrypted_seed, encrypted_codes, enabled_at FROM second_factors WHERE user_id = $1";
    fetch!(db, fetch_optional as SecondFactor, sql, user)
}

/// Stores a factor that is not enabled yet, replacing another such. Returns false if a factor is enabled already, which then stays.
pub async fn prepare(tx: &mut Tx, user: &UserId, encrypted_seed: &str, encrypted_codes: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = execute!(
        tx,
        "INSERT INTO second_factors (user_id, encrypted_seed, encrypted_codes, last_used_step, created_at) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (user_id) DO UPDATE SET encrypted_seed = excluded.encrypted_seed, encrypted_codes = excluded.encrypted_codes,
             created_at = excluded.created_at WHERE second_factors.enabled_at IS NULL",
        user,
        encrypted_seed,
        encrypted_codes,
        now,
    )?;
    Ok(changed > 0)
}

/// Removes a factor that was prepared and not enabled: whoever prepared it knows its seed.
pub async fn remove_prepared(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM second_factors WHERE user_id = $1 AND enabled_at IS NULL", user)?;
    Ok(())
}

/// Enables a prepared factor and marks the time step of its first code as used. Returns false if it was replaced, removed or enabled
/// in the meantime.
pub async fn enable(tx: &mut Tx, user: &UserId, encrypted_seed: &str, step: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE second_factors SET enabled_at = $4, last_used_step = $3, encrypted_codes = ''
         WHERE user_id = $1 AND encrypted_seed = $2 AND enabled_at IS NULL",
        user,
        encrypted_seed,
        step,
        now,
    )?;
    Ok(changed > 0)
}

/// Marks a time step as used. Returns false if it was used already, so that of concurrent requests only one succeeds (MFA-1).
pub async fn use_step(tx: &mut Tx, user: &UserId, step: i64) -> sqlx::Result<bool> {
    let sql = "UPDATE second_factors SET last_used_step = $2 WHERE user_id = $1 AND last_used_step < $2 AND enabled_at IS NOT NULL";
    Ok(execute!(tx, sql, user, step)? > 0)
}

/// Removes a recovery code. Returns false if there is no such code.
pub async fn use_recovery_code(tx: &mut Tx, user: &UserId, code_hash: &str) -> sqlx::Result<bool> {
    Ok(execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user, code_hash)? > 0)
}

pub async fn count_recovery_codes(db: &mut impl Connection, user: &UserId) -> sqlx::Result<i64> {
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1", user)?;
    Ok(count)
}

/// Replaces all recovery codes.
pub async fn replace_recovery_codes(tx: &mut Tx, user: &UserId, hashes: &[String]) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user)?;
    for hash in hashes {
        execute!(tx, "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", user, hash)?;
    }
    Ok(())
}

/// Stores encrypted recovery codes for display. An empty text removes them.
pub async fn set_encrypted_codes(tx: &mut Tx, user: &UserId, encrypted: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE second_factors SET encrypted_codes = $2 WHERE user_id = $1 AND enabled_at IS NOT NULL", user, encrypted)?;
    Ok(())
}

/// Removes the factor and its recovery codes. Returns false if there was no factor.
pub async fn remove(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user)?;
    Ok(execute!(tx, "DELETE FROM second_factors WHERE user_id = $1", user)? > 0)
}
