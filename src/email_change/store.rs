//! SQL of changes that wait to be confirmed.

use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
};

/// A change that waits.
#[derive(FromRow)]
pub struct Waiting {
    pub email: String,
    pub old_confirmed: bool,
    pub new_confirmed: bool,
}

/// Begins a change; one before is forgotten.
pub async fn begin(tx: &mut Tx, user: &UserId, email: &str) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO email_changes (user_id, email, old_confirmed, new_confirmed) VALUES ($1, $2, FALSE, FALSE)
         ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, old_confirmed = FALSE, new_confirmed = FALSE",
        user,
        email,
    )?;
    Ok(())
}

/// One side, or both, confirmed it; how it stands now.
pub async fn confirm(tx: &mut Tx, user: &UserId, old: bool, new: bool) -> sqlx::Result<Option<Waiting>> {
    fetch!(
        tx,
        fetch_optional as Waiting,
        "UPDATE email_changes SET old_confirmed = (old_confirmed OR $2), new_confirmed = (new_confirmed OR $3) WHERE user_id = $1
         RETURNING email, old_confirmed, new_confirmed",
        user,
        old,
        new,
    )
}

pub async fn find(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Option<Waiting>> {
    fetch!(db, fetch_optional as Waiting, "SELECT email, old_confirmed, new_confirmed FROM email_changes WHERE user_id = $1", user)
}

pub async fn end(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM email_changes WHERE user_id = $1", user)?;
    Ok(())
}
