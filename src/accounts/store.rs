//! SQL of accounts.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use unicode_normalization::UnicodeNormalization;

use crate::{
    accounts::model::{Account, confusable_skeleton},
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        http::page::containing,
        ids::UserId,
        text::is_joiner,
    },
    locking,
};

/// The columns of an [`Account`], in a query of `users`.
#[macro_export]
macro_rules! account_columns {
    () => {
        "users.id AS user_id, users.username, users.email, users.name, users.time_zone, users.is_admin"
    };
}

/// The columns of [`Credentials`].
macro_rules! credential_columns {
    () => {
        concat!(account_columns!(), ", password_hash, disabled_at IS NULL AS is_enabled")
    };
}

/// An account with what a sign-in needs.
#[derive(FromRow)]
pub struct Credentials {
    #[sqlx(flatten)]
    pub account: Account,
    pub password_hash: String,
    pub is_enabled: bool,
}

/// An account in an administrator's list.
#[derive(FromRow, serde::Serialize)]
pub struct AccountSummary {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub account: Account,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Normalizes a username or email address for comparison: trimmed, Unicode NFKC, lower case. A NUL, which PostgreSQL does not store,
/// becomes a character that no name has.
pub fn normalize_identifier(identifier: &str) -> String {
    identifier.trim().nfkc().flat_map(char::to_lowercase).map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Normalizes a name for comparison: as [`normalize_identifier`] does, with single spaces and without joiners. So names that differ in what
/// nobody sees are the same.
pub fn normalize_name(name: &str) -> String {
    // Joiners go first: they keep spaces at an end, and a letter from its accent.
    let visible = name.replace(is_joiner, "");
    normalize_identifier(&visible.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns the pattern of a search for people by `LIKE … ESCAPE '!'`. `None` for an empty search.
pub fn search_pattern(search: Option<&str>) -> Option<String> {
    search.map(normalize_name).filter(|search| !search.is_empty()).map(|search| containing(&search))
}

/// Finds an account by username or email address, enabled or not.
pub async fn find(db: &mut impl Connection, identifier: &str) -> sqlx::Result<Option<Credentials>> {
    fetch!(
        db,
        fetch_optional as Credentials,
        concat!("SELECT ", credential_columns!(), " FROM users WHERE normalized_username = $1 OR normalized_email = $1"),
        normalize_identifier(identifier),
    )
}

/// Finds an enabled account by id, username or email address.
pub async fn find_enabled(db: &mut impl Connection, user: &str) -> sqlx::Result<Option<Account>> {
    let by_id = match UserId::parse(user.trim()) {
        Some(id) => find_by_id(db, &id).await?,
        None => None,
    };
    match by_id {
        Some(account) => Ok(Some(account)),
        None => Ok(find(db, user).await?.filter(|found| found.is_enabled).map(|found| found.account)),
    }
}

/// Finds an account with its credentials by id, enabled or not.
pub async fn find_credentials(db: &mut impl Connection, id: &UserId) -> sqlx::Result<Option<Credentials>> {
    let sql = concat!("SELECT ", credential_columns!(), " FROM users WHERE id = $1");
    fetch!(db, fetch_optional as Credentials, sql, id)
}

/// Finds an account by id. `None` if it does not exist or is disabled.
pub async fn find_by_id(db: &mut impl Connection, id: &UserId) -> sqlx::Result<Option<Account>> {
    let sql = concat!("SELECT ", account_columns!(), " FROM users WHERE id = $1 AND disabled_at IS NULL");
    fetch!(db, fetch_optional as Account, sql, id)
}

/// Locks an account until the transaction ends, and returns its current state. `None` if there is no such account.
///
/// The rule (RACE-1, RACE-2): **a transaction that creates or ends a credential of an account (a session, an API token, a one-time token,
/// a second factor, the password, the email address, the account itself) locks the account first, before any other row.** Concurrent
/// changes then run one after the other, each sees the result of the previous one, and they cannot deadlock. A transaction that locks
/// two accounts locks them in the order of their ids.
///
/// On PostgreSQL the lock is `FOR NO KEY UPDATE`: it conflicts with itself and with every UPDATE of the account, but not with the key
/// locks that foreign keys take. A SQLite write transaction runs alone from its beginning.
pub async fn lock(tx: &mut Tx, id: &UserId) -> sqlx::Result<Option<Credentials>> {
    let sql = locking!(tx, concat!("SELECT ", credential_columns!(), " FROM users WHERE id = $1"), "FOR NO KEY UPDATE", "");
    fetch!(tx, fetch_optional as Credentials, sql, id)
}

/// Returns whether there is any account.
pub async fn any_exists(db: &mut impl Connection) -> sqlx::Result<bool> {
    Ok(fetch!(db, fetch_optional as (String,), "SELECT id FROM users LIMIT 1")?.is_some())
}

/// Lists all accounts by username.
pub async fn list(db: &mut impl Connection) -> sqlx::Result<Vec<AccountSummary>> {
    fetch!(
        db,
        fetch_all as AccountSummary,
        concat!("SELECT ", account_columns!(), ", created_at, disabled_at FROM users ORDER BY normalized_username"),
    )
}

/// Lists the enabled administrators, oldest first.
pub async fn administrators(db: &mut impl Connection) -> sqlx::Result<Vec<Account>> {
    let sql = concat!("SELECT ", account_columns!(), " FROM users WHERE is_admin AND disabled_at IS NULL ORDER BY id");
    fetch!(db, fetch_all as Account, sql)
}

/// Inserts an account.
pub async fn insert(tx: &mut Tx, account: &Account, password_hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO users (id, username, normalized_username, username_skeleton, email, normalized_email, name, normalized_name, time_zone,
             password_hash, is_admin, created_at, password_changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        &account.id,
        &account.username,
        normalize_identifier(&account.username),
        confusable_skeleton(&account.username),
        &account.email,
        normalize_identifier(&account.email),
        &account.name,
        normalize_name(&account.name),
        &account.time_zone,
        password_hash,
        account.is_admin,
        now,
    )?;
    Ok(())
}

/// Updates the username, name and time zone of an account.
pub async fn update_profile(tx: &mut Tx, id: &UserId, username: &str, name: &str, time_zone: &str) -> sqlx::Result<()> {
    let sql =
        "UPDATE users SET username = $2, normalized_username = $3, username_skeleton = $4, name = $5, normalized_name = $6, time_zone = $7
               WHERE id = $1";
    let normalized_username = normalize_identifier(username);
    execute!(tx, sql, id, username, normalized_username, confusable_skeleton(username), name, normalize_name(name), time_zone)?;
    Ok(())
}

/// Lists up to `limit` accounts after an id whose normalized names are missing, with their names.
pub async fn list_without_normalized_name(db: &mut impl Connection, after: &str, limit: i64) -> sqlx::Result<Vec<(UserId, String)>> {
    let sql = "SELECT id, name FROM users WHERE normalized_name = '' AND id > $1 ORDER BY id LIMIT $2";
    fetch!(db, fetch_all as (UserId, String), sql, after, limit)
}

/// Sets the normalized name of an account, if it still has this name.
pub async fn set_normalized_name(tx: &mut Tx, id: &UserId, name: &str) -> sqlx::Result<()> {
    let sql = "UPDATE users SET normalized_name = $3 WHERE id = $1 AND name = $2";
    execute!(tx, sql, id, name, normalize_name(name)).map(drop)
}

/// Sets a confirmed email address.
pub async fn set_email(tx: &mut Tx, id: &UserId, email: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE users SET email = $2, normalized_email = $3 WHERE id = $1", id, email, normalize_identifier(email))?;
    Ok(())
}

/// Disables an account, or enables it if `disabled_at` is `None`. Returns whether anything changed.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_what_nobody_sees_are_the_same() {
        for (one, other) in [
            ("Meadow", " Meadow \u{200D}"),
            ("Meadow", "\u{200C} Mea\u{FE0F}dow \u{200D} \u{FE00} "),
            ("Hill Top", "Hill \u{200D} Top"),
            ("Café", "Cafe\u{200D}\u{301}"),
            ("علی\u{200C}رضا", "علیرضا"),
            ("葛城", "葛\u{E0100}城"),
        ] {
            assert_eq!(normalize_name(one), normalize_name(other), "{other:?}");
            assert_eq!(search_pattern(Some(one)), search_pattern(Some(other)), "{other:?}");
        }
        assert_ne!(normalize_name("Hill Top"), normalize_name("HillTop"));
        assert_eq!((normalize_name("CAFÉ\0"), normalize_name(" \u{200D} ")), ("café\u{FFFD}".to_owned(), String::new()));
        assert_eq!(search_pattern(Some("\u{200D}")), None);
    }
}
