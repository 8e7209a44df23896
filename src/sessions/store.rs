//! SQL of sessions. Ownership stands in every WHERE (SES-6).

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    accounts::model::Account,
    execute, fetch,
    foundation::{
        db::{Connection, On, Tx},
        device::Device,
        ids::{SessionId, UserId},
        location::Location,
    },
    sessions::{expiry::Cutoffs, model::EndReason},
};

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
        "SELECT s.id, s.created_at, s.last_active_at, s.ended_at, s.end_reason, s.proven_at, s.user_agent,
                u.disabled_at IS NULL AS is_enabled, u.id AS user_id, u.username, u.email, u.name, u.time_zone, u.is_admin
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1",
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
    fetch!(
        db,
        fetch_all as Row,
        "SELECT id, sign_in_method, created_at, last_active_at, user_agent, device_label, browser, os, kind, form,
                first_ip, ip, location_label, city, country, country_code, new_location
         FROM sessions WHERE user_id = $1 AND ended_at IS NULL",
        user,
    )
}

/// One live session of this person, while the account is enabled.
pub async fn find(db: &mut impl Connection, user: &UserId, id: &SessionId) -> sqlx::Result<Option<Row>> {
    fetch!(
        db,
        fetch_optional as Row,
        "SELECT id, sign_in_method, created_at, last_active_at, user_agent, device_label, browser, os, kind, form,
                first_ip, ip, location_label, city, country, country_code, new_location
         FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL
             AND EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND users.disabled_at IS NULL)",
        id,
        user,
    )
}

