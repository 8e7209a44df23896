//! SQL of rate limits.

use std::collections::BTreeSet;

use crate::{
    execute,
    foundation::{
        db::{Backend, Connection as _, Tx},
        limiter::rules::State,
    },
    locking,
};

/// Builds the upsert statement for one of the databases. `$then` is its ON CONFLICT clause.
macro_rules! upsert_query {
    ($database:ty, $states:expr, $then:expr) => {{
        let mut upsert = sqlx::QueryBuilder::<$database>::new("INSERT INTO rate_limits (subject, failures, at_ms) ");
        upsert.push_values($states, |mut values, (subject, state)| {
            values.push_bind(subject).push_bind(state.failures).push_bind(state.at_ms);
        });
        upsert.push($then);
        upsert
    }};
}

/// Locks these limits until the end of the transaction, and returns their states. Missing ones are inserted, so that two nodes cannot
/// both find one missing. All transactions lock in the order of subjects, which prevents deadlocks.
pub async fn lock(tx: &mut Tx, subjects: &BTreeSet<&str>) -> sqlx::Result<Vec<(String, State)>> {
    let states = subjects.iter().map(|subject| (*subject, State::default()));
    let then = " ON CONFLICT (subject) DO UPDATE SET failures = rate_limits.failures RETURNING subject, failures, at_ms";
    let rows: Vec<(String, i64, i64)> = match tx.backend() {
        Backend::Sqlite(connection) => upsert_query!(sqlx::Sqlite, states, then).build_query_as().fetch_all(connection).await?,
        Backend::Postgres(connection) => upsert_query!(sqlx::Postgres, states, then).build_query_as().fetch_all(connection).await?,
    };
    Ok(rows.into_iter().map(|(subject, failures, at_ms)| (subject, State { failures, at_ms })).collect())
}

/// Updates limits that this transaction has locked.
pub async fn save(tx: &mut Tx, states: impl IntoIterator<Item = (&String, &State)>) -> sqlx::Result<()> {
    let then = " ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, at_ms = excluded.at_ms";
    match tx.backend() {
        Backend::Sqlite(connection) => upsert_query!(sqlx::Sqlite, states, then).build().execute(connection).await.map(drop),
        Backend::Postgres(connection) => upsert_query!(sqlx::Postgres, states, then).build().execute(connection).await.map(drop),
    }
}

/// Resets the failures of a backoff or tally.
pub async fn reset_failures(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE rate_limits SET failures = 0 WHERE subject = $1", subject)?;
    Ok(())
}

/// Returns one token to a bucket. `refill_ms` is the time in which the bucket refills one token.
pub async fn refund(tx: &mut Tx, subject: &str, refill_ms: i64) -> sqlx::Result<()> {
    execute!(tx, "UPDATE rate_limits SET at_ms = at_ms - $2 WHERE subject = $1", subject, refill_ms)?;
    Ok(())
}

/// Removes up to `batch` limits whose `at_ms` is before `before_ms`. Returns the number of removed limits. Skips rows that are locked
/// by attempts (RACE-2).
pub async fn remove_stale(tx: &mut Tx, before_ms: i64, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM rate_limits WHERE subject IN (SELECT subject FROM rate_limits WHERE at_ms < $1 ORDER BY at_ms LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, before_ms, batch)
}
