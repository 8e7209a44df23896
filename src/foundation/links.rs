//! One-time links: 256 random bits, kept as their hash, good until they are spent or too old. Looking at one changes
//! nothing, since mail scanners open links (ALT-3, PWD-6).

use chrono::{DateTime, Duration, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OneTimeTokenId, UserId},
        secret::Secret,
    },
    locking,
};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Purpose {
    /// To make the first administrator.
    Setup,
    /// To choose a new password.
    Reset,
    /// To give the second factor, in the browser that gave the password (MFA-5).
    SecondFactor,
    /// To say whether a sign-in was one's own.
    Alert,
    /// To make an account.
    Invitation,
    /// To confirm a change of address.
    EmailChange,
}

impl Purpose {
    /// How long such a link is good.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::SecondFactor => Duration::minutes(10),
            Self::Reset => Duration::minutes(30),
            Self::EmailChange => Duration::days(1),
            Self::Setup | Self::Alert | Self::Invitation => Duration::days(7),
        }
    }
}

/// A link that is good.
#[derive(Debug, sqlx::FromRow)]
pub struct Link {
    /// Whose it is, where it is of an account.
    pub user_id: Option<UserId>,
    /// The account that made it on behalf of somebody else.
    pub created_by: Option<UserId>,
    detail: String,
}

impl Link {
    /// Returns what was written with it. `None` if it has another form: then the link is good for nothing.
    pub fn detail<T: DeserializeOwned>(&self) -> Option<T> {
        read_detail(&self.detail)
    }
}

fn read_detail<T: DeserializeOwned>(detail: &str) -> Option<T> {
    serde_json::from_str(detail).ok()
}

/// Makes a link; its secret, to be given out once.
pub async fn make(
    tx: &mut Tx,
    purpose: Purpose,
    user: Option<&UserId>,
    detail: &impl Serialize,
    now: DateTime<Utc>,
) -> sqlx::Result<Secret> {
    insert(tx, purpose, Owner { user, creator: None }, detail, now).await
}

/// Makes a link on behalf of `creator`: [`cancel_created_by`] ends it with that account. Returns the secret, to be given out once.
pub async fn make_by(
    tx: &mut Tx,
    purpose: Purpose,
    creator: Option<&UserId>,
    detail: &impl Serialize,
    now: DateTime<Utc>,
) -> sqlx::Result<Secret> {
    insert(tx, purpose, Owner { user: None, creator }, detail, now).await
}

/// Whose account a link is about, and who made it.
struct Owner<'a> {
    user: Option<&'a UserId>,
    creator: Option<&'a UserId>,
}

async fn insert(tx: &mut Tx, purpose: Purpose, owner: Owner<'_>, detail: &impl Serialize, now: DateTime<Utc>) -> sqlx::Result<Secret> {
    let secret = Secret::generate();
    let detail = serde_json::to_string(detail).expect("details are JSON");
    execute!(
        tx,
        "INSERT INTO links (token_hash, id, purpose, user_id, created_by, detail, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        secret.hash(),
        OneTimeTokenId::new(now),
        purpose,
        owner.user,
        owner.creator,
        detail,
        now,
        now + purpose.lifetime(),
    )?;
    Ok(secret)
}

/// A link as a list shows it.
#[derive(Debug, sqlx::FromRow)]
pub struct ListedLink {
    /// Names the row.
    pub id: OneTimeTokenId,
    /// The username of the account that made it. `None` for the command line and for what people ask for themselves.
    pub creator: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it opens nothing.
    pub expires_at: DateTime<Utc>,
    detail: String,
}

impl ListedLink {
    /// Returns what was written with it. `None` if it has another form.
    pub fn detail<T: DeserializeOwned>(&self) -> Option<T> {
        read_detail(&self.detail)
    }
}

/// Lists up to `limit` links of a purpose that are good: those that somebody made first, each group newest first.
pub async fn list(db: &mut impl Connection, purpose: Purpose, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<ListedLink>> {
    fetch!(
        db,
        fetch_all as ListedLink,
        "SELECT links.id, users.username AS creator, links.created_at, links.expires_at, links.detail
         FROM links LEFT JOIN users ON users.id = links.created_by WHERE links.purpose = $1 AND links.expires_at > $2
         ORDER BY links.created_by IS NULL, links.created_at DESC, links.id DESC LIMIT $3",
        purpose,
        now,
        limit,
    )
}

/// Cancels one link. Returns what it was, or `None` if it was spent, canceled, or has expired.
pub async fn cancel_one(tx: &mut Tx, purpose: Purpose, id: &OneTimeTokenId, now: DateTime<Utc>) -> sqlx::Result<Option<Link>> {
    fetch!(
        tx,
        fetch_optional as Link,
        "DELETE FROM links WHERE id = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id, created_by, detail",
        id,
        purpose,
        now,
    )
}

/// Cancels what this account made on behalf of others. Returns how many links that were.
pub async fn cancel_created_by(tx: &mut Tx, creator: &UserId) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM links WHERE created_by = $1", creator)
}

/// The link that this text opens, if it is good. It stays good.
pub async fn look(db: &mut impl Connection, purpose: Purpose, text: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Link>> {
    let Some(secret) = Secret::parse(text) else { return Ok(None) };
    fetch!(
        db,
        fetch_optional as Link,
        "SELECT user_id, created_by, detail FROM links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3",
        secret.hash(),
        purpose,
        now,
    )
}

/// Spends a link: two at once find it once.
pub async fn spend(tx: &mut Tx, purpose: Purpose, text: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Link>> {
    let Some(secret) = Secret::parse(text) else { return Ok(None) };
    fetch!(
        tx,
        fetch_optional as Link,
        "DELETE FROM links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id, created_by, detail",
        secret.hash(),
        purpose,
        now,
    )
}

/// Cancels all links of this purpose, of one person or everybody's.
pub async fn cancel(tx: &mut Tx, purpose: Purpose, user: Option<&UserId>) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM links WHERE purpose = $1 AND ($2 IS NULL OR user_id = $2)", purpose, user)
}

/// Removes up to `batch` links that have expired, but none that another transaction holds (RACE-2). Returns how many.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM links WHERE token_hash IN (SELECT token_hash FROM links WHERE expires_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, now, batch)
}
