//! Verifies the log by increments while the server runs, so that a change is found without anybody asking.

use std::sync::Arc;

use chrono::Duration;
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
/// Leaves in an increment at least: a log of this size is verified whole each time.
pub const MIN_INCREMENT: i64 = 50_000;
/// Increments in a day, within which the whole log is verified.
const INCREMENTS_PER_DAY: i64 = 24 * 6;

/// Runs until the server stops.
pub async fn run(services: Arc<Services>) {
    let verifier = Arc::new(Mutex::new(Verifier::default()));
    run_every(&services, INTERVAL, |services| {
        let verifier = verifier.clone();
        async move {
            if services.is_stopping() {
                return;
            }
            if let Err(error) = verify_increment(&services, &mut *verifier.lock().await).await {
                tracing::warn!(error = format!("{error:#}"), "the audit log could not be verified; retrying in ten minutes");
            }
        }
    })
    .await;
}

/// Verifies the next increment, and keeps the result of a whole verification for the pages.
///
/// Errors: the database or a checkpoint cannot be read, or the result cannot be written.
pub async fn verify_increment(services: &Services, verifier: &mut Verifier) -> anyhow::Result<()> {
    let files = CheckpointFiles::new(&services.config.storage.data_dir);
    let trusted = Trusted { keyring: services.keyring.clone(), files: &files };
    let size = store::find_last_leaf(&mut services.db.read().await?).await?.map_or(0, |last| last + 1);
    let increment = MIN_INCREMENT.max(size / INCREMENTS_PER_DAY + 1);
    if let Increment::Whole(report) = verifier.advance(&services.db, &trusted, increment).await? {
        if let Some(Bad { seq, id, why }) = &report.first_bad {
            tracing::error!(seq, id, why, "the audit log was tampered with");
        }
        let mut tx = services.db.write().await?;
        store::keep_result(&mut tx, &report, services.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}
