//! Presence: each request marks its session in memory; here the marks are published to open pages, and written in batches.

use std::{collections::HashSet, sync::Arc};

use chrono::Duration;

use crate::{
    error::AppError,
    foundation::{activity::Use, hub::SessionUse, ids::SessionId, services::Services, supervisor::every},
    sessions::{
        actions,
        store::{self, LastUse},
    },
};

/// How often uses are published: well within the second that pages are promised.
const PUBLISH: Duration = Duration::milliseconds(200);
/// How often they are written.
const WRITE: Duration = Duration::seconds(3);
/// How often a change that the command line made is looked for.
const RECEIVE: Duration = Duration::milliseconds(500);
/// Uses that one transaction writes at most, and devices.
const BATCH: usize = 1_000;
/// Devices that one transaction writes at most. Each is a statement, and whoever ends one of these sessions waits for all.
const DEVICES_BATCH: usize = 20;

/// Publishes and writes until the server stops, and once more then; [`write`] runs again after the last request. The four loops run
/// concurrently, so that a slow write or a slow description delays nothing else.
pub async fn run(services: Arc<Services>) {
    let publishing = every(&services, PUBLISH, |services| async move { publish(&services) });
    let writing = every(&services, WRITE, |services| async move { warn(write(&services).await) });
    let describing = every(&services, WRITE, |services| async move { warn(write_devices(&services).await) });
    let receiving = every(&services, RECEIVE, |services| async move { warn(receive(&services).await) });
    tokio::join!(publishing, writing, describing, receiving);
}

fn warn(done: Result<(), AppError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "uses of sessions could not be written or received; the next round tries again");
    }
}

/// Publishes all that was used since the last tick as one change.
fn publish(services: &Services) {
    let used = |(session, last): (SessionId, Use)| SessionUse { user: last.user, session, at: last.at, ip: last.ip };
    services.hub.publish_uses(services.activity.take_unannounced().into_iter().map(used).collect());
}

/// Writes all uses that wait, newest wins (SES-11). Those whose row another transaction holds stay in memory for the next round;
/// those of ended sessions are forgotten.
pub async fn write(services: &Services) -> Result<(), AppError> {
    for batch in services.activity.unwritten().chunks(BATCH) {
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
    services.activity.forget_except(batch, &skipped);
    Ok(())
}

/// Writes what clients newly say of themselves. What cannot be written now is said again by the session's next request.
pub async fn write_devices(services: &Services) -> Result<(), AppError> {
    for batch in services.activity.take_new_agents().chunks(DEVICES_BATCH) {
        let mut devices = Vec::with_capacity(batch.len());
        for (id, agent) in batch {
            devices.push((id, agent, actions::describe(services, agent).await?));
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
    Ok(services.hub.receive_from_outside(&services.db).await?)
}
