//! What is done after its answer: whoever asks for something in another's name learns nothing from how long it takes (ENU-1).

use std::{pin::Pin, sync::Arc};

use tokio::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

use crate::{error::AppError, foundation::services::Services};

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

/// Works until the server stops, and does then what still waits.
pub async fn run(services: Arc<Services>) {
    let mut queued = services.later.queued.lock().await;
    loop {
        let work = tokio::select! {
            biased;
            work = queued.recv() => work,
            () = services.stopped() => return,
        };
        // Failures were logged where they happened; nobody is there to be told.
        if let Some(work) = work {
            let _ = work.await;
        }
    }
}