/// How many live sessions this person has.
pub async fn count(db: &mut impl Connection, user: &UserId, cutoffs: Cutoffs) -> sqlx::Result<i64> {
    let (count,): (i64,) = fetch!(
        db,
        fetch_one as (i64,),
        "SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND created_at > $2 AND last_active_at > $3",
        user,
        cutoffs.created,
        cutoffs.used,
    )?;
    Ok(count)
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
                 browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location) ",
        );
        insert.push_values($new, |mut values, New { user, token_hash, row }| {
            values.push_bind(&row.id).push_bind(*user).push_bind(token_hash).push_bind(&row.sign_in_method);
            values.push_bind(row.created_at).push_bind(row.last_active_at).push_bind(row.created_at).push_bind(&row.user_agent);
            values.push_bind(&row.device.label).push_bind(&row.device.browser).push_bind(&row.device.os);
            values.push_bind(row.device.kind).push_bind(row.device.form).push_bind(&row.first_ip).push_bind(&row.ip);
            values.push_bind(&row.location.label).push_bind(&row.location.city).push_bind(&row.location.country);
            values.push_bind(&row.location.country_code).push_bind(row.new_location);
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
    let sql = "UPDATE sessions SET token_hash = $3, proven_at = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    Ok(execute!(tx, sql, id, user, token_hash, now)? > 0)
}

/// Ends one live session of this person, and says whose it was by device and place. Nothing if there is no such.
pub async fn end(
    tx: &mut Tx,
    user: &UserId,
    id: &SessionId,
    cutoffs: Cutoffs,
    now: DateTime<Utc>,
    reason: EndReason,
) -> sqlx::Result<Option<Row>> {
    fetch!(
        tx,
        fetch_optional as Row,
        "UPDATE sessions SET ended_at = $3, end_reason = $4
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND created_at > $5 AND last_active_at > $6
         RETURNING id, sign_in_method, created_at, last_active_at, user_agent, device_label, browser, os, kind, form,
             first_ip, ip, location_label, city, country, country_code, new_location",
        id,
        user,
        now,
        reason,
        cutoffs.created,
        cutoffs.used,
    )
}

/// Ends all live sessions of this person but `kept`; which they were.
pub async fn end_others(
    tx: &mut Tx,
    user: &UserId,
    kept: Option<&SessionId>,
    cutoffs: Cutoffs,
    now: DateTime<Utc>,
    reason: EndReason,
) -> sqlx::Result<Vec<SessionId>> {
    let ended: Vec<(SessionId,)> = fetch!(
        tx,
        fetch_all as (SessionId,),
        "UPDATE sessions SET ended_at = $3, end_reason = $4
         WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL AND created_at > $5 AND last_active_at > $6
         RETURNING id",
        user,
        kept.map(ToString::to_string).unwrap_or_default(), // no id is empty: none is kept
        now,
        reason,
        cutoffs.created,
        cutoffs.used,
    )?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Ends everybody's live sessions but `kept`; which, and whose.
pub async fn end_everybody(
    tx: &mut Tx,
    kept: &SessionId,
    cutoffs: Cutoffs,
    now: DateTime<Utc>,
    reason: EndReason,
) -> sqlx::Result<Vec<(SessionId, UserId)>> {
    fetch!(
        tx,
        fetch_all as (SessionId, UserId),
        "UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE id <> $1 AND ended_at IS NULL AND created_at > $4 AND last_active_at > $5
         RETURNING id, user_id",
        kept,
        now,
        reason,
        cutoffs.created,
        cutoffs.used,
    )
}

/// Ends those that are longest unused, so that at most `most` stay.
pub async fn end_longest_unused(tx: &mut Tx, user: &UserId, most: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<SessionId>> {
    let ended: Vec<(SessionId,)> = fetch!(
        tx,
        fetch_all as (SessionId,),
        "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id IN (
             SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL
             ORDER BY last_active_at DESC, id DESC LIMIT 1000000 OFFSET $4)
         RETURNING id",
        user,
        now,
        EndReason::Displaced,
        most,
    )?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Writes a use, unless a later one is written (SES-11).
pub async fn write_use(tx: &mut Tx, id: &SessionId, at: DateTime<Utc>, ip: &str, location: &Location) -> sqlx::Result<()> {
    execute!(
        tx,
        "UPDATE sessions SET last_active_at = $2, ip = $3, location_label = $4, city = $5, country = $6, country_code = $7
         WHERE id = $1 AND ended_at IS NULL AND last_active_at < $2",
        id,
        at,
        ip,
        &location.label,
        &location.city,
        &location.country,
        &location.country_code,
    )?;
    Ok(())
}

/// Writes what a client now says of itself.
pub async fn write_device(tx: &mut Tx, id: &SessionId, user_agent: &str, device: &Device) -> sqlx::Result<()> {
    execute!(
        tx,
        "UPDATE sessions SET user_agent = $2, device_label = $3, browser = $4, os = $5, kind = $6, form = $7 WHERE id = $1",
        id,
        user_agent,
        &device.label,
        &device.browser,
        &device.os,
        device.kind,
        device.form,
    )?;
    Ok(())
}

/// Notes the country of a sign-in. Whether it is new to an account that has signed in from elsewhere before.
pub async fn note_country(tx: &mut Tx, user: &UserId, country_code: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let added = execute!(
        tx,
        "INSERT INTO known_countries (user_id, country_code, first_seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        user,
        country_code,
        now,
    )?;
    let others: Option<(String,)> = fetch!(
        tx,
        fetch_optional as (String,),
        "SELECT country_code FROM known_countries WHERE user_id = $1 AND country_code <> $2 LIMIT 1",
        user,
        country_code,
    )?;
    Ok(added > 0 && others.is_some())
}

/// Marks up to `batch` expired sessions as ended, at the moment that they expired for want of use or age.
pub async fn end_expired(tx: &mut Tx, cutoffs: Cutoffs, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<(SessionId, UserId)>> {
    fetch!(
        tx,
        fetch_all as (SessionId, UserId),
        "UPDATE sessions SET ended_at = $3, end_reason = CASE WHEN created_at <= $1 THEN $4 ELSE $5 END
         WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND (created_at <= $1 OR last_active_at <= $2) LIMIT $6)
         RETURNING id, user_id",
        cutoffs.created,
        cutoffs.used,
        now,
        EndReason::TooOld,
        EndReason::Idle,
        batch,
    )
}

/// Moves up to `batch` ended sessions out of the live table; how many it moved.
pub async fn move_ended(tx: &mut Tx, batch: i64) -> sqlx::Result<u64> {
    execute!(
        tx,
        "INSERT INTO ended_sessions (id, user_id, token_hash, sign_in_method, created_at, last_active_at, ended_at, end_reason,
             user_agent, device_label, browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location)
         SELECT id, user_id, token_hash, sign_in_method, created_at, last_active_at, ended_at, end_reason,
             user_agent, device_label, browser, os, kind, form, first_ip, ip, location_label, city, country, country_code, new_location
         FROM sessions WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT $1
         ON CONFLICT DO NOTHING",
        batch,
    )?;
    execute!(tx, "DELETE FROM sessions WHERE ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM ended_sessions e WHERE e.id = sessions.id)",)
}

/// Forgets up to `batch` sessions that ended before `before`; how many.
pub async fn forget_ended(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(tx, "DELETE FROM ended_sessions WHERE id IN (SELECT id FROM ended_sessions WHERE ended_at < $1 LIMIT $2)", before, batch,)
}
