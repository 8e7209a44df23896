//! Writes the uses of API tokens, reminds owners before they expire, and removes expired ones.

use std::{collections::HashSet, sync::Arc};

use chrono::Duration;

use crate::{
    accounts::store as accounts,
    api_tokens::{actions::describe_use, emails, model::EXPIRY_REMINDER, store},
    error::AppError,
    foundation::{
        activity::Use,
        ids::TokenId,
        services::Services,
        supervisor::{run_every, run_until_done},
    },
    mail::{self, Kind},
};

/// How often uses are written.
const WRITE_INTERVAL: Duration = Duration::seconds(3);
/// How often expiry is checked.
const EXPIRY_CHECK_INTERVAL: Duration = Duration::minutes(1);
const BATCH_SIZE: i64 = 100;
/// Uses written in one transaction.
const MAX_USES_PER_TRANSACTION: usize = 1_000;

/// Runs until the server stops. [`write`] runs once more after the last request.
pub async fn run(services: Arc<Services>) {
    let writing = run_every(&services, WRITE_INTERVAL, |services| async move { log_failure(write(&services).await) });
    let checking = run_every(&services, EXPIRY_CHECK_INTERVAL, |services| async move { log_failure(remind_of_expiry(&services).await) });
    tokio::join!(writing, checking);
}

fn log_failure(result: Result<(), AppError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "uses or expiry of API tokens could not be processed; retrying in the next round");
    }
}

/// Writes the pending uses; the newest wins. Those whose row another transaction holds stay in memory for the next round; those of revoked
/// tokens are dropped.
pub async fn write(services: &Services) -> Result<(), AppError> {
    for batch in services.token_activity.unwritten().chunks(MAX_USES_PER_TRANSACTION) {
        write_batch(services, batch).await?;
    }
    Ok(())
}

async fn write_batch(services: &Services, batch: &[(TokenId, Use)]) -> Result<(), AppError> {
    let mut uses = Vec::with_capacity(batch.len());
    for (id, last) in batch {
        uses.push((id.clone(), describe_use(services, last).await?));
    }
    let mut tx = services.db.write().await?;
    let skipped: HashSet<TokenId> = store::write_uses(&mut tx, &uses).await?.into_iter().collect();
    tx.commit().await?;
    services.token_activity.confirm_written_except(batch, &skipped);
    Ok(())
}

/// Reminds owners of tokens that expire within 14 days, each once, and removes expired tokens.
pub async fn remind_of_expiry(services: &Services) -> Result<(), AppError> {
    run_until_done(services, || remind_batch(services)).await?;
    run_until_done(services, || remove_expired_batch(services)).await
}

async fn remind_batch(services: &Services) -> Result<bool, AppError> {
    let now = services.clock.now();
    let mut tx = services.db.write().await?;
    let expiring = store::claim_expiring(&mut tx, now + EXPIRY_REMINDER, now, BATCH_SIZE).await?;
    for token in &expiring {
        // Disabled users get no reminder: their tokens do not work.
        if let Some(owner) = accounts::find_by_id(&mut tx, &token.user_id).await? {
            mail::enqueue(&mut tx, services, &owner, Kind::TokenExpires, emails::expires_soon(&token.name, token.expires_at)).await?;
        }
    }
    tx.commit().await?;
    Ok(!expiring.is_empty())
}

async fn remove_expired_batch(services: &Services) -> Result<bool, AppError> {
    let mut tx = services.db.write().await?;
    let removed = store::remove_expired(&mut tx, services.clock.now(), BATCH_SIZE).await?;
    tx.commit().await?;
    Ok(removed > 0)
}
