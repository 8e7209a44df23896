//! SQL of API tokens. Ownership stands in every WHERE.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    access::Group,
    accounts::model::Account,
    api_tokens::model::{ApiToken, LastUse},
    execute, fetch,
    foundation::{
        db::{Connection, On, Tx},
        ids::{TokenId, UserId},
        postgres::PostgresConnection,
    },
    locking,
};

/// A token as it is kept. What was used since is in memory (`foundation::activity`).
#[derive(Debug, Clone, FromRow)]
pub struct Row {
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

impl Row {
    /// As its owner sees it.
    pub fn show(self) -> ApiToken {
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

/// What a request's look-up finds: the token and its account, in one query.
#[derive(FromRow)]
pub struct Found {
    pub id: TokenId,
    pub permission_group: Group,
    #[sqlx(flatten)]
    pub account: Account,
}

/// The token that this secret opens, while both and the account are good.
pub async fn find_by_secret(db: &mut impl Connection, secret_hash: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Found>> {
    fetch!(
        db,
        fetch_optional as Found,
        "SELECT t.id, t.permission_group, u.id AS user_id, u.username, u.email, u.name, u.time_zone, u.is_admin
         FROM api_token_secrets s JOIN api_tokens t ON t.id = s.token_id JOIN users u ON u.id = t.user_id
         WHERE s.secret_hash = $1 AND (s.ends_at IS NULL OR s.ends_at > $2) AND t.expires_at > $2 AND u.disabled_at IS NULL",
        secret_hash,
        now,
    )
}

/// The live tokens of a person, the newest first.
pub async fn of_user(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Row>> {
    fetch!(
        db,
        fetch_all as Row,
        "SELECT id, name, permission_group, created_at, expires_at, last_used_at, last_ip, last_location, last_country_code, last_client
         FROM api_tokens WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC",
        user,
        now,
    )
}

/// One of them.
pub async fn find(db: &mut impl Connection, user: &UserId, id: &TokenId, now: DateTime<Utc>) -> sqlx::Result<Option<Row>> {
    fetch!(
        db,
        fetch_optional as Row,
        "SELECT id, name, permission_group, created_at, expires_at, last_used_at, last_ip, last_location, last_country_code, last_client
         FROM api_tokens WHERE id = $1 AND user_id = $2 AND expires_at > $3",
        id,
        user,
        now,
    )
}

pub async fn count(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM api_tokens WHERE user_id = $1 AND expires_at > $2";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, user, now)?;
    Ok(count)
}

/// A new token. One that is `told_already` is never told of again before it expires.
pub async fn insert(tx: &mut Tx, user: &UserId, row: &Row, told_already: Option<DateTime<Utc>>) -> sqlx::Result<()> {
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
        told_already,
    )?;
    Ok(())
}

/// One more secret of a token.
pub async fn insert_secret(tx: &mut Tx, id: &TokenId, secret_hash: &str) -> sqlx::Result<()> {
    execute!(tx, "INSERT INTO api_token_secrets (secret_hash, token_id) VALUES ($1, $2)", secret_hash, id)?;
    Ok(())
}

/// Has all secrets of a token end by then; those that end earlier do.
pub async fn end_secrets(tx: &mut Tx, id: &TokenId, at: DateTime<Utc>, now: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE api_token_secrets SET ends_at = $2 WHERE token_id = $1 AND (ends_at IS NULL OR ends_at > $2)", id, at)?;
    execute!(tx, "DELETE FROM api_token_secrets WHERE token_id = $1 AND ends_at <= $2", id, now)?;
    Ok(())
}

/// Has a token end at another time.
pub async fn set_expiry(tx: &mut Tx, id: &TokenId, expires_at: DateTime<Utc>, told_already: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE api_tokens SET expires_at = $2, reminded_at = $3 WHERE id = $1", id, expires_at, told_already)?;
    Ok(())
}

/// Revokes one token of this person: it is gone, its secrets with it. What it was.
pub async fn remove(tx: &mut Tx, user: &UserId, id: &TokenId, now: DateTime<Utc>) -> sqlx::Result<Option<Row>> {
    fetch!(
        tx,
        fetch_optional as Row,
        "DELETE FROM api_tokens WHERE id = $1 AND user_id = $2 AND expires_at > $3
         RETURNING id, name, permission_group, created_at, expires_at, last_used_at, last_ip, last_location, last_country_code, last_client",
        id,
        user,
        now,
    )
}

/// Revokes all tokens of this person; how many.
pub async fn remove_all(tx: &mut Tx, user: &UserId) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM api_tokens WHERE user_id = $1", user)
}

/// Writes last uses, each unless a later one is written (SES-11). Waits for no other transaction, so that it deadlocks with none
/// (RACE-2): returns the tokens that it skipped because another transaction holds their rows.
pub async fn write_uses(tx: &mut Tx, uses: &[(TokenId, LastUse)]) -> sqlx::Result<Vec<TokenId>> {
    match tx.on() {
        On::Sqlite(connection) => write_uses_on_sqlite(connection, uses).await.map(|()| Vec::new()), // the one writer: nothing is locked
        On::Postgres(connection) => write_uses_on_postgres(connection, uses).await,
    }
}

/// One prepared statement, run for each use.
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

/// One statement for all, which takes the rows in the order of their ids and leaves out those that are locked: as for sessions.
async fn write_uses_on_postgres(connection: &mut PostgresConnection, uses: &[(TokenId, LastUse)]) -> sqlx::Result<Vec<TokenId>> {
    fn column<'a, T>(uses: &'a [(TokenId, LastUse)], of: impl Fn(&'a LastUse) -> T) -> Vec<T> {
        uses.iter().map(|(_, last)| of(last)).collect()
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

/// A token whose owner is to be told that it expires soon.
#[derive(FromRow)]
pub struct Expiring {
    pub name: String,
    pub expires_at: DateTime<Utc>,
    pub user_id: UserId,
}

/// Takes up to `batch` tokens that expire before `before` and whose owners were not reminded, each once, but none that another
/// transaction holds (RACE-2).
pub async fn take_expiring(tx: &mut Tx, before: DateTime<Utc>, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<Expiring>> {
    let sql = locking!(
        tx,
        "UPDATE api_tokens SET reminded_at = $2 WHERE reminded_at IS NULL AND id IN (
             SELECT id FROM api_tokens WHERE reminded_at IS NULL AND expires_at <= $1 AND expires_at > $2 LIMIT $3",
        "FOR UPDATE SKIP LOCKED",
        ") RETURNING name, expires_at, user_id"
    );
    fetch!(tx, fetch_all as Expiring, sql, before, now, batch)
}

/// Removes up to `batch` tokens that have expired, but none that another transaction holds (RACE-2). Returns how many.
pub async fn forget_expired(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM api_tokens WHERE id IN (SELECT id FROM api_tokens WHERE expires_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, now, batch)
}
