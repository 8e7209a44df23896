//! What is done after its answer: whoever asks for something in another's name learns nothing from how long it takes (ENU-1).

use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures::FutureExt;
use tokio::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Instant, timeout_at},
};

use crate::{
    error::AppError,
    foundation::{services::Services, supervisor::panic_message},
};

/// Who asks when this many wait already is told so, whoever is asked for.
const QUEUE: usize = 256;

type Work = Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;

/// A queue of work.
pub struct Later {
    queue: Sender<Work>,
    queued: Mutex<Receiver<Work>>,
}

impl Default for Later {
    fn default() -> Self {
        let (queue, queued) = channel(QUEUE);
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl Later {
    /// Has this done, in turn.
    pub fn push(&self, work: impl Future<Output = Result<(), AppError>> + Send + 'static) -> Result<(), AppError> {
        self.queue.try_send(Box::pin(work)).map_err(|_| AppError::Busy)
    }
}

/// Works until the server stops. [`finish`] then does what still waits.
pub async fn run(services: Arc<Services>) {
    let mut queued = services.later.queued.lock().await;
    loop {
        let work = tokio::select! {
            biased;
            () = services.stopped() => return,
            work = queued.recv() => work,
        };
        if let Some(work) = work {
            perform(&services, work).await;
        }
    }
}

/// Does what still waits, once the last request has been answered and [`run`] has returned. What is not done by the deadline is
/// dropped, which is logged.
pub async fn finish(services: &Services, deadline: Instant) {
    let mut queued = services.later.queued.lock().await;
    queued.close();
    let all = async {
        while let Some(work) = queued.recv().await {
            perform(services, work).await;
        }
    };
    if timeout_at(deadline, all).await.is_err() {
        // Plus the job that was running.
        tracing::error!(jobs = queued.len() + 1, "the server stopped before these background jobs were done");
    }
}

/// A panic takes down nothing that comes after it.
async fn perform(services: &Services, work: Work) {
    // Other failures were logged where they happened; nobody is there to be told.
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        tracing::error!(reason = panic_message(&*panic), "a background job panicked");
        services.metrics.job_panicked();
    }
}
