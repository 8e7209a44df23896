//! Presence: uses are marked in memory by each request; here they are told to open pages, and written in a batch.

use std::{sync::Arc, time::Duration};

use crate::{
    error::AppError,
    foundation::{activity::Use, db::Tx, device::Device, hub::Change, ids::SessionId, location::Location, services::Services},
    sessions::{actions, store},
};

/// How often uses are told: well within the second that pages are promised.
const TELL: Duration = Duration::from_millis(200);
/// How many tellings go by between two writings: every three seconds.
const TELLINGS_A_WRITING: u32 = 15;

/// Tells and writes until the server stops. [`write`] is called once more then, after the last request.
pub async fn run(services: Arc<Services>) {
    let mut ticks = tokio::time::interval(TELL);
    let mut round = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = services.stopped() => return,
        }
        tell(&services);
        round = (round + 1) % TELLINGS_A_WRITING;
        if round == 0 {
            write_or_keep(&services).await;
        }
    }
}

fn tell(services: &Services) {
    for (user, session) in services.activity.take_unannounced() {
        services.hub.publish(&user, Change::Used(session));
    }
}

async fn write_or_keep(services: &Services) {
    if let Err(error) = write(services).await {
        tracing::warn!(%error, "uses of sessions could not be written; they are kept for the next time");
    }
}

/// Writes all that waits, newest wins.
pub async fn write(services: &Services) -> Result<(), AppError> {
    let uses = services.activity.unwritten();
    if uses.is_empty() {
        return Ok(());
    }
    let mut written = Vec::with_capacity(uses.len());
    for (session, last) in uses {
        written.push(Writing::prepare(services, session, last).await?);
    }
    let mut tx = services.db.write().await?;
    for writing in &written {
        writing.write(&mut tx).await?;
    }
    tx.commit().await?;
    let written: Vec<_> = written.into_iter().map(|writing| (writing.session, writing.last)).collect();
    services.activity.forget(&written);
    Ok(())
}

/// A use with what it says, found out before the transaction is opened.
struct Writing {
    session: SessionId,
    last: Use,
    location: Location,
    /// What the client is, where it says another thing than before.
    device: Option<Device>,
}

impl Writing {
    async fn prepare(services: &Services, session: SessionId, last: Use) -> Result<Self, AppError> {
        let location = actions::locate(services, last.ip).await;
        let device = match &last.agent {
            Some(agent) => Some(actions::describe(services, agent).await?),
            None => None,
        };
        Ok(Self { session, last, location, device })
    }

    async fn write(&self, tx: &mut Tx) -> sqlx::Result<()> {
        store::write_use(tx, &self.session, self.last.at, &self.last.ip.to_string(), &self.location).await?;
        if let (Some(agent), Some(device)) = (&self.last.agent, &self.device) {
            store::write_device(tx, &self.session, &agent.user_agent, device).await?;
        }
        Ok(())
    }
}
