//! SQL of API tokens. Queries for a user check the owner in their WHERE.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    access::Group,
    account_columns,
    accounts::model::Account,
    api_tokens::model::{ApiToken, LastUse},
    execute, fetch,
    foundation::{
        db::{Backend, Connection, Tx},
        ids::{TokenId, UserId},
        postgres::PostgresConnection,
    },
    locking,
};

/// The columns of a [`TokenRow`].
macro_rules! columns {
    () => {
        "id, name, permission_group, created_at, expires_at, last_used_at, last_ip, last_location, last_country_code, last_client"
    };
}

/// A stored token. Later uses may still be in memory (`foundation::activity`).
#[derive(Debug, Clone, FromRow)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    pub permission_group: Group,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_ip: Option<String>,
    pub last_location: Option<String>,
    pub last_country_code: Option<String>,
    pub last_client: Option<String>,
}

impl TokenRow {
    /// Converts the row into what its owner sees.
    pub fn into_api_token(self) -> ApiToken {
        let last_use = match (self.last_used_at, self.last_ip, self.last_location, self.last_client) {
            (Some(at), Some(ip), Some(location), Some(client)) => {
                Some(LastUse { at, ip, location, client, country_code: self.last_country_code })
            }
            _ => None, // never used: they are written together
        };
        let (created_at, expires_at) = (self.created_at, self.expires_at);
        ApiToken { id: self.id, name: self.name, group: self.permission_group, created_at, expires_at, last_use }
    }
}

/// A token with its account, from the one query of a request.
#[derive(FromRow)]
pub struct TokenWithUser {
    pub id: TokenId,
    pub permission_group: Group,
    #[sqlx(flatten)]
    pub account: Account,
}

/// Returns the token of a secret, if neither has expired and the account is enabled.
pub async fn find_by_secret(db: &mut impl Connection, secret_hash: &str, now: DateTime<Utc>) -> sqlx::Result<Option<TokenWithUser>> {
    fetch!(
        db,
        fetch_optional as TokenWithUser,
        concat!(
            "SELECT t.id, t.permission_group, ",
            account_columns!(),
            " FROM api_token_secrets s JOIN api_tokens t ON t.id = s.token_id JOIN users ON users.id = t.user_id
             WHERE s.secret_hash = $1 AND (s.expires_at IS NULL OR s.expires_at > $2) AND t.expires_at > $2 AND disabled_at IS NULL"
        ),
        secret_hash,
        now,
    )
}

/// Returns the unexpired tokens of a user, the newest first.
pub async fn list_for_user(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<TokenRow>> {
    fetch!(
        db,
        fetch_all as TokenRow,
        concat!("SELECT ", columns!(), " FROM api_tokens WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC"),
        user,
        now,
    )
}

/// Returns one unexpired token of a user.
pub async fn find(db: &mut impl Connection, user: &UserId, id: &TokenId, now: DateTime<Utc>) -> sqlx::Result<Option<TokenRow>> {
    fetch!(
        db,
        fetch_optional as TokenRow,
        concat!("SELECT ", columns!(), " FROM api_tokens WHERE id = $1 AND user_id = $2 AND expires_at > $3"),
        id,
        user,
        now,
    )
}

/// Returns the number of unexpired tokens of a user.
pub async fn count(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM api_tokens WHERE user_id = $1 AND expires_at > $2";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, user, now)?;
    Ok(count)
}

/// Inserts a token. With `reminded_at` set, its owner is not reminded before it expires.
pub async fn insert(tx: &mut Tx, user: &UserId, row: &TokenRow, reminded_at: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO api_tokens (id, user_id, name, permission_group, created_at, expires_at, reminded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &row.id,
        user,
        &row.name,
        row.permission_group,
        row.created_at,
        row.expires_at,
        reminded_at,
    )?;
    Ok(())
}

/// Adds a secret to a token.
pub async fn insert_secret(tx: &mut Tx, id: &TokenId, secret_hash: &str) -> sqlx::Result<()> {
    execute!(tx, "INSERT INTO api_token_secrets (secret_hash, token_id) VALUES ($1, $2)", secret_hash, id)?;
    Ok(())
}

/// Makes all secrets of a token expire at `at` or earlier, and removes those that have expired by `now`.
pub async fn expire_secrets(tx: &mut Tx, id: &TokenId, at: DateTime<Utc>, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE api_token_secrets SET expires_at = $2 WHERE token_id = $1 AND (expires_at IS NULL OR expires_at > $2)", id, at)?;
    execute!(tx, "DELETE FROM api_token_secrets WHERE token_id = $1 AND expires_at <= $2", id, now)?;
    Ok(())
}

/// Changes the expiry of a token. For `reminded_at` see [`insert`].
pub async fn set_expiry(tx: &mut Tx, id: &TokenId, expires_at: DateTime<Utc>, reminded_at: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE api_tokens SET expires_at = $2, reminded_at = $3 WHERE id = $1", id, expires_at, reminded_at)?;
    Ok(())
}

/// Removes one token of a user and its secrets. Returns what it was.
pub async fn remove(tx: &mut Tx, user: &UserId, id: &TokenId, now: DateTime<Utc>) -> sqlx::Result<Option<TokenRow>> {
    fetch!(
        tx,
        fetch_optional as TokenRow,
        concat!("DELETE FROM api_tokens WHERE id = $1 AND user_id = $2 AND expires_at > $3 RETURNING ", columns!()),
        id,
        user,
        now,
    )
}

/// Removes all tokens of a user. Returns how many.
pub async fn remove_all(tx: &mut Tx, user: &UserId) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM api_tokens WHERE user_id = $1", user)
}

