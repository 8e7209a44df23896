//! SQL of passwords.

use chrono::{DateTime, Utc};

use crate::{
    execute,
    foundation::{db::Tx, ids::UserId},
};

/// Puts a new hash in the place of `before`. Whether that still stood.
pub async fn replace(tx: &mut Tx, user: &UserId, before: &str, hash: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "UPDATE users SET password_hash = $3, password_changed_at = $4 WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL";
    Ok(execute!(tx, sql, user, before, hash, now)? > 0)
}

/// The same password, hashed anew with parameters that have risen. Whether `before` still stood.
pub async fn rehash(tx: &mut Tx, user: &UserId, before: &str, hash: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    Ok(execute!(tx, sql, user, before, hash)? > 0)
}
