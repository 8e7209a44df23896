//! The workers of a server, and its shutdown within five seconds.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    api_tokens::worker as tokens,
    audit::{seal::worker as sealer, verify::worker as verifier},
    foundation::{db::Db, limiter, services::Services, supervisor::Supervisor},
    mail,
    permissions::grants::worker as grants,
    record,
    server::{Site, metrics, serve},
    sessions::{cleanup, epoch, presence},
};

/// Grace periods after the last requests (3 s): for workers, background jobs, the last writes, and closing the database. Unused time
/// of the first three passes to the next.
const WORKER_GRACE_PERIOD: Duration = Duration::from_millis(800);
const JOB_GRACE_PERIOD: Duration = Duration::from_millis(300);
const WRITE_GRACE_PERIOD: Duration = Duration::from_millis(400);
const CLOSE_GRACE_PERIOD: Duration = Duration::from_millis(300);

/// A worker. Its name appears in logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Publishes and writes uses of sessions.
    Presence,
    /// Removes old data.
    Cleanup,
    /// Runs background jobs after responses.
    BackgroundJobs,
    /// Writes uses of API tokens, and reminds owners of their expiry.
    ApiTokens,
    /// Reminds of grants before they end, and removes old ones.
    Grants,
    /// Sends mails.
    Mail,
    /// Ends sessions after everybody was signed out.
    SignOutEverybody,
    /// Counts attempts that are rate limited.
    Limiter,
    /// Records refused sign-ins.
    RefusedSignIns,
    /// Adds events to the tree of the audit log.
    Sealer,
    /// Verifies the audit log.
    Verifier,
    /// Receives what other nodes commit.
    Listen,
    /// Notifies other nodes of what this one commits.
    Relay,
}

impl Worker {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Presence,
        Self::Cleanup,
        Self::BackgroundJobs,
        Self::ApiTokens,
        Self::Grants,
        Self::Mail,
        Self::SignOutEverybody,
        Self::Limiter,
        Self::RefusedSignIns,
        Self::Sealer,
        Self::Verifier,
        Self::Listen,
        Self::Relay,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Cleanup => "cleanup",
            Self::BackgroundJobs => "background_jobs",
            Self::ApiTokens => "api_tokens",
            Self::Grants => "grants",
            Self::Mail => "mail",
            Self::SignOutEverybody => "sign_out_everybody",
            Self::Limiter => "limiter",
            Self::RefusedSignIns => "refused_sign_ins",
            Self::Sealer => "sealer",
            Self::Verifier => "verifier",
            Self::Listen => "listen",
            Self::Relay => "relay",
        }
    }

    fn start(self, services: &Services, supervisor: &mut Supervisor) -> anyhow::Result<()> {
        let name = self.name();
        match self {
            // A single node has no other to notify.
            Self::Listen | Self::Relay if services.outgoing.is_none() => {}
            Self::Presence => supervisor.spawn(name, presence::run),
            Self::Cleanup => supervisor.spawn(name, cleanup::run),
            Self::BackgroundJobs => supervisor.spawn(name, run_background_jobs),
            Self::ApiTokens => supervisor.spawn(name, tokens::run),
            Self::Grants => supervisor.spawn(name, grants::run),
            Self::Mail => {
                let transport = Arc::new(mail::Transport::new(&services.config)?);
                supervisor.spawn(name, move |services| mail::run(services, transport.clone()));
            }
            Self::SignOutEverybody => supervisor.spawn(name, epoch::run),
            Self::Limiter => supervisor.spawn_until_shutdown(name, count_attempts),
            Self::RefusedSignIns => supervisor.spawn_until_shutdown(name, write_refused_sign_ins),
            Self::Sealer => supervisor.spawn(name, sealer::run),
            Self::Verifier => supervisor.spawn(name, verifier::run),
            Self::Listen => supervisor.spawn(name, listen),
            Self::Relay => supervisor.spawn_until_shutdown(name, relay),
        }
        Ok(())
    }
}

async fn run_background_jobs(services: Arc<Services>) {
    services.background_jobs.run(&services.running, &services.metrics).await;
}

async fn count_attempts(services: Arc<Services>) {
    limiter::run(&services.limiter, &services.db, &services.clock, &services.hasher).await;
}

async fn write_refused_sign_ins(services: Arc<Services>) {
    record::run(&services.refused_sign_ins, &services.db, &services.recorder, &services.hasher).await;
}

async fn listen(services: Arc<Services>) {
    let Db::Postgres(pool) = &services.db else { return };
    services.running.run_until_cancelled(services.hub.listen(pool)).await;
}

async fn relay(services: Arc<Services>) {
    let (Db::Postgres(pool), Some(outgoing)) = (&services.db, &services.outgoing) else { return };
    outgoing.lock().await.relay(pool).await;
}

/// Starts workers.
///
/// Errors: the mail settings are invalid.
pub fn start_workers(services: &Arc<Services>, workers: &[Worker]) -> anyhow::Result<Supervisor> {
    let mut supervisor = Supervisor::new(services.clone());
    for worker in workers {
        worker.start(services, &mut supervisor)?;
    }
    Ok(supervisor)
}

/// The listeners of a server.
pub struct Listeners {
    /// For the site.
    pub site: TcpListener,
    /// For metrics, if they are served.
    pub metrics: Option<TcpListener>,
}

/// Serves the site, with these workers, until its services are stopping, and returns within five seconds of that.
///
/// Errors: the mail settings are invalid, or a listener fails.
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
    let workers_until = Instant::now() + WORKER_GRACE_PERIOD;
    let jobs_until = workers_until + JOB_GRACE_PERIOD;
    supervisor.stop(workers_until).await;
    services.background_jobs.finish(&services.metrics, jobs_until).await;
    supervisor.shutdown().await;
    if timeout_at(jobs_until + WRITE_GRACE_PERIOD, write_remaining(services)).await.is_err() {
        tracing::warn!("the last uses of sessions and API tokens could not be written in time");
    }
    if timeout(CLOSE_GRACE_PERIOD, services.db.close()).await.is_err() {
        tracing::warn!("the database did not close its connections in time");
    }
}

/// Writes what is held in memory: uses come last, since requests and jobs use sessions until here.
async fn write_remaining(services: &Services) {
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
