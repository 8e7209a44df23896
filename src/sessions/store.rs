//! SQL of sessions. Ownership stands in every WHERE (SES-6). Live is what did not end and is of the current epoch: `sessions::epoch`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    accounts::model::Account,
    execute, fetch,
    foundation::{
        db::{Connection, On, Tx},
        device::Device,
        ids::{SessionId, UserId},
        location::Location,
        postgres::PostgresConnection,
    },
    sessions::{expiry::Cutoffs, model::EndReason},
};

/// The columns of a [`Row`].
macro_rules! columns {
    () => {
        "id, sign_in_method, created_at, last_active_at, user_agent, device_label, browser, os, kind, form,
         first_ip, ip, location_label, city, country, country_code, new_location"
    };
}

/// The condition of a live session, as far as the database knows: what expired is decided by memory over database.
macro_rules! live {
    () => {
        "ended_at IS NULL AND epoch >= (SELECT epoch FROM session_epochs)"
    };
}

/// A live session as it is kept. What was used since is in memory (`foundation::activity`).
#[derive(Debug, Clone, FromRow)]
pub struct Row {
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
    pub new_location: bool,
}

/// What a request's look-up finds: the session and its account, in one query.
#[derive(FromRow)]
pub struct Found {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<EndReason>,
    /// An administrator signed everybody out, and the row is still to be ended (`sessions::epoch`).
    pub is_cut_off: bool,
    pub proven_at: DateTime<Utc>,
    pub user_agent: String,
    pub is_enabled: bool,
    #[sqlx(flatten)]
    pub account: Account,
}

/// The session that this token opens, live or just ended.
pub async fn find_by_token(db: &mut impl Connection, token_hash: &str) -> sqlx::Result<Option<Found>> {
    fetch!(
        db,
        fetch_optional as Found,
        "SELECT s.id, s.created_at, s.last_active_at, s.ended_at, s.end_reason, s.epoch < e.epoch AS is_cut_off, s.proven_at, s.user_agent,
                u.disabled_at IS NULL AS is_enabled, u.id AS user_id, u.username, u.email, u.name, u.time_zone, u.is_admin
         FROM sessions s JOIN users u ON u.id = s.user_id CROSS JOIN session_epochs e WHERE s.token_hash = $1",
        token_hash,
    )
}

/// Why the session of this token ended, if it did in the days that are kept.
pub async fn end_reason(db: &mut impl Connection, token_hash: &str) -> sqlx::Result<Option<EndReason>> {
    let found: Option<(EndReason,)> =
        fetch!(db, fetch_optional as (EndReason,), "SELECT end_reason FROM ended_sessions WHERE token_hash = $1", token_hash,)?;
    Ok(found.map(|(reason,)| reason))
}

