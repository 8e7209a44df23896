//! Signing everybody out. One row cuts all sessions off at once: the look-up compares a session's epoch with the current one.
//! A job then ends the rows in small batches. It goes on after a restart, and several nodes may run it: each batch locks the row.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::{
    audit::{self, Action, Event, Outcome},
    error::AppError,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
        services::Services,
        supervisor::{every, until_done},
    },
    sessions::{caller::Caller, model::EndReason, store::skipping_locked},
};

/// How often each node looks whether there is something to do.
const PERIOD: Duration = Duration::seconds(2);
/// Sessions that one transaction ends.
const BATCH: i64 = 500;

/// How far signing everybody out has come.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Progress {
    /// The current epoch. 0: nobody ever signed everybody out.
    pub epoch: i64,
    /// When everybody was cut off.
    pub started_at: DateTime<Utc>,
    /// Who did it.
    pub started_by: Option<UserId>,
    /// How many sessions were to be ended. `None` until they are counted.
    pub total: Option<i64>,
    /// How many were ended so far.
    pub ended: i64,
    /// When all were ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// How far signing everybody out has come.
pub async fn progress(db: &mut impl Connection) -> sqlx::Result<Progress> {
    fetch!(db, fetch_one as Progress, "SELECT epoch, started_at, started_by, total, ended, completed_at FROM session_epochs")
}

/// Cuts off every session but the caller's own, in the transaction of its cause. Sign-ins that commit later, but read the epoch
/// before, are cut off too.
///
/// Errors: [`AppError::NotSignedIn`] if the caller's own session ended meanwhile; the transaction must then not be committed.
pub async fn cut_off_everybody(tx: &mut Tx, caller: &Caller, now: DateTime<Utc>) -> Result<i64, AppError> {
    let (epoch,): (i64,) = fetch!(
        tx,
        fetch_one as (i64,),
        "UPDATE session_epochs SET epoch = epoch + 1, started_at = $1, started_by = $2, total = NULL, ended = 0, completed_at = NULL
         RETURNING epoch",
        now,
        &caller.account.id,
    )?;
    // Of two who do this at once, the second one's session was cut off by the first.
    let lift = "UPDATE sessions SET epoch = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND epoch = $3 - 1";
    let lifted = execute!(tx, lift, &caller.session, &caller.account.id, epoch)?;
    if lifted == 1 { Ok(epoch) } else { Err(AppError::NotSignedIn) }
}

/// Tells every open page, on all nodes, to look its session up: those of ended sessions close.
pub fn publish(services: &Services) {
    services.hub.publish_missed();
}

/// Ends what was cut off, until the server stops.
pub async fn run(services: Arc<Services>) {
    every(&services, PERIOD, |services| async move {
        if let Err(error) = until_done(&services, || end_batch(&services)).await {
            tracing::warn!(%error, "sessions that were cut off could not be ended yet; the next round tries again");
        }
    })
    .await;
}

/// Ends one batch of the sessions that were cut off. Returns whether there may be more.
pub async fn end_batch(services: &Services) -> Result<bool, AppError> {
    let mut db = services.db.read().await?;
    if !is_anything_left(&mut db).await? {
        return Ok(false);
    }
    let before = progress(&mut db).await?;
    if before.total.is_none() && before.ended == 0 {
        // For the page alone: sessions are ended also where counting them takes too long.
        let total = count(&mut db, before.epoch).await.ok();
        drop(db);
        let mut tx = services.db.write().await?;
        let sql = "UPDATE session_epochs SET total = $1 WHERE epoch = $2";
        execute!(&mut tx, sql, total, before.epoch)?;
        tx.commit().await?;
    } else {
        drop(db);
    }
    let mut tx = services.db.write().await?;
    let progress = lock(&mut tx).await?;
    let ended = end_below(&mut tx, &progress).await?;
    if ended == 0 && progress.completed_at.is_none() && !is_any_below(&mut tx, progress.epoch).await? {
        complete(&mut tx, services, &progress).await?;
    } else {
        execute!(&mut tx, "UPDATE session_epochs SET ended = ended + $1", ended.cast_signed())?;
    }
    tx.commit().await?;
    Ok(ended > 0)
}

/// Looks without a lock, since this is asked every few seconds. The minimum is the first entry of an index; for EXISTS,
/// PostgreSQL reads the whole table.
async fn is_anything_left(db: &mut impl Connection) -> sqlx::Result<bool> {
    let sql = "SELECT epoch FROM session_epochs
               WHERE completed_at IS NULL OR epoch > (SELECT MIN(s.epoch) FROM sessions s WHERE s.ended_at IS NULL)";
    Ok(fetch!(db, fetch_optional as (i64,), sql)?.is_some())
}

/// Has other nodes, and another "sign everybody out", wait for this batch. Taken before any session's row, by everybody alike.
async fn lock(tx: &mut Tx) -> sqlx::Result<Progress> {
    let sql = "UPDATE session_epochs SET ended = ended RETURNING epoch, started_at, started_by, total, ended, completed_at";
    fetch!(tx, fetch_one as Progress, sql)
}

async fn count(db: &mut impl Connection, epoch: i64) -> sqlx::Result<i64> {
    let sql = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND epoch < $1";
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), sql, epoch)?;
    Ok(count)
}

/// Ends up to a batch. Rows that another transaction holds are left for the next batch (RACE-2).
async fn end_below(tx: &mut Tx, progress: &Progress) -> sqlx::Result<u64> {
    let sql = skipping_locked!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id IN (
             SELECT id FROM sessions WHERE ended_at IS NULL AND epoch < $1 ORDER BY epoch LIMIT $4",
        ")"
    );
    execute!(tx, sql, progress.epoch, progress.started_at, EndReason::RevokedByAdministrator, BATCH)
}

async fn is_any_below(tx: &mut Tx, epoch: i64) -> sqlx::Result<bool> {
    let (lowest,): (Option<i64>,) = fetch!(tx, fetch_one as (Option<i64>,), "SELECT MIN(epoch) FROM sessions WHERE ended_at IS NULL")?;
    Ok(lowest.is_some_and(|lowest| lowest < epoch))
}

/// Says that all were ended, on record.
async fn complete(tx: &mut Tx, services: &Services, progress: &Progress) -> sqlx::Result<()> {
    execute!(tx, "UPDATE session_epochs SET completed_at = $1", services.clock.now())?;
    let event = Event {
        action: Action::EverybodySignedOut,
        outcome: Outcome::Success,
        actor: progress.started_by.as_ref(),
        session: None,
        token: None,
        subject: None,
        ip: None,
        detail: json!({ "epoch": progress.epoch, "sessions_ended": progress.ended }),
    };
    audit::record(tx, &services.clock, event).await
}
