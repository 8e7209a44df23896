//! Seals events within a quarter of a second.

use std::sync::Arc;

use chrono::Duration;
use tokio::sync::Mutex;

use crate::{
    audit::seal::actions::Sealer,
    foundation::{services::Services, supervisor::run_every},
};

const INTERVAL: Duration = Duration::milliseconds(250);
/// After a failure, which most likely lasts.
const INTERVAL_AFTER_FAILURE: Duration = Duration::seconds(10);

/// Runs until the server stops.
pub async fn run(services: Arc<Services>) {
    let state = Arc::new(Mutex::new((Sealer::default(), services.clock.now())));
    run_every(&services, INTERVAL, |services| {
        let state = state.clone();
        async move {
            let (sealer, next) = &mut *state.lock().await;
            let now = services.clock.now();
            if now < *next && !services.is_stopping() {
                return;
            }
            if let Err(error) = sealer.seal_all(&services).await {
                tracing::error!(%error, "events of the audit log cannot be sealed; they wait, and nothing is lost");
                *next = now + INTERVAL_AFTER_FAILURE;
            }
        }
    })
    .await;
}
