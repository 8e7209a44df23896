//! Presence: publishes uses of sessions, which requests record in memory, to open pages and writes them to the database in batches.

use std::{collections::HashSet, sync::Arc};

use chrono::Duration;

use crate::{
    error::AppError,
    foundation::{activity::Use, hub::SessionUse, ids::SessionId, services::Services, supervisor::run_every},
    sessions::{
        actions,
        store::{self, LastUse},
    },
};

/// How often uses are published. Pages must show a use within one second.
const PUBLISH_INTERVAL: Duration = Duration::milliseconds(200);
/// How often uses and devices are written.
const WRITE_INTERVAL: Duration = Duration::seconds(3);
/// How often changes by the command line are received.
const RECEIVE_INTERVAL: Duration = Duration::milliseconds(500);
/// Maximum number of uses per transaction.
const USES_BATCH_SIZE: usize = 1_000;
/// Maximum number of devices per transaction. Each is one statement, and a request that ends one of these sessions waits for all.
const DEVICES_BATCH_SIZE: usize = 20;

/// Publishes and writes until the server stops, and once more at that point; [`write`] runs again after the last request. The four loops
/// run concurrently, so that a slow write or a slow device detection delays nothing else.
pub async fn run(services: Arc<Services>) {
    let publishing = run_every(&services, PUBLISH_INTERVAL, |services| async move { publish(&services) });
    let writing = run_every(&services, WRITE_INTERVAL, |services| async move { log_failure(write(&services).await) });
    let writing_devices = run_every(&services, WRITE_INTERVAL, |services| async move { log_failure(write_devices(&services).await) });
    let receiving = run_every(&services, RECEIVE_INTERVAL, |services| async move { log_failure(receive(&services).await) });
    tokio::join!(publishing, writing, writing_devices, receiving);
}

fn log_failure(result: Result<(), AppError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "session uses could not be written or received; retrying in the next round");
    }
}

/// Publishes all uses since the last round as one event.
fn publish(services: &Services) {
    let to_event = |(session, last): (SessionId, Use)| SessionUse { user: last.user, session, at: last.at, ip: last.ip };
    services.hub.publish_uses(services.activity.take_unpublished().into_iter().map(to_event).collect());
}

/// Writes all pending uses; the newest wins (SES-11). Uses whose row another transaction holds stay in memory for the next round; uses
/// of ended sessions are dropped.
pub async fn write(services: &Services) -> Result<(), AppError> {
    for batch in services.activity.unwritten().chunks(USES_BATCH_SIZE) {
        write_batch(services, batch).await?;
    }
    Ok(())
}

async fn write_batch(services: &Services, batch: &[(SessionId, Use)]) -> Result<(), AppError> {
    let mut uses = Vec::with_capacity(batch.len());
    for (id, last) in batch {
        let location = actions::locate(services, last.ip).await;
        uses.push(LastUse { id: id.clone(), at: last.at, ip: last.ip.to_string(), location });
    }
    let mut tx = services.db.write().await?;
    let skipped: HashSet<SessionId> = store::write_uses(&mut tx, &uses).await?.into_iter().collect();
    tx.commit().await?;
    services.activity.confirm_written_except(batch, &skipped);
    Ok(())
}

/// Writes changed user agents with their devices. If a write fails, the session's next request sends the headers again.
pub async fn write_devices(services: &Services) -> Result<(), AppError> {
    for batch in services.activity.take_new_agents().chunks(DEVICES_BATCH_SIZE) {
        let mut devices = Vec::with_capacity(batch.len());
        for (id, agent) in batch {
            devices.push((id, agent, actions::detect_device(services, agent).await?));
        }
        let mut tx = services.db.write().await?;
        for (id, agent, device) in devices {
            store::write_device(&mut tx, id, &agent.user_agent, &device).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn receive(services: &Services) -> Result<(), AppError> {
    Ok(services.hub.receive_from_cli(&services.db).await?)
}
