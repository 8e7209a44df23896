//! Counts attempts against rate limits, in the database: neither a restart nor another node helps an attacker (LIM-6).
//! `tries` defines the limits.

pub mod rules;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Duration, Utc};
use tokio::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
    oneshot,
};

use crate::{
    error::AppError,
    foundation::{
        db::Tx,
        limiter::rules::{Rule, State},
        services::Services,
    },
};

/// Attempts that may wait to be counted. Who finds the queue full is refused at once.
const QUEUE: usize = 1024;
/// Attempts that are counted in one transaction: three values for each limit, and SQLite takes 32,766.
const BATCH: usize = 256;
/// A limit that nothing happened to for this long is as good as new: its failures have decayed or are forgotten, and its bucket is
/// full.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);

/// What one attempt is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Names the limit.
    pub subject: String,
    /// How it limits.
    pub rule: Rule,
}

/// Counts attempts, those that arrive during one commit together in the next: a flood costs the single writer of SQLite a few
/// commits a second instead of one for each attempt (LIM-4).
pub struct Limiter {
    queue: Sender<Counting>,
    queued: Mutex<Receiver<Counting>>,
}

/// One attempt that waits to be counted.
struct Counting {
    charges: Vec<Charge>,
    answer: oneshot::Sender<Result<i64, AppError>>,
}

impl Default for Limiter {
    fn default() -> Self {
        let (queue, queued) = channel(QUEUE);
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl Limiter {
    /// Counts one attempt against all of these limits, or, if one of them refuses it, against none. Returns how many failures its
    /// tally holds, this one included, or 0 if none of the limits is a tally. The count is committed when this returns.
    ///
    /// Errors: [`AppError::TooManyAttempts`] if a limit refuses it, [`AppError::Busy`] if the queue is full,
    /// [`AppError::Unavailable`] if the database fails.
    pub async fn count(&self, charges: Vec<Charge>) -> Result<i64, AppError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Counting { charges, answer }).map_err(|_| AppError::Busy)?;
        answered.await.map_err(|_| AppError::Unavailable)?
    }
}

/// Counts attempts. Runs until the process ends: requests in flight during shutdown still need it.
pub async fn run(services: Arc<Services>) {
    let mut queued = services.limiter.queued.lock().await;
    let mut batch = Vec::with_capacity(BATCH);
    while queued.recv_many(&mut batch, BATCH).await > 0 {
        // A client that has gone attempts nothing any more.
        batch.retain(|counting| !counting.answer.is_closed());
        if answer(&services, std::mem::take(&mut batch)).await.is_err() {
            // Otherwise attempts queued meanwhile would wait for the same failing database.
            while let Ok(counting) = queued.try_recv() {
                let _ = counting.answer.send(Err(AppError::Unavailable));
            }
        }
    }
}

/// Counts a batch and answers each attempt. Errors: none of them could be counted.
async fn answer(services: &Services, batch: Vec<Counting>) -> Result<(), AppError> {
    let attempts: Vec<&[Charge]> = batch.iter().map(|counting| counting.charges.as_slice()).collect();
    let results = commit(services, &attempts).await;
    for (position, counting) in batch.into_iter().enumerate() {
        let result = match &results {
            Ok(results) => results[position].clone(),
            Err(error) => Err(error.clone()),
        };
        let _ = counting.answer.send(result); // the client may have gone meanwhile
    }
    results.map(drop)
}

async fn commit(services: &Services, attempts: &[&[Charge]]) -> Result<Vec<Result<i64, AppError>>, AppError> {
    if attempts.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = services.db.write().await?;
    let results = count(&mut tx, services.clock.now(), attempts).await?;
    if results.iter().any(Result::is_ok) {
        // Where all were refused there is nothing to keep. A count that is not confirmed was not what the client asked for.
        tx.commit().await.map_err(AppError::from).map_err(|_| AppError::Unavailable)?;
    }
    Ok(results)
}

