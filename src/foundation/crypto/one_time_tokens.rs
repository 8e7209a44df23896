//! One-time tokens: 256 random bits, stored as a hash, valid until they are consumed, canceled or expired. Peeking at a token changes
//! nothing, because mail scanners open links (ALT-3, PWD-6).

use chrono::{DateTime, Duration, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    execute, fetch,
    foundation::{
        crypto::secret::Secret,
        db::{Connection, Tx},
        ids::{OneTimeTokenId, UserId},
    },
    locking,
};

/// The purpose of a one-time token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Purpose {
    /// To create the first administrator.
    Setup,
    /// To choose a new password.
    Reset,
    /// To enter the second factor, in the browser in which the password was entered (MFA-5).
    SecondFactor,
    /// To confirm or disown a sign-in.
    Alert,
    /// To create an account.
    Invitation,
    /// To confirm a change of the email address.
    EmailChange,
    /// To import the file that waits for its confirmation.
    Import,
}

impl Purpose {
    /// Returns how long a token with this purpose is valid.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::SecondFactor => Duration::minutes(10),
            Self::Reset => Duration::minutes(30),
            Self::Import => Duration::hours(1),
            Self::EmailChange => Duration::days(1),
            Self::Setup | Self::Alert | Self::Invitation => Duration::days(7),
        }
    }
}

/// A valid one-time token.
#[derive(Debug, sqlx::FromRow)]
pub struct OneTimeToken {
    /// The account that the token belongs to. `None` if there is no account yet.
    pub user_id: Option<UserId>,
    /// The account that created the token on behalf of somebody else.
    pub created_by: Option<UserId>,
    detail: String,
}

impl OneTimeToken {
    /// Returns the data that was stored with the token. `None` if it cannot be parsed as `T`: the token is then useless.
    pub fn detail<T: DeserializeOwned>(&self) -> Option<T> {
        parse_detail(&self.detail)
    }
}

/// Returns the data that was stored with a token. `None` if it cannot be parsed as `T`.
pub fn parse_detail<T: DeserializeOwned>(detail: &str) -> Option<T> {
    serde_json::from_str(detail).ok()
}

/// Creates a token. Returns its secret, which is not stored: show or send it once.
pub async fn create(
    tx: &mut Tx,
    purpose: Purpose,
    user: Option<&UserId>,
    detail: &impl Serialize,
    now: DateTime<Utc>,
) -> sqlx::Result<Secret> {
    insert(tx, purpose, Owner { user, creator: None }, detail, now).await
}

/// Creates a token on behalf of `creator`: [`cancel_created_by`] cancels it together with that account's other tokens. Returns the
/// secret, which is not stored: show or send it once.
pub async fn create_by(
    tx: &mut Tx,
    purpose: Purpose,
    creator: Option<&UserId>,
    detail: &impl Serialize,
    now: DateTime<Utc>,
) -> sqlx::Result<Secret> {
    insert(tx, purpose, Owner { user: None, creator }, detail, now).await
}

/// The account that a token belongs to, and the account that created it.
struct Owner<'a> {
    user: Option<&'a UserId>,
    creator: Option<&'a UserId>,
}

