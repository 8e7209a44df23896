//! SQL of passwords.

use chrono::{DateTime, Utc};

use crate::{
    execute,
    foundation::{db::Tx, ids::UserId},
};

/// Replaces the password of an account that this transaction has locked.
pub async fn replace(tx: &mut Tx, user: &UserId, hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE id = $1", user, hash, now)?;
    Ok(())
}

/// The same password, hashed anew with parameters that have risen. Whether `before` still stood.
pub async fn rehash(tx: &mut Tx, user: &UserId, before: &str, hash: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    Ok(execute!(tx, sql, user, before, hash)? > 0)
}