/// Counts attempts in their order. A refused one changes nothing, and does not keep the others from being counted.
pub async fn count(tx: &mut Tx, now: DateTime<Utc>, attempts: &[&[Charge]]) -> sqlx::Result<Vec<Result<i64, AppError>>> {
    let now_ms = now.timestamp_millis();
    let subjects: BTreeSet<&str> = attempts.iter().flat_map(|charges| charges.iter()).map(|charge| charge.subject.as_str()).collect();
    let mut states: BTreeMap<_, _> = store::lock(tx, &subjects).await?.into_iter().collect();
    let results: Vec<_> = attempts.iter().map(|charges| judge(&mut states, charges, now_ms)).collect();
    store::save(tx, &states).await?;
    Ok(results)
}

/// Gives an attempt back that turned out right: failures of its backoffs and tallies are forgotten, and buckets have their token
/// again.
///
/// Call it once in a transaction, and last: it locks the rows in their order, and whoever attempts something waits for them.
pub async fn refund(tx: &mut Tx, mut charges: Vec<Charge>) -> sqlx::Result<()> {
    charges.sort_by(|one, other| one.subject.cmp(&other.subject));
    for Charge { subject, rule } in charges {
        match rule {
            Rule::Backoff | Rule::Tally => store::forget_failures(tx, &subject).await?,
            Rule::Bucket(bucket) => store::refund(tx, &subject, bucket.refill.num_milliseconds()).await?,
        }
    }
    Ok(())
}

/// Forgets up to `batch` limits that have not mattered for long. Returns how many.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    store::forget_old(tx, (now - FORGOTTEN_AFTER).timestamp_millis(), batch).await
}

/// Counts one attempt against all of its limits, or against none.
fn judge(states: &mut BTreeMap<String, State>, charges: &[Charge], now_ms: i64) -> Result<i64, AppError> {
    let attempts = charges.iter().map(|charge| {
        let state = states.get(&charge.subject).copied().unwrap_or_default();
        charge.rule.attempt(state, now_ms).map(|state| (charge, state))
    });
    let (counted, refused): (Vec<_>, Vec<_>) = attempts.partition(Result::is_ok);
    if let Some(wait_ms) = refused.into_iter().filter_map(Result::err).max() {
        return Err(AppError::TooManyAttempts { seconds: wait_ms.cast_unsigned().div_ceil(1000) });
    }
    let counted: Vec<_> = counted.into_iter().flatten().collect();
    let tallied = counted.iter().filter(|(charge, _)| charge.rule == Rule::Tally).map(|(_, state)| state.failures);
    let failures = tallied.max().unwrap_or_default();
    states.extend(counted.into_iter().map(|(charge, state)| (charge.subject.clone(), state)));
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::limiter::rules::Bucket;

    /// LIM-1: an attempt is counted against all of its limits or against none, in the order of the batch.
    #[test]
    fn a_refused_attempt_counts_nowhere() {
        let (now_ms, office) = (1_000_000_000_000, Bucket { burst: 50, refill: Duration::minutes(1) });
        let name = |number: i64| Charge { subject: number.to_string(), rule: Rule::Backoff };
        let told = Charge { subject: "told".to_owned(), rule: Rule::Tally };
        let at_office = |number| vec![name(number), Charge { subject: "office".to_owned(), rule: Rule::Bucket(office) }, told.clone()];
        let mut states = BTreeMap::new();
        let results: Vec<_> = (0..52).map(|number| judge(&mut states, &at_office(number), now_ms)).collect();
        assert!(results[..50].iter().zip(1..).all(|(result, failures)| *result == Ok(failures)));
        assert_eq!(results[50..], vec![Err(AppError::TooManyAttempts { seconds: 60 }); 2]);
        assert!(!states.contains_key("50"));
        assert_eq!(judge(&mut states, &[name(50)], now_ms), Ok(0), "only a tally tells how many there were");
        assert_eq!(judge(&mut states, &[told], now_ms), Ok(51));
    }
}
