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

/// A mail in the outbox that is due.
#[derive(sqlx::FromRow)]
pub struct QueuedMail {
    pub id: MailId,
    pub kind: Kind,
    pub user_id: Option<UserId>,
    pub encrypted_content: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub attempts: i64,
}

/// A mail to write into the outbox.
pub struct NewMail<'a> {
    pub user: Option<&'a UserId>,
    pub address: &'a str,
    pub kind: Kind,
    pub created_at: DateTime<Utc>,
    /// When it is to be sent.
    pub due_at: DateTime<Utc>,
    /// When its link expires, if the mail was requested. `None` for a notice.
    pub expires_at: Option<DateTime<Utc>>,
    /// The number of further mails that a digest stands for. `None` if it is not a digest.
    pub digest_count: Option<i64>,
}

impl<'a> NewMail<'a> {
    /// Creates a mail that is sent immediately.
    pub fn immediate(user: Option<&'a UserId>, address: &'a str, kind: Kind, now: DateTime<Utc>) -> Self {
        Self { user, address, kind, created_at: now, due_at: now, expires_at: None, digest_count: None }
    }
}

/// Writes a mail into the outbox.
///
/// `expires_at` is set only for mails that were requested, which are rate limited ([`count_requested`]). The others are notices, which are
/// collected in digests ([`notices_since`]).
pub async fn insert(tx: &mut Tx, id: &MailId, mail: &NewMail<'_>, address_hash: &str, encrypted: &str) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO outbox (id, kind, user_id, address_hash, encrypted_content, created_at, attempts, next_attempt_at, expires_at,
             digest_count) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)",
        id,
        mail.kind,
        mail.user,
        address_hash,
        encrypted,
        mail.created_at,
        mail.due_at,
        mail.expires_at,
        mail.digest_count,
    )?;
    Ok(())
}

/// Returns when notices of a kind were enqueued to an address after `since`, oldest first. Requested mails are not notices.
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

/// A digest that waits until the end of its hour.
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
        "UPDATE outbox SET digest_count = digest_count + 1 WHERE id = (
             SELECT id FROM outbox WHERE user_id = $1 AND kind = $2 AND address_hash = $3 AND digest_count IS NOT NULL AND attempts = 0
                 AND next_attempt_at > $4 ORDER BY next_attempt_at LIMIT 1) AND attempts = 0
         RETURNING id, digest_count",
        user,
        kind,
        address_hash,
        now,
    )
}

/// Replaces the content of a mail that is not sent yet.
pub async fn replace_content(tx: &mut Tx, id: &MailId, encrypted: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET encrypted_content = $2 WHERE id = $1", id, encrypted)?;
    Ok(())
}

/// Returns how many mails of a kind to an address were requested after `since`.
pub async fn count_requested(db: &mut impl Connection, address_hash: &str, kind: Kind, since: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM outbox WHERE address_hash = $1 AND created_at > $2 AND kind = $3 AND expires_at IS NOT NULL";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, address_hash, since, kind)?;
    Ok(count)
}

/// Returns whether a mail of a kind to a user was enqueued after `since`.
pub async fn was_notified(db: &mut impl Connection, user: &UserId, kind: Kind, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM outbox WHERE user_id = $1 AND kind = $2 AND created_at > $3 LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, kind, since)?.is_some())
}

/// Claims the next due mail exclusively until `lease`. [`mark_sent`] must be called before then. `None` if no mail is due.
pub async fn claim_next(tx: &mut Tx, now: DateTime<Utc>, lease: DateTime<Utc>) -> sqlx::Result<Option<QueuedMail>> {
    let sql = locking!(
        tx,
        "UPDATE outbox SET next_attempt_at = $2, attempts = attempts + 1
         WHERE id = (SELECT id FROM outbox WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT 1",
        "FOR UPDATE SKIP LOCKED",
        ") AND next_attempt_at <= $1 RETURNING id, kind, user_id, encrypted_content, created_at, expires_at, attempts"
    );
    fetch!(tx, fetch_optional as QueuedMail, sql, now, lease)
}

/// Marks a mail as sent and deletes its content.
pub async fn mark_sent(tx: &mut Tx, id: &MailId, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET sent_at = $2, next_attempt_at = NULL, encrypted_content = '' WHERE id = $1", id, now)?;
    Ok(())
}

pub async fn schedule_retry(tx: &mut Tx, id: &MailId, at: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET next_attempt_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

pub async fn mark_given_up(tx: &mut Tx, id: &MailId) -> sqlx::Result<()> {
    execute!(tx, "UPDATE outbox SET next_attempt_at = NULL, encrypted_content = '' WHERE id = $1", id)?;
    Ok(())
}

/// Removes up to `batch` mails that were created before `before` and have been sent or given up. Returns their number.
pub async fn remove_old(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(
        tx,
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND next_attempt_at IS NULL LIMIT $2)",
        before,
        batch,
    )
}
