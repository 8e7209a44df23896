//! Group commit: concurrent writes of many requests are committed in one transaction, and each request is answered after it. A
//! flood costs the database a few commits a second instead of one per request (LIM-4).

use std::time::Duration;

use tokio::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
        oneshot,
    },
    time::{Instant, sleep_until},
};

use crate::error::AppError;

/// Items that may wait for their commit. An item that finds the queue full is refused at once.
const QUEUE_CAPACITY: usize = 1024;
/// Items in one transaction. Each limit of an attempt binds three values, and SQLite allows 32,766 in one statement.
const MAX_GROUP_SIZE: usize = 256;
/// Minimum time between the starts of two groups while load is shed.
const MIN_INTERVAL_UNDER_LOAD: Duration = Duration::from_millis(25);

/// A bounded queue of items that are committed in groups. Each item is answered with an `A`.
pub struct GroupCommit<T, A> {
    queue: Sender<Waiting<T, A>>,
    queued: Mutex<Receiver<Waiting<T, A>>>,
}

struct Waiting<T, A> {
    item: T,
    answer: oneshot::Sender<Result<A, AppError>>,
}

impl<T, A> Default for GroupCommit<T, A> {
    fn default() -> Self {
        let (queue, queued) = channel(QUEUE_CAPACITY);
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl<T, A> GroupCommit<T, A> {
    /// Submits one item. It is committed when this returns `Ok`.
    ///
    /// Errors: the item's own error, if the worker refuses only this item; [`AppError::Busy`] if the queue is full;
    /// [`AppError::Unavailable`] or [`AppError::Unconfirmed`] if the database fails.
    pub async fn submit(&self, item: T) -> Result<A, AppError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { item, answer }).map_err(|_| AppError::Busy)?;
        answered.await.map_err(|_| AppError::Unavailable)?
    }

