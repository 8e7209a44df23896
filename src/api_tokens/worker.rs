//! Writes when API tokens were used, tells their owners before they expire, and forgets those that did.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    accounts::store as accounts,
    api_tokens::{actions::describe_use, letters, model::TOLD_BEFORE, store},
    error::AppError,
    foundation::{activity::Use, ids::TokenId, services::Services},
    mail::{self, Kind},
};

/// How often uses are written.
const WRITE: Duration = Duration::from_secs(3);
/// How many writings go by between two looks at what expires: a minute.
const WRITINGS_A_LOOK: u32 = 20;
const BATCH: i64 = 100;
/// Uses that one transaction writes at most.
const MAX_USES: usize = 1_000;

/// Works until the server stops. [`write`] is called once more then, after the last request.
pub async fn run(services: Arc<Services>) {
    let mut ticks = tokio::time::interval(WRITE);
    let mut round = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = services.stopped() => return,
        }
        warn(write(&services).await);
        if round == 0 {
            warn(look_at_expiry(&services).await);
        }
        round = (round + 1) % WRITINGS_A_LOOK;
    }
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
    let done: Vec<_> = batch.iter().filter(|(id, _)| !skipped.contains(id)).cloned().collect();
    services.token_activity.forget(&done);
    Ok(())
}

/// Tells owners of tokens that expire within 14 days, each once, and forgets what expired.
pub async fn look_at_expiry(services: &Services) -> Result<(), AppError> {
    while remind(services).await? {}
    while forget(services).await? {}
    Ok(())
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
