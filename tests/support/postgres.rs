//! Transactions of the test's own on PostgreSQL, which hold something open at a named point until somebody waits there.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::TestApp;

/// Longer than anything takes that does happen.
const LIMIT: Duration = Duration::from_secs(20);

/// A transaction in which this statement has run. What it locked stays locked until [`release`].
pub async fn hold(app: &TestApp, statement: &'static str) -> PgConnection {
    let mut holder = PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
    sqlx::query(statement).execute(&mut holder).await.unwrap();
    holder
}

/// Commits what [`hold`] began.
pub async fn release(mut holder: PgConnection) {
    sqlx::query("COMMIT").execute(&mut holder).await.unwrap();
}

/// Returns once this many sessions of the app's database wait for a lock.
pub async fn wait_for_waiters(app: &TestApp, waiters: i64) {
    wait_for_waiters_unless(app, waiters, || false).await;
}

/// The same, or once `is_over`.
pub async fn wait_for_waiters_unless(app: &TestApp, waiters: i64, is_over: impl Fn() -> bool) {
    // A connection of its own: within a transaction, pg_stat_activity stays as it was when first read.
    let mut watcher = PgConnection::connect(&app.database_url).await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async {
        while !is_over() && sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut watcher).await.unwrap() < waiters {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, waiting).await.expect("sessions that wait for a lock");
}
