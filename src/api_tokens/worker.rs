//! Writes when API tokens were used, tells their owners before they expire, and forgets those that did.

use std::{collections::HashSet, sync::Arc};

use chrono::Duration;

use crate::{
    accounts::store as accounts,
    api_tokens::{actions::describe_use, letters, model::TOLD_BEFORE, store},
    error::AppError,
    foundation::{
        activity::Use,
        ids::TokenId,
        services::Services,
        supervisor::{every, until_done},
    },
    mail::{self, Kind},
};

/// How often uses are written.
const WRITE: Duration = Duration::seconds(3);
/// How often expiry is looked at.
const LOOK: Duration = Duration::minutes(1);
const BATCH: i64 = 100;
/// Uses that one transaction writes at most.
const MAX_USES: usize = 1_000;

/// Works until the server stops. [`write`] runs again after the last request.
pub async fn run(services: Arc<Services>) {
    let writing = every(&services, WRITE, |services| async move { warn(write(&services).await) });
    let looking = every(&services, LOOK, |services| async move { warn(look_at_expiry(&services).await) });
    tokio::join!(writing, looking);
}

fn warn(done: Result<(), AppError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "uses or ends of API tokens could not be written; the next round tries again");
    }
}

/// Writes the uses that wait, newest wins. Those whose row another transaction holds stay in memory for the next round; those of
/// revoked tokens are forgotten.
pub async fn write(services: &Services) -> Result<(), AppError> {
    for batch in services.token_activity.unwritten().chunks(MAX_USES) {
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
    services.token_activity.forget_except(batch, &skipped);
    Ok(())
}

/// Tells owners of tokens that expire within 14 days, each once, and forgets what expired.
pub async fn look_at_expiry(services: &Services) -> Result<(), AppError> {
    until_done(services, || remind(services)).await?;
    until_done(services, || forget(services)).await
}

async fn remind(services: &Services) -> Result<bool, AppError> {
    let now = services.clock.now();
    let mut tx = services.db.write().await?;
    let expiring = store::take_expiring(&mut tx, now + TOLD_BEFORE, now, BATCH).await?;
    for token in &expiring {
        // Whoever is disabled is told nothing: nothing of theirs works.
        if let Some(owner) = accounts::find_by_id(&mut tx, &token.user_id).await? {
            mail::tell(&mut tx, services, &owner, Kind::TokenExpires, letters::expires(&token.name, token.expires_at)).await?;
        }
    }
    tx.commit().await?;
    Ok(!expiring.is_empty())
}

async fn forget(services: &Services) -> Result<bool, AppError> {
    let mut tx = services.db.write().await?;
    let forgotten = store::forget_expired(&mut tx, services.clock.now(), BATCH).await?;
    tx.commit().await?;
    Ok(forgotten > 0)
}
