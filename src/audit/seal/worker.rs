//! Seals events within a quarter of a second.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::Mutex;

use crate::{
    audit::seal::{actions::Sealer, store},
    foundation::{services::Services, supervisor::run_every},
};

const INTERVAL: Duration = Duration::milliseconds(250);
/// After a failure, which most likely lasts.
const INTERVAL_AFTER_FAILURE: Duration = Duration::seconds(10);
/// Open pages hear of new events so often at most.
const NOTICE_INTERVAL: Duration = Duration::seconds(1);

struct State {
    sealer: Sealer,
    next_seal: DateTime<Utc>,
    next_notice: DateTime<Utc>,
}

/// Runs until the server stops.
pub async fn run(services: Arc<Services>) {
    let now = services.clock.now();
    let state = Arc::new(Mutex::new(State { sealer: Sealer::default(), next_seal: now, next_notice: now }));
    run_every(&services, INTERVAL, |services| {
        let state = state.clone();
        async move { round(&services, &mut *state.lock().await).await }
    })
    .await;
}

async fn round(services: &Services, state: &mut State) {
    let now = services.clock.now();
    if (now >= state.next_seal || services.is_stopping())
        && let Err(error) = state.sealer.seal_all(services).await
    {
        tracing::error!(%error, "events of the audit log cannot be sealed; they wait, and nothing is lost");
        state.next_seal = now + INTERVAL_AFTER_FAILURE;
    }
    if now >= state.next_notice && services.sealed.receiver_count() > 0 {
        state.next_notice = now + NOTICE_INTERVAL;
        // A page that misses this hears of the next one.
        let _ = publish_size(services).await;
    }
}

/// Tells open pages that events were sealed, by this node or another one.
///
/// Errors: the database failed.
pub async fn publish_size(services: &Services) -> sqlx::Result<()> {
    let head = store::find_head(&mut services.db.read().await?).await?;
    let size = head.map_or(0, |head| head.size);
    services.sealed.send_if_modified(|published| std::mem::replace(published, size) != size);
    Ok(())
}
