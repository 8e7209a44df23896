//! SQL of pending email changes.

use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
};

/// A change that is not confirmed by both addresses yet.
#[derive(FromRow)]
pub struct PendingChange {
    pub new_email: String,
    pub is_old_confirmed: bool,
    pub is_new_confirmed: bool,
}

/// Starts a change. It replaces a pending one.
pub async fn replace(tx: &mut Tx, user: &UserId, new_email: &str) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO email_changes (user_id, new_email, is_old_confirmed, is_new_confirmed) VALUES ($1, $2, FALSE, FALSE)
         ON CONFLICT (user_id) DO UPDATE SET new_email = excluded.new_email, is_old_confirmed = FALSE, is_new_confirmed = FALSE",
        user,
        new_email,
    )?;
    Ok(())
}

/// Records that the old address, the new one or both have confirmed the change. Returns the updated change, `None` if there is none.
pub async fn confirm(tx: &mut Tx, user: &UserId, is_old_confirmed: bool, is_new_confirmed: bool) -> sqlx::Result<Option<PendingChange>> {
    fetch!(
        tx,
        fetch_optional as PendingChange,
        "UPDATE email_changes SET is_old_confirmed = (is_old_confirmed OR $2), is_new_confirmed = (is_new_confirmed OR $3) WHERE user_id = $1
         RETURNING new_email, is_old_confirmed, is_new_confirmed",
        user,
        is_old_confirmed,
        is_new_confirmed,
    )
}

pub async fn find(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<PendingChange>> {
    fetch!(
        db,
        fetch_optional as PendingChange,
        "SELECT new_email, is_old_confirmed, is_new_confirmed FROM email_changes WHERE user_id = $1",
        user
    )
}

pub async fn remove(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM email_changes WHERE user_id = $1", user)?;
    Ok(())
}