async fn insert(tx: &mut Tx, purpose: Purpose, owner: Owner<'_>, detail: &impl Serialize, now: DateTime<Utc>) -> sqlx::Result<Secret> {
    let secret = Secret::generate();
    let detail = serde_json::to_string(detail).expect("details are JSON");
    execute!(
        tx,
        "INSERT INTO one_time_tokens (token_hash, id, purpose, user_id, created_by, detail, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
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

/// Begins a query of [`OneTimeTokenSummary`].
macro_rules! summaries {
    () => {
        "SELECT t.id, users.username AS creator, t.created_at, t.expires_at, t.detail
         FROM one_time_tokens t LEFT JOIN users ON users.id = t.created_by "
    };
}

/// A valid one-time token in a list.
#[derive(Debug, sqlx::FromRow)]
pub struct OneTimeTokenSummary {
    /// The id of the token.
    pub id: OneTimeTokenId,
    /// The username of the account that created it. `None` for the command line and for users' own requests.
    pub creator: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// The data that was stored with the token: see [`parse_detail`].
    pub detail: String,
}

/// Lists up to `limit` valid tokens with a purpose: first those with a creator, then the others, each group newest first.
pub async fn list(db: &mut impl Connection, purpose: Purpose, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<OneTimeTokenSummary>> {
    let sql = concat!(
        summaries!(),
        "WHERE t.purpose = $1 AND t.expires_at > $2 ORDER BY t.created_by IS NULL, t.created_at DESC, t.id DESC LIMIT $3"
    );
    fetch!(db, fetch_all as OneTimeTokenSummary, sql, purpose, now, limit)
}

/// Lists up to `limit` valid tokens with a purpose whose stored data matches a pattern for `LIKE`, newest first, before an id, or from the
/// newest on if it is empty.
pub async fn list_by_detail(
    db: &mut impl Connection,
    purpose: Purpose,
    pattern: &str,
    before: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OneTimeTokenSummary>> {
    let sql = concat!(
        summaries!(),
        "WHERE t.purpose = $1 AND t.expires_at > $2 AND t.detail LIKE $3 AND ($4 = '' OR t.id < $4) ORDER BY t.id DESC LIMIT $5"
    );
    fetch!(db, fetch_all as OneTimeTokenSummary, sql, purpose, now, pattern, before, limit)
}

/// Lists the valid tokens with a purpose whose stored data matches a pattern for `LIKE`, in the order of their ids.
pub async fn find_by_detail(
    db: &mut impl Connection,
    purpose: Purpose,
    pattern: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(OneTimeTokenId, OneTimeToken)>> {
    let found: Vec<(OneTimeTokenId, Option<UserId>, Option<UserId>, String)> = fetch!(
        db,
        fetch_all as (OneTimeTokenId, Option<UserId>, Option<UserId>, String),
        "SELECT id, user_id, created_by, detail FROM one_time_tokens WHERE purpose = $1 AND expires_at > $2 AND detail LIKE $3 ORDER BY id",
        purpose,
        now,
        pattern,
    )?;
    let to_token = |(id, user_id, created_by, detail)| (id, OneTimeToken { user_id, created_by, detail });
    Ok(found.into_iter().map(to_token).collect())
}

/// Cancels one token. Returns it, or `None` if it was consumed, canceled, or has expired.
pub async fn cancel_by_id(tx: &mut Tx, purpose: Purpose, id: &OneTimeTokenId, now: DateTime<Utc>) -> sqlx::Result<Option<OneTimeToken>> {
    fetch!(
        tx,
        fetch_optional as OneTimeToken,
        "DELETE FROM one_time_tokens WHERE id = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id, created_by, detail",
        id,
        purpose,
        now,
    )
}

/// Cancels the tokens that an account created on behalf of others. Returns their number.
pub async fn cancel_created_by(tx: &mut Tx, creator: &UserId) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM one_time_tokens WHERE created_by = $1", creator)
}

/// Returns the token with this secret, without consuming it. `None` if it is not valid.
pub async fn peek(db: &mut impl Connection, purpose: Purpose, secret: &str, now: DateTime<Utc>) -> sqlx::Result<Option<OneTimeToken>> {
    let Some(secret) = Secret::parse(secret) else { return Ok(None) };
    fetch!(
        db,
        fetch_optional as OneTimeToken,
        "SELECT user_id, created_by, detail FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3",
        secret.hash(),
        purpose,
        now,
    )
}

/// Consumes a token. Returns `None` if it is not valid. Of two concurrent calls, one gets the token.
pub async fn consume(tx: &mut Tx, purpose: Purpose, secret: &str, now: DateTime<Utc>) -> sqlx::Result<Option<OneTimeToken>> {
    let Some(secret) = Secret::parse(secret) else { return Ok(None) };
    fetch!(
        tx,
        fetch_optional as OneTimeToken,
        "DELETE FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id, created_by, detail",
        secret.hash(),
        purpose,
        now,
    )
}

/// Cancels all tokens with a purpose, of one user, or of everybody if `user` is `None`. Returns their number.
pub async fn cancel(tx: &mut Tx, purpose: Purpose, user: Option<&UserId>) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM one_time_tokens WHERE purpose = $1 AND ($2 IS NULL OR user_id = $2)", purpose, user)
}

/// Removes up to `batch` expired tokens, except those that another transaction has locked (RACE-2). Returns their number.
pub async fn remove_expired(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM one_time_tokens WHERE token_hash IN (SELECT token_hash FROM one_time_tokens WHERE expires_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, now, batch)
}
