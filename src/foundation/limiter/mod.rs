//! Counts attempts against rate limits, in the database, so that neither a restart nor another node resets them (LIM-6).
//! `rate_limit` defines the limits.

pub mod rules;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::{
    error::AppError,
    foundation::{
        clock::Clock,
        crypto::hasher::Hasher,
        db::{Db, Tx},
        group_commit::GroupCommit,
        limiter::rules::{Rule, State},
    },
};

/// Limits that were unused for this long are removed. They are then in their initial state: failures have decayed or expired, and
/// buckets are full.
const RETENTION: Duration = Duration::hours(24);

/// One limit that an attempt is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Identifies the limit, in the database.
    pub subject: String,
    /// How the limit counts and refuses.
    pub rule: Rule,
}

/// Counts attempts: each against all of its limits, or against none if one of them refuses it. Returns the number of failures in the
/// tally, including this attempt, or 0 if none of the limits is a tally.
///
/// Errors: those of [`GroupCommit::submit`], and [`AppError::TooManyAttempts`] if a limit refuses the attempt.
pub type Limiter = GroupCommit<Vec<Charge>, i64>;

/// Runs the worker that counts submitted attempts. Never returns.
pub async fn run(limiter: &Limiter, db: &Db, clock: &Clock, hasher: &Hasher) {
    let commit = async |attempts: Vec<Vec<Charge>>| {
        let mut tx = db.write().await?;
        let results = count(&mut tx, clock.now(), &attempts).await?;
        if results.iter().any(Result::is_ok) {
            // If all attempts were refused, there is nothing to commit. An unconfirmed commit is reported as `Unavailable`, because only
            // the count may have been written, not what the client asked for.
            tx.commit().await.map_err(AppError::from).map_err(|_| AppError::Unavailable)?;
        }
        Ok(results)
    };
    limiter.run(|| hasher.is_overloaded(), commit).await;
}

/// Counts attempts in their order. Returns a result for each, as [`Limiter`] does. A refused attempt changes nothing, and the others
/// are counted regardless.
pub async fn count(tx: &mut Tx, now: DateTime<Utc>, attempts: &[Vec<Charge>]) -> sqlx::Result<Vec<Result<i64, AppError>>> {
    let now_ms = now.timestamp_millis();
    let subjects: BTreeSet<&str> = attempts.iter().flatten().map(|charge| charge.subject.as_str()).collect();
    let mut states: BTreeMap<_, _> = store::lock(tx, &subjects).await?.into_iter().collect();
    let results: Vec<_> = attempts.iter().map(|charges| evaluate(&mut states, charges, now_ms)).collect();
    store::save(tx, &states).await?;
    Ok(results)
}

/// Refunds an attempt that succeeded: resets the failures of its backoffs and tallies, and returns the tokens to its buckets.
///
/// Call it once per transaction, as the last statement: it locks the rows in their order, and other attempts wait for them.
pub async fn refund(tx: &mut Tx, mut charges: Vec<Charge>) -> sqlx::Result<()> {
    charges.sort_by(|one, other| one.subject.cmp(&other.subject));
    for Charge { subject, rule } in charges {
        match rule {
            Rule::Backoff | Rule::Tally => store::reset_failures(tx, &subject).await?,
            Rule::Bucket(bucket) => store::refund(tx, &subject, bucket.refill.num_milliseconds()).await?,
        }
    }
    Ok(())
}

/// Removes up to `batch` limits that have returned to their initial state. Returns the number of removed limits.
pub async fn remove_stale(tx: &mut Tx, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    store::remove_stale(tx, (now - RETENTION).timestamp_millis(), batch).await
}

/// Counts one attempt against all of its limits, or against none. Returns the failures of its tally, as [`Limiter`] does.
fn evaluate(states: &mut BTreeMap<String, State>, charges: &[Charge], now_ms: i64) -> Result<i64, AppError> {
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
        let tally = Charge { subject: "told".to_owned(), rule: Rule::Tally };
        let at_office = |number| vec![name(number), Charge { subject: "office".to_owned(), rule: Rule::Bucket(office) }, tally.clone()];
        let mut states = BTreeMap::new();
        let results: Vec<_> = (0..52).map(|number| evaluate(&mut states, &at_office(number), now_ms)).collect();
        assert!(results[..50].iter().zip(1..).all(|(result, failures)| *result == Ok(failures)));
        assert_eq!(results[50..], vec![Err(AppError::TooManyAttempts { seconds: 60 }); 2]);
        assert!(!states.contains_key("50"));
        assert_eq!(evaluate(&mut states, &[name(50)], now_ms), Ok(0), "only a tally tells how many there were");
        assert_eq!(evaluate(&mut states, &[tally], now_ms), Ok(51));
    }
}
