//! Transactions on PostgreSQL by which a test holds locks until other transactions wait for them.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::TestApp;

/// Longer than any successful wait takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Begins a transaction and runs this statement in it. Its locks are held until [`release`].
pub async fn hold(app: &TestApp, statement: &'static str) -> PgConnection {
    let mut holder = PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
    sqlx::query(statement).execute(&mut holder).await.unwrap();
    holder
}

/// Commits the transaction that [`hold`] began.
pub async fn release(mut holder: PgConnection) {
    sqlx::query("COMMIT").execute(&mut holder).await.unwrap();
}

/// Returns once this many connections to the app's database wait for a lock.
pub async fn wait_until_blocked(app: &TestApp, waiters: i64) {
    wait_until_blocked_or(app, waiters, || false).await;
}

/// Like [`wait_until_blocked`], but also returns once `is_over` returns true.
pub async fn wait_until_blocked_or(app: &TestApp, waiters: i64, is_over: impl Fn() -> bool) {
    // A separate connection: within a transaction, `pg_stat_activity` stays as it was when first read.
    let mut watcher = PgConnection::connect(&app.database_url).await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async {
        while !is_over() && sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut watcher).await.unwrap() < waiters {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT_TIMEOUT, waiting).await.expect("sessions that wait for a lock");
}
