//! The workers of a server, and how all of it stops: within five seconds.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    api_tokens::worker as tokens,
    foundation::{db::Db, later, limiter, services::Services, supervisor::Supervisor},
    mail,
    server::{Site, metrics, serve},
    sessions::{epoch, presence, sweep},
};

/// Grace periods after the last requests (3 s): for workers, background jobs, the last writes, and closing the database. Unused time
/// of the first three passes to the next.
const WORKERS: Duration = Duration::from_millis(800);
const JOBS: Duration = Duration::from_millis(300);
const LAST_WRITES: Duration = Duration::from_millis(400);
const CLOSE: Duration = Duration::from_millis(300);

/// A worker. Its name stands in logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Publishes and writes uses of sessions.
    Presence,
    /// Removes what is old.
    Cleanup,
    /// Runs what is left for after an answer.
    BackgroundJobs,
    /// Writes uses of API tokens, and reminds of their end.
    ApiTokens,
    /// Sends mails.
    Mail,
    /// Ends sessions after everybody was signed out.
    SignOutEverybody,
    /// Counts attempts that are rate limited.
    Limiter,
    /// Receives what other nodes commit.
    Listen,
    /// Notifies other nodes of what this one commits.
    Relay,
}

impl Worker {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Presence,
        Self::Cleanup,
        Self::BackgroundJobs,
        Self::ApiTokens,
        Self::Mail,
        Self::SignOutEverybody,
        Self::Limiter,
        Self::Listen,
        Self::Relay,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Cleanup => "cleanup",
            Self::BackgroundJobs => "background_jobs",
            Self::ApiTokens => "api_tokens",
            Self::Mail => "mail",
            Self::SignOutEverybody => "sign_out_everybody",
            Self::Limiter => "limiter",
            Self::Listen => "listen",
            Self::Relay => "relay",
        }
    }

    fn start(self, services: &Services, supervisor: &mut Supervisor) -> anyhow::Result<()> {
        let name = self.name();
        match self {
            // A node that stands alone has nobody to notify.
            Self::Listen | Self::Relay if services.outgoing.is_none() => {}
            Self::Presence => supervisor.spawn(name, presence::run),
            Self::Cleanup => supervisor.spawn(name, sweep::run),
            Self::BackgroundJobs => supervisor.spawn(name, later::run),
            Self::ApiTokens => supervisor.spawn(name, tokens::run),
            Self::Mail => {
                let transport = Arc::new(mail::Transport::new(&services.config)?);
                supervisor.spawn(name, move |services| mail::run(services, transport.clone()));
            }
            Self::SignOutEverybody => supervisor.spawn(name, epoch::run),
            Self::Limiter => supervisor.spawn_lasting(name, limiter::run),
            Self::Listen => supervisor.spawn(name, listen),
            Self::Relay => supervisor.spawn_lasting(name, relay),
        }
        Ok(())
    }
}

async fn listen(services: Arc<Services>) {
    let Db::Postgres(pool) = &services.db else { return };
    tokio::select! {
        () = services.hub.listen(pool) => {}
        () = services.stopped() => {}
    }
}

async fn relay(services: Arc<Services>) {
    let (Db::Postgres(pool), Some(outgoing)) = (&services.db, &services.outgoing) else { return };
    outgoing.lock().await.relay(pool).await;
}

/// Starts workers.
///
/// Errors: the settings of mail are wrong.
pub fn start_workers(services: &Arc<Services>, workers: &[Worker]) -> anyhow::Result<Supervisor> {
    let mut supervisor = Supervisor::new(services.clone());
    for worker in workers {
        worker.start(services, &mut supervisor)?;
    }
    Ok(supervisor)
}

/// What a server listens on.
pub struct Listeners {
    /// For the site.
    pub site: TcpListener,
    /// For metrics, if they are served.
    pub metrics: Option<TcpListener>,
}

/// Serves the site, with these workers, until its services are stopping, and returns within five seconds of that.
///
/// Errors: the settings of mail are wrong, or a listener fails.
pub async fn run(listeners: Listeners, site: Site, workers: &[Worker]) -> anyhow::Result<()> {
    let services = site.services.clone();
    let mut supervisor = start_workers(&services, workers)?;
    if let Some(listener) = listeners.metrics {
        let listener = Arc::new(listener.into_std().context("metrics cannot be served")?);
        supervisor.spawn("metrics", move |services| metrics::run(services, listener.clone()));
    }
    serve(listeners.site, site).await?;
    stop(&services, supervisor).await;
    Ok(())
}

/// Stops everything else after the last request has been answered.
async fn stop(services: &Services, mut supervisor: Supervisor) {
    let workers_until = Instant::now() + WORKERS;
    let jobs_until = workers_until + JOBS;
    supervisor.stop(workers_until).await;
    later::finish(services, jobs_until).await;
    supervisor.end().await;
    if timeout_at(jobs_until + LAST_WRITES, write_the_rest(services)).await.is_err() {
        tracing::warn!("the last uses of sessions and API tokens could not be written in time");
    }
    if timeout(CLOSE, services.db.close()).await.is_err() {
        tracing::warn!("the database did not close its connections in time");
    }
}

/// Writes what is held in memory: uses come last, since requests and jobs use sessions until here.
async fn write_the_rest(services: &Services) {
    if let (Db::Postgres(pool), Some(outgoing)) = (&services.db, &services.outgoing) {
        outgoing.lock().await.finish(pool).await;
    }
    let uses = async {
        presence::write(services).await?;
        tokens::write(services).await?;
        presence::write_devices(services).await
    };
    if let Err(error) = uses.await {
        tracing::warn!(%error, "the last uses of sessions and API tokens could not be written");
    }
}
