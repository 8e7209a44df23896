//! Background jobs, which run after the response: response times do not reveal whether an account exists (ENU-1).

use std::{panic::AssertUnwindSafe, pin::Pin};

use futures::FutureExt;
use tokio::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::AppError,
    foundation::{metrics::Metrics, panics::panic_message},
};

/// Jobs that may wait. Further requests are refused with 503, whichever account they name (ENU-1).
const QUEUE_CAPACITY: usize = 256;

type Job = Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;

/// A bounded queue of jobs, which run one after another.
pub struct BackgroundJobs {
    queue: Sender<Job>,
    queued: Mutex<Receiver<Job>>,
}

impl Default for BackgroundJobs {
    fn default() -> Self {
        let (queue, queued) = channel(QUEUE_CAPACITY);
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl BackgroundJobs {
    /// Enqueues a job.
    ///
    /// Errors: [`AppError::Busy`] if the queue is full.
    pub fn enqueue(&self, job: impl Future<Output = Result<(), AppError>> + Send + 'static) -> Result<(), AppError> {
        self.queue.try_send(Box::pin(job)).map_err(|_| AppError::Busy)
    }

    /// Runs jobs until `running` is cancelled. [`BackgroundJobs::finish`] then runs those that still wait.
    pub async fn run(&self, running: &CancellationToken, metrics: &Metrics) {
        let mut queued = self.queued.lock().await;
        while let Some(Some(job)) = running.run_until_cancelled(queued.recv()).await {
            run_job(job, metrics).await;
        }
    }

    /// Runs the jobs that still wait. Called after the last response, and after [`BackgroundJobs::run`] has returned. Jobs that are not
    /// done by the deadline are dropped, which is logged.
    pub async fn finish(&self, metrics: &Metrics, deadline: Instant) {
        let mut queued = self.queued.lock().await;
        queued.close();
        let all = async {
            while let Some(job) = queued.recv().await {
                run_job(job, metrics).await;
            }
        };
        if timeout_at(deadline, all).await.is_err() {
            // Includes the job that was running.
            tracing::error!(jobs = queued.len() + 1, "the server stopped before all background jobs were done");
        }
    }
}

/// Runs one job. A panic is logged and counted, and does not affect the jobs after it.
async fn run_job(job: Job, metrics: &Metrics) {
    // Errors were logged where they happened, and no client waits for the result.
    if let Err(panic) = AssertUnwindSafe(job).catch_unwind().await {
        tracing::error!(reason = panic_message(&*panic), "a background job panicked");
        metrics.count_job_panic();
    }
}