    /// Commits submitted items with `commit`, which returns a result for each item of a group, in the same order. Items that arrive
    /// during a commit form the next group. While load is shed, groups start less often, so that the commits of a flood do not delay
    /// other transactions. Never returns: requests in flight during shutdown still need it.
    pub async fn run<F>(&self, is_overloaded: impl Fn() -> bool, commit: impl Fn(Vec<T>) -> F)
    where
        F: Future<Output = Result<Vec<Result<A, AppError>>, AppError>>,
    {
        let mut queued = self.queued.lock().await;
        let mut group = Vec::with_capacity(MAX_GROUP_SIZE);
        while queued.recv_many(&mut group, MAX_GROUP_SIZE).await > 0 {
            let next = Instant::now() + MIN_INTERVAL_UNDER_LOAD;
            // Skips the items of clients that have disconnected.
            let (items, answers): (Vec<T>, Vec<_>) =
                group.drain(..).filter(|waiting| !waiting.answer.is_closed()).map(|waiting| (waiting.item, waiting.answer)).unzip();
            if items.is_empty() {
                continue;
            }
            match commit(items).await {
                Ok(results) => {
                    // If every item was refused, nothing was written.
                    let has_written = results.iter().any(Result::is_ok);
                    for (answer, result) in answers.into_iter().zip(results) {
                        let _ = answer.send(result); // the client may have disconnected
                    }
                    if has_written && is_overloaded() {
                        sleep_until(next).await;
                    }
                }
                Err(error) => {
                    for answer in answers {
                        let _ = answer.send(Err(error.clone()));
                    }
                    // Otherwise items queued in the meantime would wait for the same failing database.
                    while let Ok(waiting) = queued.try_recv() {
                        let _ = waiting.answer.send(Err(AppError::Unavailable));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::future::{join_all, select};

    use super::*;

    /// Simulated duration of a commit.
    const COMMIT: Duration = Duration::from_millis(10);

    /// Runs `test` alongside a worker, and also returns the committed groups. Odd items are refused, and 13 fails its group.
    async fn with_worker<T>(is_overloaded: bool, test: impl AsyncFnOnce(&GroupCommit<u32, u32>) -> T) -> (T, Vec<Vec<u32>>) {
        let (queue, groups) = (GroupCommit::default(), RefCell::new(Vec::new()));
        let commit = async |items: Vec<u32>| {
            groups.borrow_mut().push(items.clone());
            tokio::time::sleep(COMMIT).await;
            if items.contains(&13) {
                return Err(AppError::Unconfirmed);
            }
            Ok(items.into_iter().map(|item| if item % 2 == 0 { Ok(item * 10) } else { Err(AppError::NotFound) }).collect())
        };
        let result = {
            let (worker, test) = (std::pin::pin!(queue.run(|| is_overloaded, commit)), std::pin::pin!(test(&queue)));
            match select(worker, test).await {
                futures::future::Either::Left(_) => unreachable!("the worker never returns"),
                futures::future::Either::Right((result, _)) => result,
            }
        };
        (result, groups.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_arrive_together_form_one_group_and_each_gets_its_own_answer() {
        let (answers, groups) = with_worker(false, async |queue| join_all((0..4).map(|item| queue.submit(item))).await).await;
        assert_eq!(answers, [Ok(0), Err(AppError::NotFound), Ok(20), Err(AppError::NotFound)]);
        assert_eq!(groups, [vec![0, 1, 2, 3]]);
    }

    /// LIM-4: while load is shed, groups keep a minimum interval, unless the previous group wrote nothing.
    #[tokio::test(start_paused = true)]
    async fn groups_keep_an_interval_only_while_load_is_shed() {
        let time = async |is_overloaded, item| {
            let (time, _) = with_worker(is_overloaded, async |queue| {
                let started = Instant::now();
                for _ in 0..3 {
                    let _ = queue.submit(item).await;
                }
                started.elapsed()
            })
            .await;
            time
        };
        assert_eq!(time(false, 2).await, COMMIT * 3);
        assert_eq!(time(true, 2).await, MIN_INTERVAL_UNDER_LOAD * 2 + COMMIT);
        assert_eq!(time(true, 1).await, COMMIT * 3);
    }

    /// LOG-6: after a failed commit, its whole group and the items queued behind it get an error.
    #[tokio::test(start_paused = true)]
    async fn a_failed_commit_answers_all_waiting_items() {
        let (answers, groups) = with_worker(false, async |queue| {
            let late = async {
                tokio::time::sleep(COMMIT / 2).await;
                queue.submit(2).await
            };
            tokio::join!(queue.submit(13), queue.submit(4), late)
        })
        .await;
        assert_eq!(answers, (Err(AppError::Unconfirmed), Err(AppError::Unconfirmed), Err(AppError::Unavailable)));
        assert_eq!(groups, [vec![13, 4]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_items_and_abandoned_items_are_skipped() {
        let queue = GroupCommit::<u32, u32>::default();
        let mut waiting: Vec<_> = (0..QUEUE_CAPACITY).map(|_| Box::pin(queue.submit(2))).collect();
        for submit in &mut waiting {
            assert!(futures::poll!(submit).is_pending());
        }
        assert_eq!(queue.submit(2).await, Err(AppError::Busy));
        drop(waiting);
        let groups = RefCell::new(Vec::new());
        let commit = async |items: Vec<u32>| {
            groups.borrow_mut().push(items.clone());
            Ok(items.into_iter().map(Ok).collect())
        };
        // Refused until the worker has taken the abandoned items.
        let submit = async {
            loop {
                match queue.submit(4).await {
                    Err(AppError::Busy) => tokio::task::yield_now().await,
                    answer => return answer,
                }
            }
        };
        tokio::select! {
            () = queue.run(|| false, commit) => unreachable!("the worker never returns"),
            answer = submit => assert_eq!(answer, Ok(4)),
        }
        assert_eq!(groups.into_inner(), [vec![4]]);
    }
}