/// All live sessions of a person: at most a thousand (SES-9). Those that a use in memory keeps alive are among them, so
/// the caller decides what has expired.
pub async fn of_user(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Vec<Row>> {
    fetch!(db, fetch_all as Row, concat!("SELECT ", columns!(), " FROM sessions WHERE user_id = $1 AND ", live!()), user,)
}

/// One live session of this person, while the account is enabled.
pub async fn find(db: &mut impl Connection, user: &UserId, id: &SessionId) -> sqlx::Result<Option<Row>> {
    fetch!(
        db,
        fetch_optional as Row,
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

/// Those of these sessions of a person that are live: at most a thousand.
pub async fn find_many(db: &mut impl Connection, user: &UserId, ids: &[SessionId]) -> sqlx::Result<Vec<Row>> {
    /// The columns and the condition, on either database.
    macro_rules! finding {
        ($database:ty) => {{
            let selection = concat!("SELECT ", columns!(), " FROM sessions WHERE ", live!(), " AND user_id = ");
            let mut select = sqlx::QueryBuilder::<$database>::new(selection);
            select.push_bind(user).push(" AND id IN (");
            let mut listed = select.separated(", ");
            for id in ids {
                listed.push_bind(id);
            }
            select.push(")");
            select
        }};
    }
    match db.on() {
        On::Sqlite(connection) => finding!(sqlx::Sqlite).build_query_as().fetch_all(connection).await,
        On::Postgres(connection) => finding!(sqlx::Postgres).build_query_as().fetch_all(connection).await,
    }
}

/// A session that begins.
pub struct New<'a> {
    pub user: &'a UserId,
    pub token_hash: String,
    pub row: Row,
}

/// The statement, on either database.
macro_rules! inserting {
    ($database:ty, $new:expr) => {{
        let mut insert = sqlx::QueryBuilder::<$database>::new(
            "INSERT INTO sessions (id, user_id, token_hash, sign_in_method, created_at, last_active_at, proven_at, user_agent, device_label,
                 browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location, epoch) ",
        );
        insert.push_values($new, |mut values, New { user, token_hash, row }| {
            values.push_bind(&row.id).push_bind(*user).push_bind(token_hash).push_bind(&row.sign_in_method);
            values.push_bind(row.created_at).push_bind(row.last_active_at).push_bind(row.created_at).push_bind(&row.user_agent);
            values.push_bind(&row.device.label).push_bind(&row.device.browser).push_bind(&row.device.os);
            values.push_bind(row.device.kind).push_bind(row.device.form).push_bind(&row.first_ip).push_bind(&row.ip);
            values.push_bind(&row.location.label).push_bind(&row.location.city).push_bind(&row.location.country);
            values.push_bind(&row.location.country_code).push_bind(row.new_location).push("(SELECT epoch FROM session_epochs)");
        });
        insert
    }};
}

/// Adds sessions, in one statement: 1,000 at most, since each binds 20 values and SQLite takes 32,766.
pub async fn insert(tx: &mut Tx, new: &[New<'_>]) -> sqlx::Result<()> {
    match tx.on() {
        On::Sqlite(connection) => inserting!(sqlx::Sqlite, new).build().execute(connection).await.map(drop),
        On::Postgres(connection) => inserting!(sqlx::Postgres, new).build().execute(connection).await.map(drop),
    }
}

/// Gives a live session of this person a new token, on a fresh proof. Whether there is such a session.
pub async fn renew(tx: &mut Tx, user: &UserId, id: &SessionId, token_hash: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = concat!("UPDATE sessions SET token_hash = $3, proven_at = $4 WHERE id = $1 AND user_id = $2 AND ", live!());
    Ok(execute!(tx, sql, id, user, token_hash, now)? > 0)
}

/// Ends one session of this person that has not been ended, expired or not: whether it had expired is in memory too, so the
/// caller decides. Returns what it was; `None` if there is no such session.
pub async fn end(tx: &mut Tx, user: &UserId, id: &SessionId, now: DateTime<Utc>, reason: EndReason) -> sqlx::Result<Option<Row>> {
    fetch!(
        tx,
        fetch_optional as Row,
        concat!(
            "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE id = $1 AND user_id = $2 AND ",
            live!(),
            " RETURNING ",
            columns!()
        ),
        id,
        user,
        now,
        reason,
    )
}

/// A session that was ended, with its stored times.
#[derive(FromRow)]
pub struct Ended {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
}

/// The statement that ends all sessions of a person but one, with how it takes the rows.
macro_rules! ending_others {
    ($lock:literal) => {
        concat!(
            "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE ended_at IS NULL AND id IN (
                 SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 AND ",
            live!(),
            $lock,
            ") RETURNING id, created_at, last_active_at"
        )
    };
}

/// Ends all sessions of this person that have not been ended but `kept`, expired ones too. Returns which they were. Two such acts
/// at once take the rows in one order, so that neither fails for a deadlock (RACE-2).
pub async fn end_others(
    tx: &mut Tx,
    user: &UserId,
    kept: Option<&SessionId>,
    now: DateTime<Utc>,
    reason: EndReason,
) -> sqlx::Result<Vec<Ended>> {
    let sql = match tx.on() {
        On::Sqlite(_) => ending_others!(""),
        On::Postgres(_) => ending_others!(" ORDER BY id FOR UPDATE"),
    };
    let kept = kept.map(ToString::to_string).unwrap_or_default(); // no id is empty: none is kept
    fetch!(tx, fetch_all as Ended, sql, user, kept, now, reason)
}

/// Corrects the reason of a session that this transaction ended: it had expired before.
pub async fn set_end_reason(tx: &mut Tx, id: &SessionId, reason: EndReason) -> sqlx::Result<()> {
    execute!(tx, "UPDATE sessions SET end_reason = $2 WHERE id = $1 AND ended_at IS NOT NULL", id, reason)?;
    Ok(())
}

/// Ends those that are longest unused, so that at most `most` stay.
pub async fn end_longest_unused(tx: &mut Tx, user: &UserId, most: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<SessionId>> {
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
        EndReason::Displaced,
        most,
    )?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// The last use of a session, to be written.
pub struct LastUse {
    pub id: SessionId,
    pub at: DateTime<Utc>,
    pub ip: String,
    pub location: Location,
}

/// Writes last uses, each unless a later one is written (SES-11) or its session ended. Waits for no other transaction, so that
/// it deadlocks with none (RACE-2): returns the sessions that it skipped because another transaction holds their rows.
pub async fn write_uses(tx: &mut Tx, uses: &[LastUse]) -> sqlx::Result<Vec<SessionId>> {
    match tx.on() {
        On::Sqlite(connection) => write_uses_on_sqlite(connection, uses).await.map(|()| Vec::new()), // the one writer: nothing is locked
        On::Postgres(connection) => write_uses_on_postgres(connection, uses).await,
    }
}

/// One prepared statement, run for each use.
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

/// One statement for all. It takes the rows in the order of their ids and leaves out those that are locked; what it then reports
/// as skipped is read as it stood before the statement, so a session that ends just now may be among them: next time it is not.
async fn write_uses_on_postgres(connection: &mut PostgresConnection, uses: &[LastUse]) -> sqlx::Result<Vec<SessionId>> {
    fn column<'a, T>(uses: &'a [LastUse], of: impl Fn(&'a LastUse) -> T) -> Vec<T> {
        uses.iter().map(of).collect()
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

/// The statement that writes a device, with what picks its row.
macro_rules! writing_device {
    ($lock:literal) => {
        concat!(
            "UPDATE sessions SET user_agent = $2, device_label = $3, browser = $4, os = $5, kind = $6, form = $7
             WHERE id IN (SELECT id FROM sessions WHERE id = $1 AND ended_at IS NULL",
            $lock,
            ")"
        )
    };
}

/// Writes what a client now says of itself. Waits for no other transaction (RACE-2): a row that one holds stays as it is, and the
/// session's next request says the same again.
pub async fn write_device(tx: &mut Tx, id: &SessionId, user_agent: &str, device: &Device) -> sqlx::Result<()> {
    let sql = match tx.on() {
        On::Sqlite(_) => writing_device!(""),
        On::Postgres(_) => writing_device!(" FOR UPDATE SKIP LOCKED"),
    };
    execute!(tx, sql, id, user_agent, &device.label, &device.browser, &device.os, device.kind, device.form)?;
    Ok(())
}

/// A batch of a background job, in which rows that another transaction holds are left out: whoever ends a session never waits for
/// the job, and cannot deadlock with it (RACE-2). SQLite has one writer, and needs no such words.
macro_rules! skipping_locked {
    ($tx:expr, $selection:literal, $rest:literal) => {
        match $crate::foundation::db::Connection::on($tx) {
            $crate::foundation::db::On::Sqlite(_) => concat!($selection, $rest),
            $crate::foundation::db::On::Postgres(_) => concat!($selection, " FOR UPDATE SKIP LOCKED", $rest),
        }
    };
}
pub(super) use skipping_locked;

/// Marks sessions as ended that are over for their age or for want of use, up to `batch` of each. Returns which, and whose.
///
/// Two statements, since SQLite scans all live sessions for two conditions joined by OR.
pub async fn end_expired(tx: &mut Tx, cutoffs: Cutoffs, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<(SessionId, UserId)>> {
    let too_old = skipping_locked!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT $4",
        ") RETURNING id, user_id"
    );
    let idle = skipping_locked!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND last_active_at <= $1 ORDER BY last_active_at LIMIT $4",
        ") RETURNING id, user_id"
    );
    let mut ended: Vec<(SessionId, UserId)> =
        fetch!(tx, fetch_all as (SessionId, UserId), too_old, cutoffs.created, now, EndReason::TooOld, batch)?;
    ended.extend(fetch!(tx, fetch_all as (SessionId, UserId), idle, cutoffs.used, now, EndReason::Idle, batch)?);
    Ok(ended)
}

/// Moves up to `batch` ended sessions out of the live table. Returns how many it moved.
pub async fn move_ended(tx: &mut Tx, batch: i64) -> sqlx::Result<u64> {
    let sql = skipping_locked!(
        tx,
        "INSERT INTO ended_sessions (id, user_id, token_hash, sign_in_method, created_at, last_active_at, ended_at, end_reason,
             user_agent, device_label, browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location)
         SELECT id, user_id, token_hash, sign_in_method, created_at, last_active_at, ended_at, end_reason,
             user_agent, device_label, browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location
         FROM sessions WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT $1",
        " ON CONFLICT DO NOTHING RETURNING id"
    );
    let moved: Vec<(SessionId,)> = fetch!(tx, fetch_all as (SessionId,), sql, batch)?;
    if moved.is_empty() {
        return Ok(0);
    }
    remove(tx, &moved).await
}

/// The statement, on either database.
macro_rules! removing {
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

/// Removes exactly these sessions from the live table: a batch at most, since each binds a value.
async fn remove(tx: &mut Tx, ids: &[(SessionId,)]) -> sqlx::Result<u64> {
    match tx.on() {
        On::Sqlite(connection) => removing!(sqlx::Sqlite, ids).build().execute(connection).await.map(|done| done.rows_affected()),
        On::Postgres(connection) => removing!(sqlx::Postgres, ids).build().execute(connection).await.map(|done| done.rows_affected()),
    }
}

/// Forgets up to `batch` sessions that ended before `before`; how many.
pub async fn forget_ended(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM ended_sessions WHERE id IN (SELECT id FROM ended_sessions WHERE ended_at < $1 LIMIT $2)", before, batch,)
}
