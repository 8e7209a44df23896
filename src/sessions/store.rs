//! SQL for sessions. Statements on behalf of a user check ownership in the WHERE (SES-6). A session is live if it has not ended and
//! belongs to the current epoch (`sessions::epoch`).

use chrono::{DateTime, Utc};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    account_columns,
    accounts::model::Account,
    execute, fetch,
    foundation::{
        client::{device::Device, location::Location},
        db::{Backend, Connection, Tx},
        ids::{SessionId, UserId},
        postgres::PostgresConnection,
    },
    locking,
    sessions::{ended::Ending, expiry::Cutoffs, model::EndReason},
};

/// The columns of a [`SessionRow`], in the tables `sessions` and `ended_sessions`. The only list of them.
macro_rules! columns {
    () => {
        "id, sign_in_method, created_at, last_active_at, user_agent, device_label, browser, os, device_kind, form_factor,
         first_ip, ip, location_label, city, country, country_code, is_new_location"
    };
}
pub(super) use columns;

/// The columns that move from `sessions` to `ended_sessions`.
macro_rules! archived_columns {
    () => {
        concat!(
            "user_id, token_hash, ended_at, end_reason, ended_by_user_id, ended_by_session_id, ended_by_token_id, ended_by_name, ",
            columns!()
        )
    };
}

/// What an UPDATE that ends sessions sets. `$1` is the time and `$2` to `$5` are the [`Ending`].
macro_rules! end {
    () => {
        "ended_at = $1, end_reason = $2, ended_by_user_id = $3, ended_by_session_id = $4, ended_by_token_id = $5,
         ended_by_name = COALESCE((SELECT device_label FROM sessions actor WHERE actor.id = $4), (SELECT name FROM api_tokens WHERE id = $5))"
    };
}

/// SQL condition for live sessions. It does not check expiry, because the last use may be in memory only.
macro_rules! live {
    () => {
        "ended_at IS NULL AND epoch >= (SELECT epoch FROM session_epochs)"
    };
}

/// A stored session. Later uses may be in memory (`foundation::activity`).
#[derive(Debug, Clone, FromRow)]
pub struct SessionRow {
    pub id: SessionId,
    pub sign_in_method: String,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
    pub user_agent: String,
    #[sqlx(flatten)]
    pub device: Device,
    pub first_ip: String,
    pub ip: String,
    #[sqlx(flatten)]
    pub location: Location,
    pub is_new_location: bool,
}

/// A session and its account, looked up in one query at each request.
#[derive(FromRow)]
pub struct SessionWithUser {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<EndReason>,
    /// Whether an administrator signed everybody out and the row has not been ended yet (`sessions::epoch`).
    pub is_cut_off: bool,
    pub reauthenticated_at: DateTime<Utc>,
    pub user_agent: String,
    pub is_enabled: bool,
    #[sqlx(flatten)]
    pub account: Account,
}

/// Finds the session with this token hash. It may have ended if it has not been archived yet.
pub async fn find_by_token(db: &mut impl Connection, token_hash: &str) -> sqlx::Result<Option<SessionWithUser>> {
    fetch!(
        db,
        fetch_optional as SessionWithUser,
        concat!(
            "SELECT s.id, s.created_at, last_active_at, ended_at, end_reason, s.epoch < e.epoch AS is_cut_off, reauthenticated_at,
                 user_agent, disabled_at IS NULL AS is_enabled, ",
            account_columns!(),
            " FROM sessions s JOIN users ON users.id = s.user_id CROSS JOIN session_epochs e WHERE token_hash = $1"
        ),
        token_hash,
    )
}

/// Finds out why an archived session ended. Returns `None` if no archived session has this token hash.
pub async fn find_end_reason(db: &mut impl Connection, token_hash: &str) -> sqlx::Result<Option<EndReason>> {
    let found: Option<(EndReason,)> =
        fetch!(db, fetch_optional as (EndReason,), "SELECT end_reason FROM ended_sessions WHERE token_hash = $1", token_hash,)?;
    Ok(found.map(|(reason,)| reason))
}

