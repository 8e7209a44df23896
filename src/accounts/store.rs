//! SQL of accounts.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use unicode_normalization::UnicodeNormalization;

use crate::{
    accounts::model::{Account, look},
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
    },
    locking,
};

/// What a sign-in needs of an account.
#[derive(FromRow)]
pub struct Credentials {
    #[sqlx(flatten)]
    pub account: Account,
    pub password_hash: String,
    pub is_enabled: bool,
}

/// An account as an administrator lists it.
#[derive(FromRow, serde::Serialize)]
pub struct Listed {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub account: Account,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// The form in which names and addresses are compared: Unicode NFKC, lower case.
pub fn key(identifier: &str) -> String {
    identifier.trim().nfkc().flat_map(char::to_lowercase).collect()
}

/// The account that signs in by this username or e-mail address.
pub async fn find(db: &mut impl Connection, identifier: &str) -> sqlx::Result<Option<Credentials>> {
    fetch!(
        db,
        fetch_optional as Credentials,
        "SELECT id AS user_id, username, email, name, time_zone, is_admin, password_hash, disabled_at IS NULL AS is_enabled
         FROM users WHERE username_key = $1 OR email_key = $1",
        key(identifier),
    )
}

/// The same, by id.
pub async fn credentials(db: &mut impl Connection, id: &UserId) -> sqlx::Result<Option<Credentials>> {
    let sql = "SELECT id AS user_id, username, email, name, time_zone, is_admin, password_hash, disabled_at IS NULL AS is_enabled FROM users WHERE id = $1";
    fetch!(db, fetch_optional as Credentials, sql, id)
}

/// The account of this id, while it is enabled.
pub async fn find_by_id(db: &mut impl Connection, id: &UserId) -> sqlx::Result<Option<Account>> {
    let sql = "SELECT id AS user_id, username, email, name, time_zone, is_admin FROM users WHERE id = $1 AND disabled_at IS NULL";
    fetch!(db, fetch_optional as Account, sql, id)
}

/// Locks an account until the transaction ends, and reads what it says by then. Returns `None` if there is no such account.
///
/// The rule (RACE-1, RACE-2): **whoever creates or ends a credential of an account (a session, a token, a link, a second factor,
/// the password, the address, the account itself) locks the account first, before any other row.** Concurrent changes then run one
/// after the other, each sees the other's result, and they cannot deadlock. A transaction that locks two accounts locks them in the
/// order of their ids.
///
/// On PostgreSQL the lock is `FOR NO KEY UPDATE`: it conflicts with itself and with every UPDATE of the account, but not with the
/// key locks that foreign keys take. A SQLite transaction is alone from its beginning.
pub async fn lock(tx: &mut Tx, id: &UserId) -> sqlx::Result<Option<Credentials>> {
    let sql = locking!(
        tx,
        "SELECT id AS user_id, username, email, name, time_zone, is_admin, password_hash, disabled_at IS NULL AS is_enabled
         FROM users WHERE id = $1",
        "FOR NO KEY UPDATE",
        ""
    );
    fetch!(tx, fetch_optional as Credentials, sql, id)
}

/// Whether there is any account.
pub async fn is_any(db: &mut impl Connection) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT id FROM users LIMIT 1")?.is_some())
}

/// All accounts, by name.
pub async fn list(db: &mut impl Connection) -> sqlx::Result<Vec<Listed>> {
    fetch!(
        db,
        fetch_all as Listed,
        "SELECT id AS user_id, username, email, name, time_zone, is_admin, created_at, disabled_at FROM users ORDER BY username_key",
    )
}

/// The enabled accounts that administer the service, oldest first.
pub async fn administrators(db: &mut impl Connection) -> sqlx::Result<Vec<Account>> {
    let sql =
        "SELECT id AS user_id, username, email, name, time_zone, is_admin FROM users WHERE is_admin AND disabled_at IS NULL ORDER BY id";
    fetch!(db, fetch_all as Account, sql)
}

/// A new account.
pub async fn insert(tx: &mut Tx, account: &Account, password_hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO users (id, username, username_key, username_look, email, email_key, name, time_zone, password_hash, is_admin, created_at, password_changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
        &account.id,
        &account.username,
        key(&account.username),
        look(&account.username),
        &account.email,
        key(&account.email),
        &account.name,
        &account.time_zone,
        password_hash,
        account.is_admin,
        now,
    )?;
    Ok(())
}

/// What a person says of themselves.
pub async fn describe(tx: &mut Tx, id: &UserId, username: &str, name: &str, time_zone: &str) -> sqlx::Result<()> {
    let sql = "UPDATE users SET username = $2, username_key = $3, username_look = $4, name = $5, time_zone = $6 WHERE id = $1";
    execute!(tx, sql, id, username, key(username), look(username), name, time_zone)?;
    Ok(())
}

/// A new address, confirmed.
pub async fn set_email(tx: &mut Tx, id: &UserId, email: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE users SET email = $2, email_key = $3 WHERE id = $1", id, email, key(email))?;
    Ok(())
}

/// Disables an account, or enables it (`disabled_at` none). Whether anything changed.
pub async fn set_disabled(tx: &mut Tx, id: &UserId, disabled_at: Option<DateTime<Utc>>) -> sqlx::Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET disabled_at = $2 WHERE id = $1 AND (disabled_at IS NULL) = $3",
        id,
        disabled_at,
        disabled_at.is_some(),
    )?;
    Ok(changed > 0)
}
