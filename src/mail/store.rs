//! SQL of the outbox.

use chrono::{DateTime, Utc};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{MailId, UserId},
    },
    locking,
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
    pub expires_at: Option<DateTime<Utc>>,
    pub tries: i64,
}

/// A mail before it is written into the outbox.
pub struct Outgoing<'a> {
    pub user: Option<&'a UserId>,
    pub address: &'a str,
    pub kind: Kind,
    pub created_at: DateTime<Utc>,
    /// When it is to be sent.
    pub due_at: DateTime<Utc>,
    /// When its link expires, if somebody asked for it. `None`: a notice.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many more mails a digest stands for. `None`: not a digest.
    pub digest_count: Option<i64>,
}

impl<'a> Outgoing<'a> {
    /// One that is sent at once.
    pub fn now(user: Option<&'a UserId>, address: &'a str, kind: Kind, now: DateTime<Utc>) -> Self {
        Self { user, address, kind, created_at: now, due_at: now, expires_at: None, digest_count: None }
    }
}

/// Writes a mail into the outbox.
///
/// `expires_at` is set exactly for mails that somebody asked for: they are limited ([`count_asked_for`]). The others are notices, which
/// are collected ([`notices_since`]).
pub async fn insert(tx: &mut Tx, id: &MailId, outgoing: &Outgoing<'_>, address_hash: &str, sealed: &str) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO outbox (id, kind, user_id, address_hash, sealed, created_at, tries, next_try_at, expires_at, folded)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)",
        id,
        outgoing.kind,
        outgoing.user,
        address_hash,
        sealed,
        outgoing.created_at,
        outgoing.due_at,
        outgoing.expires_at,
        outgoing.digest_count,
    )?;
    Ok(())
}

/// When notices of this kind to this address were written since, the oldest first. What somebody asked for is none.
pub async fn notices_since(
    db: &mut impl Connection,
    user: &UserId,
    kind: Kind,
    address_hash: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    let found: Vec<(DateTime<Utc>,)> = fetch!(
        db,
        fetch_all as (DateTime<Utc>,),
        "SELECT created_at FROM outbox WHERE user_id = $1 AND kind = $2 AND created_at > $3 AND address_hash = $4 AND expires_at IS NULL
         ORDER BY created_at",
        user,
        kind,
        since,
        address_hash,
    )?;
    Ok(found.into_iter().map(|(at,)| at).collect())
}

/// A digest that waits for the end of its hour.
#[derive(sqlx::FromRow)]
pub struct Digest {
    pub id: MailId,
    pub digest_count: i64,
}

/// Counts one more mail in the digest of this kind. `None` if there is none, or if it is being sent.
pub async fn add_to_digest(tx: &mut Tx, user: &UserId, kind: Kind, address_hash: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Digest>> {
    fetch!(
        tx,
        fetch_optional as Digest,
        "UPDATE outbox SET folded = folded + 1 WHERE id = (
             SELECT id FROM outbox WHERE user_id = $1 AND kind = $2 AND address_hash = $3 AND folded IS NOT NULL AND tries = 0 AND next_try_at > $4
             ORDER BY next_try_at LIMIT 1) AND tries = 0
         RETURNING id, folded AS digest_count",
        user,
        kind,
        address_hash,
        now,
    )
}

/// Replaces what a mail says that waits.
pub async fn replace(tx: &mut Tx, id: &MailId, sealed: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET sealed = $2 WHERE id = $1", id, sealed)?;
    Ok(())
}

/// How many mails of this kind to this address were asked for since.
pub async fn count_asked_for(db: &mut impl Connection, address_hash: &str, kind: Kind, since: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM outbox WHERE address_hash = $1 AND created_at > $2 AND kind = $3 AND expires_at IS NOT NULL";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, address_hash, since, kind)?;
    Ok(count)
}

/// Whether this person was written to about this since.
pub async fn was_told(db: &mut impl Connection, user: &UserId, kind: Kind, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM outbox WHERE user_id = $1 AND kind = $2 AND created_at > $3 LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, kind, since)?.is_some())
}

/// Takes the next mail that is due, for this node alone until `lease`: whoever sends it says so before then.
pub async fn take(tx: &mut Tx, now: DateTime<Utc>, lease: DateTime<Utc>) -> sqlx::Result<Option<Waiting>> {
    let sql = locking!(
        tx,
        "UPDATE outbox SET next_try_at = $2, tries = tries + 1
         WHERE id = (SELECT id FROM outbox WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT 1",
        "FOR UPDATE SKIP LOCKED",
        ") AND next_try_at <= $1 RETURNING id, kind, user_id, sealed, created_at, expires_at, tries"
    );
    fetch!(tx, fetch_optional as Waiting, sql, now, lease)
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