/// Lists all live sessions of a user, at most 1,000 (SES-9). The caller filters out expired ones, because a use in memory may keep a
/// session alive.
pub async fn list_by_user(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Vec<SessionRow>> {
    fetch!(db, fetch_all as SessionRow, concat!("SELECT ", columns!(), " FROM sessions WHERE user_id = $1 AND ", live!()), user,)
}

/// Finds one live session of a user. Returns `None` if the account is disabled. The caller checks expiry.
pub async fn find(db: &mut impl Connection, user: &UserId, id: &SessionId) -> sqlx::Result<Option<SessionRow>> {
    fetch!(
        db,
        fetch_optional as SessionRow,
        concat!(
            "SELECT ",
            columns!(),
            " FROM sessions WHERE id = $1 AND user_id = $2 AND ",
            live!(),
            " AND EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND users.disabled_at IS NULL)"
        ),
        id,
        user,
    )
}

/// Finds those of the given sessions that are live and belong to the user. Takes at most 1,000 ids. The caller checks expiry.
pub async fn find_many(db: &mut impl Connection, user: &UserId, ids: &[SessionId]) -> sqlx::Result<Vec<SessionRow>> {
    /// Builds the query for either database.
    macro_rules! select_sessions {
        ($database:ty) => {{
            let selection = concat!("SELECT ", columns!(), " FROM sessions WHERE ", live!(), " AND user_id = ");
            let mut select = sqlx::QueryBuilder::<$database>::new(selection);
            select.push_bind(user).push(" AND id IN (");
            let mut list = select.separated(", ");
            for id in ids {
                list.push_bind(id);
            }
            select.push(")");
            select
        }};
    }
    match db.backend() {
        Backend::Sqlite(connection) => select_sessions!(sqlx::Sqlite).build_query_as().fetch_all(connection).await,
        Backend::Postgres(connection) => select_sessions!(sqlx::Postgres).build_query_as().fetch_all(connection).await,
    }
}

/// A session to insert.
pub struct NewSession<'a> {
    pub user: &'a UserId,
    pub token_hash: String,
    pub row: SessionRow,
}

/// Builds the INSERT for either database.
macro_rules! insert_sessions {
    ($database:ty, $new:expr) => {{
        let target = concat!("INSERT INTO sessions (epoch, user_id, token_hash, reauthenticated_at, ", columns!(), ") ");
        let mut insert = sqlx::QueryBuilder::<$database>::new(target);
        insert.push_values($new, |mut values, NewSession { user, token_hash, row }| {
            values.push("(SELECT epoch FROM session_epochs)").push_bind(*user).push_bind(token_hash).push_bind(row.created_at);
            values.push_bind(&row.id).push_bind(&row.sign_in_method).push_bind(row.created_at).push_bind(row.last_active_at);
            values.push_bind(&row.user_agent).push_bind(&row.device.label).push_bind(&row.device.browser).push_bind(&row.device.os);
            values.push_bind(row.device.kind).push_bind(row.device.form).push_bind(&row.first_ip).push_bind(&row.ip);
            values.push_bind(&row.location.label).push_bind(&row.location.city).push_bind(&row.location.country);
            values.push_bind(&row.location.country_code).push_bind(row.is_new_location);
        });
        insert
    }};
}

