//! Cleanup: ends expired sessions, archives ended ones, and removes old rows of other features, in small batches.

use std::{collections::HashMap, sync::Arc};

use chrono::Duration;

use crate::{
    accounts::known,
    error::AppError,
    foundation::{
        ids::{SessionId, UserId},
        limiter, links,
        services::Services,
        supervisor::{every, until_done},
    },
    mail,
    sessions::{actions, expiry::Cutoffs, presence, store},
};

const PERIOD: Duration = Duration::minutes(1);
const BATCH: i64 = 200;
/// Uses that another node holds in memory may be this much younger than what the database says. Requests decide expiry
/// at the very second by themselves; only the tidying is later.
const MARGIN: Duration = Duration::minutes(1);
/// How long ended sessions are kept.
const KEPT: Duration = Duration::days(30);

/// Cleans up until the server stops.
pub async fn run(services: Arc<Services>) {
    every(&services, PERIOD, |services| async move {
        if let Err(error) = sweep(&services).await {
            tracing::warn!(%error, "cleanup failed; the next round tries again");
        }
    })
    .await;
}

/// One round: ends what expired, archives what ended, and removes what is old.
pub async fn sweep(services: &Services) -> Result<(), AppError> {
    presence::write(services).await?;
    until_done(services, || end_expired(services)).await?;
    until_done(services, || move_ended(services)).await?;
    until_done(services, || forget_ended(services)).await?;
    until_done(services, || forget_others(services)).await
}

async fn end_expired(services: &Services) -> Result<bool, AppError> {
    let now = services.clock.now();
    let cutoffs = Cutoffs::at(&services.config.lifetimes, now - MARGIN);
    let mut tx = services.db.write().await?;
    let expired = store::end_expired(&mut tx, cutoffs, now, BATCH).await?;
    tx.commit().await?;
    let more = !expired.is_empty();
    let mut by_user: HashMap<UserId, Vec<SessionId>> = HashMap::new();
    for (session, user) in expired {
        by_user.entry(user).or_default().push(session);
    }
    for (user, sessions) in by_user {
        actions::ended(services, &user, sessions);
    }
    Ok(more)
}

async fn move_ended(services: &Services) -> Result<bool, AppError> {
    let mut tx = services.db.write().await?;
    let moved = store::move_ended(&mut tx, BATCH).await?;
    tx.commit().await?;
    Ok(moved > 0)
}

async fn forget_ended(services: &Services) -> Result<bool, AppError> {
    let before = services.clock.now() - KEPT;
    let mut tx = services.db.write().await?;
    let forgotten = store::forget_ended(&mut tx, before, BATCH).await?;
    tx.commit().await?;
    Ok(forgotten > 0)
}

/// Removes old rate limits, links, devices and sent mails. Each in a transaction of its own: one that held several kinds of rows could
/// deadlock with whoever takes them in another order (RACE-2).
async fn forget_others(services: &Services) -> Result<bool, AppError> {
    let (now, mut removed) = (services.clock.now(), 0);
    let mut tx = services.db.write().await?;
    removed += limiter::forget_old(&mut tx, now, BATCH).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += links::forget_old(&mut tx, now, BATCH).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += mail::forget_old(&mut tx, now - KEPT, BATCH).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += known::forget_unused_devices(&mut tx, now - known::DEVICE_KNOWN_FOR, BATCH).await?;
    tx.commit().await?;
    Ok(removed > 0)
}
