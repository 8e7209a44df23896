//! SQL of reauthentication.

use chrono::{DateTime, Utc};

use crate::{
    fetch,
    foundation::{db::Connection, ids::UserId},
};

/// Returns the hash of the user's password, and when it was set. `None` if the account is disabled or does not exist.
pub async fn find_password_hash(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<(String, DateTime<Utc>)>> {
    let sql = "SELECT password_hash, password_changed_at FROM users WHERE id = $1 AND disabled_at IS NULL";
    fetch!(db, fetch_optional as (String, DateTime<Utc>), sql, user)
}