/// Inserts sessions in one statement. Takes at most 1,000: each binds 20 values, and SQLite's limit is 32,766.
pub async fn insert(tx: &mut Tx, new: &[NewSession<'_>]) -> sqlx::Result<()> {
    match tx.backend() {
        Backend::Sqlite(connection) => insert_sessions!(sqlx::Sqlite, new).build().execute(connection).await.map(drop),
        Backend::Postgres(connection) => insert_sessions!(sqlx::Postgres, new).build().execute(connection).await.map(drop),
    }
}

/// Replaces the token of a user's live session after reauthentication. Returns false if there is no such session.
pub async fn rotate_token(tx: &mut Tx, user: &UserId, id: &SessionId, token_hash: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = concat!("UPDATE sessions SET token_hash = $3, reauthenticated_at = $4 WHERE id = $1 AND user_id = $2 AND ", live!());
    Ok(execute!(tx, sql, id, user, token_hash, now)? > 0)
}

/// Ends one live session of a user, expired or not: the caller checks expiry, because the last use may be in memory. Returns its row;
/// `None` if there is no such session.
pub async fn end(tx: &mut Tx, user: &UserId, id: &SessionId, now: DateTime<Utc>, ending: Ending<'_>) -> sqlx::Result<Option<SessionRow>> {
    let sql = concat!("UPDATE sessions SET ", end!(), " WHERE id = $6 AND user_id = $7 AND ", live!(), " RETURNING ", columns!());
    let Ending { reason, user: by, session, token } = ending;
    fetch!(tx, fetch_optional as SessionRow, sql, now, reason, by, session, token, id, user)
}

/// A session that has just been ended, with its stored times.
#[derive(FromRow)]
pub struct JustEnded {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
}

/// Ends all live sessions of a user except `kept`, including expired ones. Returns the ended sessions. Rows are locked in the order of
/// their ids, so that two concurrent calls do not deadlock (RACE-2).
pub async fn end_others(
    tx: &mut Tx,
    user: &UserId,
    kept: Option<&SessionId>,
    now: DateTime<Utc>,
    ending: Ending<'_>,
) -> sqlx::Result<Vec<JustEnded>> {
    let sql = locking!(
        tx,
        concat!(
            "UPDATE sessions SET ",
            end!(),
            " WHERE ended_at IS NULL AND id IN (SELECT id FROM sessions WHERE user_id = $6 AND id <> $7 AND ",
            live!()
        ),
        "ORDER BY id FOR UPDATE",
        ") RETURNING id, created_at, last_active_at"
    );
    let kept = kept.map(ToString::to_string).unwrap_or_default(); // the empty string matches no id
    let Ending { reason, user: by, session, token } = ending;
    fetch!(tx, fetch_all as JustEnded, sql, now, reason, by, session, token, user, kept)
}

/// Corrects the end of a session that this transaction ended although it had already expired: nobody ended it.
pub async fn set_expired(tx: &mut Tx, id: &SessionId, reason: EndReason) -> sqlx::Result<()> {
    let sql = "UPDATE sessions SET end_reason = $2, ended_by_user_id = NULL, ended_by_session_id = NULL, ended_by_token_id = NULL,
                   ended_by_name = NULL WHERE id = $1 AND ended_at IS NOT NULL";
    execute!(tx, sql, id, reason)?;
    Ok(())
}

/// Ends the least recently used sessions of a user, so that at most `max` stay. Returns the ended ones.
pub async fn end_least_recently_used(tx: &mut Tx, user: &UserId, max: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<SessionId>> {
    let ended: Vec<(SessionId,)> = fetch!(
        tx,
        fetch_all as (SessionId,),
        concat!(
            "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE ended_at IS NULL AND id IN (
                 SELECT id FROM sessions WHERE user_id = $1 AND ",
            live!(),
            " ORDER BY last_active_at DESC, id DESC LIMIT 1000000 OFFSET $4) RETURNING id"
        ),
        user,
        now,
        EndReason::Evicted,
        max,
    )?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// The last use of a session, to write to the database.
pub struct LastUse {
    pub id: SessionId,
    pub at: DateTime<Utc>,
    pub ip: String,
    pub location: Location,
}

/// Writes last uses, except where a later one is stored (SES-11) or the session has ended. Does not wait for locked rows, so that it
/// cannot deadlock (RACE-2). Returns the sessions that it skipped because another transaction holds their rows.
pub async fn write_uses(tx: &mut Tx, uses: &[LastUse]) -> sqlx::Result<Vec<SessionId>> {
    match tx.backend() {
        Backend::Sqlite(connection) => write_uses_on_sqlite(connection, uses).await.map(|()| Vec::new()), // one writer: no locked rows
        Backend::Postgres(connection) => write_uses_on_postgres(connection, uses).await,
    }
}

/// Runs one prepared statement for each use.
async fn write_uses_on_sqlite(connection: &mut SqliteConnection, uses: &[LastUse]) -> sqlx::Result<()> {
    for LastUse { id, at, ip, location } in uses {
        let write = sqlx::query::<sqlx::Sqlite>(
            "UPDATE sessions SET last_active_at = $2, ip = $3, location_label = $4, city = $5, country = $6, country_code = $7
             WHERE id = $1 AND ended_at IS NULL AND last_active_at < $2",
        );
        let write = write.bind(id).bind(at).bind(ip).bind(&location.label);
        write.bind(&location.city).bind(&location.country).bind(&location.country_code).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Runs one statement for all uses. It locks the rows in the order of their ids and skips locked ones. The skipped ids come from the
/// statement's snapshot, so they may include a session that is ending just now; the next write no longer reports it.
async fn write_uses_on_postgres(connection: &mut PostgresConnection, uses: &[LastUse]) -> sqlx::Result<Vec<SessionId>> {
    fn column<'a, T>(uses: &'a [LastUse], value: impl Fn(&'a LastUse) -> T) -> Vec<T> {
        uses.iter().map(value).collect()
    }
    let write = sqlx::query_scalar(
        "WITH used AS (
             SELECT * FROM UNNEST($1::TEXT[], $2::TIMESTAMPTZ[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[])
                 AS used (id, at, ip, location_label, city, country, country_code)
         ), taken AS (
             SELECT sessions.id FROM sessions JOIN used ON used.id = sessions.id
             WHERE sessions.ended_at IS NULL AND sessions.last_active_at < used.at
             ORDER BY sessions.id FOR UPDATE OF sessions SKIP LOCKED
         ), written AS (
             UPDATE sessions SET last_active_at = used.at, ip = used.ip, location_label = used.location_label,
                 city = used.city, country = used.country, country_code = used.country_code
             FROM used JOIN taken ON taken.id = used.id WHERE sessions.id = taken.id AND sessions.ended_at IS NULL
         )
         SELECT sessions.id FROM sessions JOIN used ON used.id = sessions.id
         WHERE sessions.ended_at IS NULL AND sessions.last_active_at < used.at
             AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.id = sessions.id)",
    );
    let write = write.bind(column(uses, |last| last.id.to_string())).bind(column(uses, |last| last.at));
    let write = write.bind(column(uses, |last| last.ip.as_str())).bind(column(uses, |last| last.location.label.as_str()));
    let write = write.bind(column(uses, |last| last.location.city.as_deref())).bind(column(uses, |last| last.location.country.as_deref()));
    write.bind(column(uses, |last| last.location.country_code.as_deref())).fetch_all(connection).await
}

/// Writes the user agent and device of a live session. Does not wait for other transactions (RACE-2): a locked row stays unchanged, and
/// the session's next request sends the same headers again.
pub async fn write_device(tx: &mut Tx, id: &SessionId, user_agent: &str, device: &Device) -> sqlx::Result<()> {
    let sql = locking!(
        tx,
        "UPDATE sessions SET user_agent = $2, device_label = $3, browser = $4, os = $5, device_kind = $6, form_factor = $7
         WHERE id IN (SELECT id FROM sessions WHERE id = $1 AND ended_at IS NULL",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, id, user_agent, &device.label, &device.browser, &device.os, device.kind, device.form)?;
    Ok(())
}

/// Ends up to `batch` sessions past the absolute timeout and up to `batch` past the idle timeout. Returns them with their users. Skips
/// rows that another transaction has locked, so that it neither delays nor deadlocks with one that ends a session (RACE-2).
///
/// Uses two statements, because SQLite scans all live sessions for two conditions joined by OR.
pub async fn end_expired(tx: &mut Tx, cutoffs: Cutoffs, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<(SessionId, UserId)>> {
    let too_old = locking!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT $4",
        "FOR UPDATE SKIP LOCKED",
        ") RETURNING id, user_id"
    );
    let idle = locking!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND last_active_at <= $1 ORDER BY last_active_at LIMIT $4",
        "FOR UPDATE SKIP LOCKED",
        ") RETURNING id, user_id"
    );
    let mut ended: Vec<(SessionId, UserId)> =
        fetch!(tx, fetch_all as (SessionId, UserId), too_old, cutoffs.created, now, EndReason::AbsoluteTimeout, batch)?;
    ended.extend(fetch!(tx, fetch_all as (SessionId, UserId), idle, cutoffs.used, now, EndReason::IdleTimeout, batch)?);
    Ok(ended)
}

/// Moves up to `batch` ended sessions from the live table to the archive, except locked ones (RACE-2). Returns how many it moved.
pub async fn archive_ended(tx: &mut Tx, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        concat!(
            "INSERT INTO ended_sessions (",
            archived_columns!(),
            ") SELECT ",
            archived_columns!(),
            " FROM sessions WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT $1"
        ),
        "FOR UPDATE SKIP LOCKED",
        " ON CONFLICT DO NOTHING RETURNING id"
    );
    let moved: Vec<(SessionId,)> = fetch!(tx, fetch_all as (SessionId,), sql, batch)?;
    if moved.is_empty() {
        return Ok(0);
    }
    remove(tx, &moved).await
}

/// Builds the DELETE for either database.
macro_rules! delete_rows {
    ($database:ty, $ids:expr) => {{
        let mut delete = sqlx::QueryBuilder::<$database>::new("DELETE FROM sessions WHERE id IN (");
        let mut list = delete.separated(", ");
        for (id,) in $ids {
            list.push_bind(id);
        }
        delete.push(")");
        delete
    }};
}

/// Removes these sessions from the live table. Takes at most one batch, because each id is a bound value.
async fn remove(tx: &mut Tx, ids: &[(SessionId,)]) -> sqlx::Result<u64> {
    match tx.backend() {
        Backend::Sqlite(connection) => delete_rows!(sqlx::Sqlite, ids).build().execute(connection).await.map(|done| done.rows_affected()),
        Backend::Postgres(connection) => {
            delete_rows!(sqlx::Postgres, ids).build().execute(connection).await.map(|done| done.rows_affected())
        }
    }
}

/// Removes up to `batch` archived sessions that ended before `before`. Returns how many it removed.
pub async fn remove_ended(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM ended_sessions WHERE id IN (SELECT id FROM ended_sessions WHERE ended_at < $1 LIMIT $2)", before, batch,)
}
