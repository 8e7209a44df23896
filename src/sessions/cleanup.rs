//! Cleanup: ends expired sessions, archives ended ones, and removes old rows of other features, in small batches.

use std::{collections::HashMap, sync::Arc};

use chrono::Duration;

use crate::{
    accounts::known,
    error::AppError,
    foundation::{
        crypto::one_time_tokens,
        ids::{SessionId, UserId},
        limiter,
        services::Services,
        supervisor::{run_every, run_until_done},
    },
    mail,
    sessions::{actions, expiry::Cutoffs, presence, store},
};

const INTERVAL: Duration = Duration::minutes(1);
const BATCH_SIZE: i64 = 200;
/// Uses in the memory of another node may be newer than the database by this much. Only the cleanup is delayed: requests check expiry
/// themselves, to the second.
const UNWRITTEN_USES_MARGIN: Duration = Duration::minutes(1);
/// How long ended sessions and sent mails are kept.
pub const RETENTION: Duration = Duration::days(30);

/// Cleans up until the server stops.
pub async fn run(services: Arc<Services>) {
    run_every(&services, INTERVAL, |services| async move {
        if let Err(error) = clean_up(&services).await {
            tracing::warn!(%error, "cleanup failed; retrying in the next round");
        }
    })
    .await;
}

/// Runs one round: ends expired sessions, archives ended ones, and removes old rows.
pub async fn clean_up(services: &Services) -> Result<(), AppError> {
    presence::write(services).await?;
    run_until_done(services, || end_expired(services)).await?;
    run_until_done(services, || archive_ended(services)).await?;
    run_until_done(services, || remove_ended(services)).await?;
    run_until_done(services, || remove_old_rows(services)).await
}

async fn end_expired(services: &Services) -> Result<bool, AppError> {
    let now = services.clock.now();
    let cutoffs = Cutoffs::at(&services.config.lifetimes, now - UNWRITTEN_USES_MARGIN);
    let mut tx = services.db.write().await?;
    let expired = store::end_expired(&mut tx, cutoffs, now, BATCH_SIZE).await?;
    tx.commit().await?;
    let has_more = !expired.is_empty();
    let mut by_user: HashMap<UserId, Vec<SessionId>> = HashMap::new();
    for (session, user) in expired {
        by_user.entry(user).or_default().push(session);
    }
    for (user, sessions) in by_user {
        actions::publish_ended(services, &user, sessions);
    }
    Ok(has_more)
}

async fn archive_ended(services: &Services) -> Result<bool, AppError> {
    let mut tx = services.db.write().await?;
    let moved = store::archive_ended(&mut tx, BATCH_SIZE).await?;
    tx.commit().await?;
    Ok(moved > 0)
}

async fn remove_ended(services: &Services) -> Result<bool, AppError> {
    let before = services.clock.now() - RETENTION;
    let mut tx = services.db.write().await?;
    let removed = store::remove_ended(&mut tx, before, BATCH_SIZE).await?;
    tx.commit().await?;
    Ok(removed > 0)
}

/// Removes old rate limits, one-time tokens, devices and sent mails. Each kind has its own transaction, because one that locked several
/// kinds of rows could deadlock with a transaction that locks them in another order (RACE-2).
async fn remove_old_rows(services: &Services) -> Result<bool, AppError> {
    let (now, mut removed) = (services.clock.now(), 0);
    let mut tx = services.db.write().await?;
    removed += limiter::remove_stale(&mut tx, now, BATCH_SIZE).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += one_time_tokens::remove_expired(&mut tx, now, BATCH_SIZE).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += mail::remove_old(&mut tx, now - RETENTION, BATCH_SIZE).await?;
    tx.commit().await?;
    let mut tx = services.db.write().await?;
    removed += known::remove_unused_devices(&mut tx, now - known::DEVICE_KNOWN_FOR, BATCH_SIZE).await?;
    tx.commit().await?;
    Ok(removed > 0)
}
