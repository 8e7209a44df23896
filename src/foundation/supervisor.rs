//! Runs workers for as long as the server runs: one that panics, or returns before the stop, is logged, counted and started again.
//! [`every`] and [`until_done`] are what periodic workers are made of.

use std::{any::Any, collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    task::{Id, JoinSet},
    time::{Instant, timeout_at},
};

use crate::{error::AppError, foundation::services::Services};

/// The pause before a worker starts again. It doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// A worker that ran for this long before it failed starts again after the first pause.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The workers of a server. Dropping it ends them.
pub struct Supervisor {
    services: Arc<Services>,
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    /// What the last requests and jobs need.
    lasting: JoinSet<()>,
}

impl Supervisor {
    /// Without any worker.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services, tasks: JoinSet::new(), names: HashMap::new(), lasting: JoinSet::new() }
    }

    /// Starts a worker, which returns once the server stops ([`Services::stopped`]). Its name is for logs and metrics.
    pub fn spawn<W, F>(&mut self, name: &'static str, work: W)
    where
        W: Fn(Arc<Services>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let task = self.tasks.spawn(supervise(self.services.clone(), name, work));
        self.names.insert(task.id(), name);
    }

    /// Starts a worker that the last requests and jobs need: it runs until [`Supervisor::end`].
    pub fn spawn_lasting<W, F>(&mut self, name: &'static str, work: W)
    where
        W: Fn(Arc<Services>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.lasting.spawn(supervise(self.services.clone(), name, work));
    }

    /// Waits for the workers that return once the server stops. Those that have not by the deadline are ended, which is logged.
    pub async fn stop(&mut self, deadline: Instant) {
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                self.names.remove(&id);
            }
        };
        if timeout_at(deadline, all).await.is_err() {
            let workers: Vec<_> = self.names.drain().map(|(_, name)| name).collect();
            tracing::warn!(?workers, "some workers did not stop in time, and were ended");
            self.tasks.shutdown().await;
        }
    }

    /// Ends all workers that are left.
    pub async fn end(mut self) {
        self.tasks.shutdown().await;
        self.lasting.shutdown().await;
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
        tracing::error!(worker = name, reason, "a worker failed; it is started again");
        services.metrics.worker_failed(name);
        if started.elapsed() >= STABLE_AFTER {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
            () = services.stopped() => return,
        }
    }
}

/// Does some work at once and every `period` of the services' clock until the server stops, and once more then: what is held in memory
/// is written, and [`until_done`] does nothing.
pub async fn every<W: Future<Output = ()>>(services: &Arc<Services>, period: chrono::Duration, work: impl Fn(Arc<Services>) -> W) {
    let mut is_stopping = false;
    loop {
        // Before the work: what comes while it is under way waits no longer than a period.
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

/// Runs one batch after another until one returns that nothing is left, or the server stops. Between two batches others get the
/// database's one writer, and the thread.
///
/// Errors: those of the batch that failed, which is the last.
pub async fn until_done<B: Future<Output = Result<bool, AppError>>>(services: &Services, batch: impl Fn() -> B) -> Result<(), AppError> {
    while !services.is_stopping() && batch().await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Returns what a panic says.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    message.unwrap_or_else(|| "a panic without words".to_owned())
}
