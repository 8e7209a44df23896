//! SQL of the outbox.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{MailId, UserId},
    },
    mail::Kind,
};

/// A mail to send.
#[derive(sqlx::FromRow)]
pub struct Waiting {
    pub id: MailId,
    pub kind: Kind,
    pub user_id: Option<UserId>,
    pub sealed: String,
    pub created_at: DateTime<Utc>,
    pub tries: i64,
}

pub async fn insert(
    tx: &mut Tx,
    id: &MailId,
    kind: Kind,
    user: Option<&UserId>,
    address_hash: &str,
    sealed: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO outbox (id, kind, user_id, address_hash, sealed, created_at, tries, next_try_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $6)",
        id,
        kind,
        user,
        address_hash,
        sealed,
        now,
    )?;
    Ok(())
}

/// How many mails to this address were written since.
pub async fn count_since(db: &mut impl Connection, address_hash: &str, since: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM outbox WHERE address_hash = $1 AND created_at > $2";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, address_hash, since)?;
    Ok(count)
}

/// Whether this person was written to about this since.
pub async fn was_told(db: &mut impl Connection, user: &UserId, kind: Kind, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM outbox WHERE user_id = $1 AND kind = $2 AND created_at > $3 LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, kind, since)?.is_some())
}

/// Takes the next mail that is due, for this node alone until `lease`: whoever sends it says so before then.
pub async fn take(tx: &mut Tx, now: DateTime<Utc>, lease: DateTime<Utc>) -> sqlx::Result<Option<Waiting>> {
    fetch!(
        tx,
        fetch_optional as Waiting,
        "UPDATE outbox SET next_try_at = $2, tries = tries + 1
         WHERE id = (SELECT id FROM outbox WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT 1) AND next_try_at <= $1
         RETURNING id, kind, user_id, sealed, created_at, tries",
        now,
        lease,
    )
}

/// It was sent, and is forgotten but for the fact.
pub async fn sent(tx: &mut Tx, id: &MailId, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET sent_at = $2, next_try_at = NULL, sealed = '' WHERE id = $1", id, now)?;
    Ok(())
}

pub async fn try_again(tx: &mut Tx, id: &MailId, at: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET next_try_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

pub async fn give_up(tx: &mut Tx, id: &MailId) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET next_try_at = NULL, sealed = '' WHERE id = $1", id)?;
    Ok(())
}

/// Forgets up to `batch` mails that were sent or given up long ago; how many.
pub async fn forget_old(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(
        tx,
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND next_try_at IS NULL LIMIT $2)",
        before,
        batch,
    )
}
