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

/// Replaces an outdated hash of the same password. Returns false if the stored hash is not `old_hash` any more.
pub async fn rehash(tx: &mut Tx, user: &UserId, old_hash: &str, hash: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    Ok(execute!(tx, sql, user, old_hash, hash)? > 0)
}