/// Writes last uses, each unless a later one is stored (SES-11). Does not wait for other transactions, so that it cannot deadlock (RACE-2):
/// returns the tokens that it skipped because another transaction holds their rows.
pub async fn write_uses(tx: &mut Tx, uses: &[(TokenId, LastUse)]) -> sqlx::Result<Vec<TokenId>> {
    match tx.backend() {
        Backend::Sqlite(connection) => write_uses_on_sqlite(connection, uses).await.map(|()| Vec::new()), // single writer: no locks
        Backend::Postgres(connection) => write_uses_on_postgres(connection, uses).await,
    }
}

/// Runs one prepared statement per use.
async fn write_uses_on_sqlite(connection: &mut SqliteConnection, uses: &[(TokenId, LastUse)]) -> sqlx::Result<()> {
    for (id, last) in uses {
        let write = sqlx::query::<sqlx::Sqlite>(
            "UPDATE api_tokens SET last_used_at = $2, last_ip = $3, last_location = $4, last_country_code = $5, last_client = $6
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        );
        let write = write.bind(id).bind(last.at).bind(&last.ip).bind(&last.location);
        write.bind(&last.country_code).bind(&last.client).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Runs one statement for all uses. It locks the rows in the order of their ids and skips locked ones, as for sessions.
async fn write_uses_on_postgres(connection: &mut PostgresConnection, uses: &[(TokenId, LastUse)]) -> sqlx::Result<Vec<TokenId>> {
    fn column<'a, T>(uses: &'a [(TokenId, LastUse)], get: impl Fn(&'a LastUse) -> T) -> Vec<T> {
        uses.iter().map(|(_, last)| get(last)).collect()
    }
    let write = sqlx::query_scalar(
        "WITH used AS (
             SELECT * FROM UNNEST($1::TEXT[], $2::TIMESTAMPTZ[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[])
                 AS used (id, at, ip, location, country_code, client)
         ), taken AS (
             SELECT api_tokens.id FROM api_tokens JOIN used ON used.id = api_tokens.id
             WHERE api_tokens.last_used_at IS NULL OR api_tokens.last_used_at < used.at
             ORDER BY api_tokens.id FOR UPDATE OF api_tokens SKIP LOCKED
         ), written AS (
             UPDATE api_tokens SET last_used_at = used.at, last_ip = used.ip, last_location = used.location,
                 last_country_code = used.country_code, last_client = used.client
             FROM used JOIN taken ON taken.id = used.id WHERE api_tokens.id = taken.id
         )
         SELECT api_tokens.id FROM api_tokens JOIN used ON used.id = api_tokens.id
         WHERE (api_tokens.last_used_at IS NULL OR api_tokens.last_used_at < used.at)
             AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.id = api_tokens.id)",
    );
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
    let write = write.bind(ids).bind(column(uses, |last| last.at)).bind(column(uses, |last| last.ip.as_str()));
    let write = write.bind(column(uses, |last| last.location.as_str())).bind(column(uses, |last| last.country_code.as_deref()));
    write.bind(column(uses, |last| last.client.as_str())).fetch_all(connection).await
}

/// A token whose owner is to be reminded that it expires soon.
#[derive(FromRow)]
pub struct ExpiringToken {
    pub name: String,
    pub expires_at: DateTime<Utc>,
    pub user_id: UserId,
}

/// Marks up to `batch` tokens that expire before `before` as reminded, and returns them, each once. Skips those that another transaction
/// holds (RACE-2).
pub async fn claim_expiring(tx: &mut Tx, before: DateTime<Utc>, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<ExpiringToken>> {
    let sql = locking!(
        tx,
        "UPDATE api_tokens SET reminded_at = $2 WHERE reminded_at IS NULL AND id IN (
             SELECT id FROM api_tokens WHERE reminded_at IS NULL AND expires_at <= $1 AND expires_at > $2 LIMIT $3",
        "FOR UPDATE SKIP LOCKED",
        ") RETURNING name, expires_at, user_id"
    );
    fetch!(tx, fetch_all as ExpiringToken, sql, before, now, batch)
}

/// Removes up to `batch` expired tokens, except those that another transaction holds (RACE-2). Returns how many.
pub async fn remove_expired(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM api_tokens WHERE id IN (SELECT id FROM api_tokens WHERE expires_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, now, batch)
}
