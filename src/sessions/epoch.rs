//! Signing everybody out. Incrementing the epoch cuts off all sessions at once, because each lookup compares the session's epoch with the
//! current one. A job then ends the rows in small batches. It resumes after a restart, and several nodes may run it, because each batch
//! locks the epoch row.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::{
    error::AppError,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
        services::Services,
        supervisor::{run_every, run_until_done},
    },
    locking,
    record::{Action, Event},
    sessions::{caller::CurrentSession, model::EndReason},
};

/// How often each node checks for sessions to end.
const INTERVAL: Duration = Duration::seconds(2);
/// Maximum number of sessions that one transaction ends.
const BATCH_SIZE: i64 = 500;

/// Progress of signing everybody out.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Progress {
    /// The current epoch. 0 if everybody was never signed out.
    pub epoch: i64,
    /// When everybody was cut off.
    pub started_at: DateTime<Utc>,
    /// The administrator who did it.
    pub started_by: Option<UserId>,
    /// Number of sessions to end. `None` until they are counted.
    pub total_count: Option<i64>,
    /// Number of sessions ended so far.
    pub ended_count: i64,
    /// When all sessions had been ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// Reads the progress of signing everybody out.
pub async fn progress(db: &mut impl Connection) -> sqlx::Result<Progress> {
    fetch!(db, fetch_one as Progress, "SELECT epoch, started_at, started_by, total_count, ended_count, completed_at FROM session_epochs")
}

/// Cuts off all sessions except the caller's own, in the transaction of the operation that causes it. Returns the new epoch. Also cuts
/// off sign-ins that read the epoch before but commit later.
///
/// Errors: [`AppError::NotSignedIn`] if the caller's own session has ended in the meantime; the transaction must then not be committed.
pub async fn cut_off_everybody(tx: &mut Tx, caller: &CurrentSession, now: DateTime<Utc>) -> Result<i64, AppError> {
    let (epoch,): (i64,) = fetch!(
        tx,
        fetch_one as (i64,),
        "UPDATE session_epochs SET epoch = epoch + 1, started_at = $1, started_by = $2, total_count = NULL, ended_count = 0,
             completed_at = NULL RETURNING epoch",
        now,
        &caller.account.id,
    )?;
    // If two administrators do this at once, the first one cuts off the session of the second.
    let sql = "UPDATE sessions SET epoch = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND epoch = $3 - 1";
    let updated = execute!(tx, sql, &caller.session, &caller.account.id, epoch)?;
    if updated == 1 { Ok(epoch) } else { Err(AppError::NotSignedIn) }
}

/// Makes every open page, on all nodes, look up its session again, so that pages of ended sessions close.
pub fn publish(services: &Services) {
    services.hub.publish_missed();
}

/// Ends cut-off sessions until the server stops.
pub async fn run(services: Arc<Services>) {
    run_every(&services, INTERVAL, |services| async move {
        if let Err(error) = run_until_done(&services, || end_batch(&services)).await {
            tracing::warn!(%error, "cut-off sessions could not be ended; retrying in the next round");
        }
    })
    .await;
}

/// Ends one batch of cut-off sessions. Returns whether there may be more.
pub async fn end_batch(services: &Services) -> Result<bool, AppError> {
    let mut db = services.db.read().await?;
    if !is_work_left(&mut db).await? {
        return Ok(false);
    }
    let before = progress(&mut db).await?;
    if before.total_count.is_none() && before.ended_count == 0 {
        // Only the page shows the total. Sessions are ended even if counting them takes too long.
        let total = count_below(&mut db, before.epoch).await.ok();
        drop(db);
        let mut tx = services.db.write().await?;
        let sql = "UPDATE session_epochs SET total_count = $1 WHERE epoch = $2";
        execute!(&mut tx, sql, total, before.epoch)?;
        tx.commit().await?;
    } else {
        drop(db);
    }
    let mut tx = services.db.write().await?;
    let progress = lock_epoch(&mut tx).await?;
    let ended = end_below(&mut tx, &progress).await?;
    if ended == 0 && progress.completed_at.is_none() && !is_any_below(&mut tx, progress.epoch).await? {
        complete(&mut tx, services, &progress).await?;
    } else {
        execute!(&mut tx, "UPDATE session_epochs SET ended_count = ended_count + $1", ended.cast_signed())?;
    }
    tx.commit().await?;
    Ok(ended > 0)
}

/// Returns whether there are sessions to end or the progress is incomplete. Takes no lock, because it runs every few seconds. Uses MIN,
/// which is the first entry of an index, because PostgreSQL would read the whole table for EXISTS.
async fn is_work_left(db: &mut impl Connection) -> sqlx::Result<bool> {
    let sql = "SELECT epoch FROM session_epochs
               WHERE completed_at IS NULL OR epoch > (SELECT MIN(s.epoch) FROM sessions s WHERE s.ended_at IS NULL)";
    Ok(fetch!(db, fetch_optional as (i64,), sql)?.is_some())
}

/// Locks the epoch row, so that other nodes and another "sign everybody out" wait for this batch. To avoid deadlocks, it is always
/// locked before any session row.
async fn lock_epoch(tx: &mut Tx) -> sqlx::Result<Progress> {
    let sql = "UPDATE session_epochs SET ended_count = ended_count
               RETURNING epoch, started_at, started_by, total_count, ended_count, completed_at";
    fetch!(tx, fetch_one as Progress, sql)
}

/// Counts the sessions that are not ended and belong to an earlier epoch.
async fn count_below(db: &mut impl Connection, epoch: i64) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND epoch < $1";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, epoch)?;
    Ok(count)
}

/// Ends up to [`BATCH_SIZE`] sessions of earlier epochs. Returns how many. Rows that another transaction holds are left for the next
/// batch (RACE-2).
async fn end_below(tx: &mut Tx, progress: &Progress) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3, ended_by_user_id = $4 WHERE id IN (
             SELECT id FROM sessions WHERE ended_at IS NULL AND epoch < $1 ORDER BY epoch LIMIT $5",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    let (reason, by) = (EndReason::EverybodySignedOut, progress.started_by.as_ref());
    execute!(tx, sql, progress.epoch, progress.started_at, reason, by, BATCH_SIZE)
}

/// Returns whether a session of an earlier epoch has not been ended, including rows that another transaction holds.
async fn is_any_below(tx: &mut Tx, epoch: i64) -> sqlx::Result<bool> {
    let (lowest,): (Option<i64>,) = fetch!(tx, fetch_one as (Option<i64>,), "SELECT MIN(epoch) FROM sessions WHERE ended_at IS NULL")?;
    Ok(lowest.is_some_and(|lowest| lowest < epoch))
}

/// Marks the progress as completed and writes an audit event.
async fn complete(tx: &mut Tx, services: &Services, progress: &Progress) -> sqlx::Result<()> {
    execute!(tx, "UPDATE session_epochs SET completed_at = $1", services.clock.now())?;
    let detail = json!({ "epoch": progress.epoch, "sessions_ended": progress.ended_count });
    let event = Event { actor: progress.started_by.as_ref(), ..Event::new(Action::EverybodySignedOut, detail) };
    services.recorder.write(tx, event).await
}
