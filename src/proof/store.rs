//! SQL of proofs.

use chrono::{DateTime, Utc};

use crate::{
    fetch,
    foundation::{db::Connection, ids::UserId},
};

/// The hash of this person's password, and when it was chosen, while the account is enabled.
pub async fn password(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<(String, DateTime<Utc>)>> {
    let sql = "SELECT password_hash, password_changed_at FROM users WHERE id = $1 AND disabled_at IS NULL";
    fetch!(db, fetch_optional as (String, DateTime<Utc>), sql, user)
}
