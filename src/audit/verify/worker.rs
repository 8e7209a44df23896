//! Verifies the log by increments while the server runs, so that a change is found without anybody asking.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::Mutex;

use crate::{
    audit::{
        seal::outside::CheckpointFiles,
        verify::{
            actions::{Increment, Trusted, Verifier},
            model::Bad,
            store,
        },
    },
    foundation::{services::Services, supervisor::run_every},
};

const INTERVAL: Duration = Duration::minutes(10);
/// While nothing is sealed: soon after the start of a new server there is a first result.
const INTERVAL_WHILE_EMPTY: Duration = Duration::seconds(5);
/// Leaves in an increment at least: a log of this size is verified whole each time.
pub const MIN_INCREMENT: i64 = 50_000;
/// Increments in a day, within which the whole log is verified.
const INCREMENTS_PER_DAY: i64 = 24 * 6;

struct State {
    verifier: Verifier,
    next: DateTime<Utc>,
}

/// Runs until the server stops.
pub async fn run(services: Arc<Services>) {
    let state = Arc::new(Mutex::new(State { verifier: Verifier::default(), next: services.clock.now() }));
    run_every(&services, INTERVAL_WHILE_EMPTY, |services| {
        let state = state.clone();
        async move { round(&services, &mut *state.lock().await).await }
    })
    .await;
}

async fn round(services: &Services, state: &mut State) {
    let now = services.clock.now();
    if services.is_stopping() || now < state.next {
        return;
    }
    let is_empty = match verify_increment(services, &mut state.verifier).await {
        Ok(Increment::Whole(report)) => report.ok && report.sealed == 0,
        Ok(Increment::Part { .. }) => false,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the audit log could not be verified; retrying in ten minutes");
            false
        }
    };
    state.next = now + if is_empty { INTERVAL_WHILE_EMPTY } else { INTERVAL };
}

/// Verifies the next increment, and keeps the result of a whole verification for the pages, unless there was nothing to verify.
///
/// Errors: the database or a checkpoint cannot be read, or the result cannot be written.
pub async fn verify_increment(services: &Services, verifier: &mut Verifier) -> anyhow::Result<Increment> {
    let files = CheckpointFiles::new(&services.config.storage.data_dir);
    let trusted = Trusted { keyring: services.keyring.clone(), files: &files };
    let size = store::find_last_leaf(&mut services.db.read().await?).await?.map_or(0, |last| last + 1);
    let increment = MIN_INCREMENT.max(size / INCREMENTS_PER_DAY + 1);
    let increment = verifier.advance(&services.db, &trusted, increment).await?;
    let Increment::Whole(report) = &increment else { return Ok(increment) };
    if let Some(Bad { seq, id, why }) = &report.first_bad {
        tracing::error!(seq, id, why, "the audit log was tampered with");
    }
    if !report.ok || report.sealed > 0 {
        let mut tx = services.db.write().await?;
        store::keep_result(&mut tx, report, services.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(increment)
}
