//! SQL of rate limits.

use std::collections::BTreeSet;

use crate::{
    execute,
    foundation::{
        db::{Connection as _, On, Tx},
        limiter::rules::State,
    },
    locking,
};

/// The statement, on either database.
macro_rules! upserting {
    ($database:ty, $states:expr, $then:expr) => {{
        let mut upsert = sqlx::QueryBuilder::<$database>::new("INSERT INTO rate_limits (subject, failures, at_ms) ");
        upsert.push_values($states, |mut values, (subject, state)| {
            values.push_bind(subject).push_bind(state.failures).push_bind(state.at_ms);
        });
        upsert.push($then);
        upsert
    }};
}

/// Locks these limits until the transaction ends, and reads them. Those that are not there are inserted first, so that two
/// nodes never both find one missing. Sorted by subject: whoever locks several does so in this order, and nobody deadlocks.
pub async fn lock(tx: &mut Tx, subjects: &BTreeSet<&str>) -> sqlx::Result<Vec<(String, State)>> {
    let states = subjects.iter().map(|subject| (*subject, State::default()));
    let then = " ON CONFLICT (subject) DO UPDATE SET failures = rate_limits.failures RETURNING subject, failures, at_ms";
    let rows: Vec<(String, i64, i64)> = match tx.on() {
        On::Sqlite(connection) => upserting!(sqlx::Sqlite, states, then).build_query_as().fetch_all(connection).await?,
        On::Postgres(connection) => upserting!(sqlx::Postgres, states, then).build_query_as().fetch_all(connection).await?,
    };
    Ok(rows.into_iter().map(|(subject, failures, at_ms)| (subject, State { failures, at_ms })).collect())
}

/// Writes states of limits that this transaction locked.
pub async fn save(tx: &mut Tx, states: impl IntoIterator<Item = (&String, &State)>) -> sqlx::Result<()> {
    let then = " ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, at_ms = excluded.at_ms";
    match tx.on() {
        On::Sqlite(connection) => upserting!(sqlx::Sqlite, states, then).build().execute(connection).await.map(drop),
        On::Postgres(connection) => upserting!(sqlx::Postgres, states, then).build().execute(connection).await.map(drop),
    }
}

/// Forgets the failures of a backoff.
pub async fn forget_failures(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE rate_limits SET failures = 0 WHERE subject = $1", subject)?;
    Ok(())
}

/// Returns one token to a bucket, which takes `refill_ms` to return by itself.
pub async fn refund(tx: &mut Tx, subject: &str, refill_ms: i64) -> sqlx::Result<()> {
    execute!(tx, "UPDATE rate_limits SET at_ms = at_ms - $2 WHERE subject = $1", subject, refill_ms)?;
    Ok(())
}

/// Forgets up to `batch` limits that nothing has happened to since `before_ms`. Returns how many. It gives way to whoever
/// counts an attempt (RACE-2).
pub async fn forget_old(tx: &mut Tx, before_ms: i64, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM rate_limits WHERE subject IN (SELECT subject FROM rate_limits WHERE at_ms < $1 ORDER BY at_ms LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, before_ms, batch)
}
