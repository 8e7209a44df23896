//! Runs workers as long as the server runs: one that panics, or returns before the stop, is logged, counted and restarted.
//! [`run_every`] and [`run_until_done`] are the building blocks of periodic workers.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    task::{Id, JoinSet},
    time::{Instant, timeout_at},
};

use crate::{
    error::AppError,
    foundation::{panics::panic_message, services::Services},
};

/// Pause before a failed worker is restarted. Doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// After this time without a failure, the pause of a worker is reset.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The workers of a server. They are aborted when it is dropped.
pub struct Supervisor {
    services: Arc<Services>,
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    /// Workers that the last requests and background jobs need.
    until_shutdown: JoinSet<()>,
}

impl Supervisor {
    /// Creates a supervisor without workers.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services, tasks: JoinSet::new(), names: HashMap::new(), until_shutdown: JoinSet::new() }
    }

    /// Starts a worker, which must return once the server stops ([`Services::stopped`]). `name` appears in logs and metrics.
    pub fn spawn<W, F>(&mut self, name: &'static str, work: W)
    where
        W: Fn(Arc<Services>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let task = self.tasks.spawn(supervise(self.services.clone(), name, work));
        self.names.insert(task.id(), name);
    }

    /// Starts a worker that the last requests and jobs need: it runs until [`Supervisor::shutdown`].
    pub fn spawn_until_shutdown<W, F>(&mut self, name: &'static str, work: W)
    where
        W: Fn(Arc<Services>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.until_shutdown.spawn(supervise(self.services.clone(), name, work));
    }

    /// Waits for the workers that return once the server stops. Those that have not returned by the deadline are aborted, which is logged.
    pub async fn stop(&mut self, deadline: Instant) {
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                self.names.remove(&id);
            }
        };
        if timeout_at(deadline, all).await.is_err() {
            let workers: Vec<_> = self.names.drain().map(|(_, name)| name).collect();
            tracing::warn!(?workers, "some workers did not stop in time and were aborted");
            self.tasks.shutdown().await;
        }
    }

    /// Aborts all remaining workers.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
        self.until_shutdown.shutdown().await;
    }
}

async fn supervise<W, F>(services: Arc<Services>, name: &'static str, work: W)
where
    W: Fn(Arc<Services>) -> F + Sync,
    F: Future<Output = ()>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let ended = AssertUnwindSafe(async { work(services.clone()).await }).catch_unwind().await;
        if services.is_stopping() && ended.is_ok() {
            return;
        }
        let reason = ended.map_or_else(|panic| panic_message(&*panic), |()| "it returned".to_owned());
        tracing::error!(worker = name, reason, "a worker failed and is restarted");
        services.metrics.count_worker_failure(name);
        if started.elapsed() >= STABLE_AFTER {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
            () = services.stopped() => return,
        }
    }
}

/// Runs `work` immediately, then once per `period` of the services' clock until the server stops, and one last time then: data in memory
/// is then written, and [`run_until_done`] does nothing.
pub async fn run_every<W: Future<Output = ()>>(services: &Arc<Services>, period: chrono::Duration, work: impl Fn(Arc<Services>) -> W) {
    let mut is_stopping = false;
    loop {
        // Computed before the work: data that arrives while it runs waits no longer than one period.
        let next = services.clock.now() + period;
        work(services.clone()).await;
        if is_stopping {
            return;
        }
        tokio::select! {
            () = services.clock.sleep_until(next) => {}
            () = services.stopped() => is_stopping = true,
        }
    }
}

/// Runs `batch` repeatedly, until it returns false (nothing is left) or the server stops. Yields between two batches, so that others
/// get the thread, and the database's only writer.
///
/// Errors: that of the first batch that fails. No batch runs after it.
pub async fn run_until_done<B: Future<Output = Result<bool, AppError>>>(
    services: &Services,
    batch: impl Fn() -> B,
) -> Result<(), AppError> {
    while !services.is_stopping() && batch().await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}
