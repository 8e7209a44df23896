//! PostgreSQL with a deadline for every statement. A server that is frozen, or unreachable without an error, keeps its connections
//! open and answers nothing: only a deadline on the client side ends the wait. A connection that missed one is closed, never reused.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{self, BoxFuture},
    stream::{self, BoxStream},
};
use prometheus_client::metrics::counter::Counter;
use sqlx::{
    Connection as _, Describe, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    pool::{PoolConnection, PoolConnectionMetadata},
    postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::{Instant, timeout, timeout_at};

/// Timeout for the first connection, since the server may be starting as well.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A failing server rarely closes all its connections at the same instant: those used shortly after a failure are suspect as well.
const SETTLING_TIME: Duration = Duration::from_secs(1);

/// A pool of connections whose statements have deadlines. Cheap to clone.
#[derive(Clone)]
pub struct PostgresPool {
    pool: PgPool,
    timeout: Duration,
    failures: Arc<Failures>,
}

/// The time of the server's last failure, and the number of missed deadlines.
#[derive(Default)]
struct Failures {
    last: Mutex<Option<Instant>>,
    missed_deadlines: Counter,
}

impl Failures {
    /// Returns whether a connection may have been lost in the last failure, because it has been idle since then.
    fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_since = Instant::now().checked_sub(idle_for);
        self.last().is_some_and(|last| idle_since.is_none_or(|since| since < last + SETTLING_TIME))
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().expect("no code panics while it holds the time")
    }
}

impl PostgresPool {
    /// Creates a pool of up to `max_connections` connections. Each of their statements is answered within `timeout`, or fails.
    pub async fn connect(options: PgConnectOptions, max_connections: u32, timeout: Duration) -> sqlx::Result<Self> {
        let failures = Arc::<Failures>::default();
        let known = failures.clone();
        let options = with_server_timeouts(options, timeout);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            // Each caller has its own deadline, which is never later.
            .acquire_timeout(timeout.max(CONNECT_TIMEOUT))
            // A ping per request would be a second round trip. Connections are tested only after a failure of the server.
            .test_before_acquire(false)
            .before_acquire(move |connection, metadata| test_if_suspect(connection, metadata, &known, timeout / 4));
        Ok(Self { pool: pool.connect_with(options).await?, timeout, failures })
    }

    /// Returns the underlying pool, whose statements have no deadline. For migrations.
    pub fn without_deadlines(&self) -> &PgPool {
        &self.pool
    }

    /// Returns the counter of statements that were not answered in time.
    pub fn missed_deadlines(&self) -> &Counter {
        &self.failures.missed_deadlines
    }

    /// Acquires a connection for reading, outside any transaction. The wait counts towards the deadline of its first statement.
    pub async fn acquire(&self) -> sqlx::Result<PostgresConnection> {
        self.acquire_by(Instant::now() + self.timeout).await
    }

    async fn acquire_by(&self, deadline: Instant) -> sqlx::Result<PostgresConnection> {
        let connection = match timeout_at(deadline, self.pool.acquire()).await {
            Ok(acquired) => acquired?,
            Err(_) => {
                self.failures.missed_deadlines.inc();
                return Err(deadline_missed());
            }
        };
        Ok(PostgresConnection {
            connection: Some(connection),
            pool: self.clone(),
            transaction: Transaction::None,
            deadline,
            is_deadline_for_next: true,
            is_broken: false,
            has_recovered: false,
        })
    }

    /// Begins a transaction. A connection that turns out to be lost at this point is replaced once, since nothing has happened yet.
    pub async fn begin(&self) -> sqlx::Result<PostgresConnection> {
        let mut connection = self.acquire().await?;
        loop {
            // Set first: if this future is dropped while it waits, the transaction is still rolled back.
            connection.transaction = Transaction::Beginning;
            match connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED").await {
                Ok(_) => {
                    connection.transaction = Transaction::Open;
                    return Ok(connection);
                }
                Err(error) if connection.recover(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns an error unless the server answers.
    pub async fn ping(&self) -> sqlx::Result<()> {
        let mut connection = self.acquire().await?;
        loop {
            match connection.execute("SELECT 1").await {
                Ok(_) => return Ok(()),
                Err(error) if connection.recover(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends these payloads, in order, to all listeners of a channel.
    pub async fn notify(&self, channel: &str, payloads: &[String]) -> sqlx::Result<()> {
        let mut connection = self.acquire().await?;
        loop {
            let notify = sqlx::query("SELECT pg_notify($1, payload) FROM UNNEST($2::TEXT[]) AS payload");
            match notify.bind(channel).bind(payloads).execute(&mut connection).await {
                Ok(_) => return Ok(()),
                Err(error) if connection.recover(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Listens on a channel, over a connection outside the pool. Only [`PostgresPool::check`] detects a frozen server.
    pub async fn listen(&self, channel: &str) -> sqlx::Result<PgListener> {
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*self.pool.connect_options()).clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&own).await?;
            // The caller reconnects, because it has to know that notifications in between are lost.
            listener.eager_reconnect(false);
            listener.listen(channel).await?;
            Ok(listener)
        };
        timeout(self.timeout, listening).await.unwrap_or_else(|_| Err(deadline_missed()))
    }

    /// Returns an error unless the listener's server answers in time. Notifications that arrive in the meantime are kept.
    pub async fn check(&self, listener: &mut PgListener) -> sqlx::Result<()> {
        timeout(self.timeout, listener.execute("SELECT 1")).await.unwrap_or_else(|_| Err(deadline_missed())).map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Sets timeouts in the server, which end statements that no client waits for any more. Our deadline closes the socket, but a backend
/// that waits for a lock does not notice that, and would keep its connection and its own locks while it waits. Not `statement_timeout`:
/// it would end a COMMIT's wait for a synchronous standby, and report success (OPS-1).
fn with_server_timeouts(options: PgConnectOptions, timeout: Duration) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    options.options([
        // Slightly before our deadline: the statement fails, and its connection stays usable.
        ("lock_timeout", milliseconds(timeout * 9 / 10).as_str()),
        // Releases the locks of a node that disappeared during a transaction.
        ("idle_in_transaction_session_timeout", milliseconds(timeout * 5).as_str()),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

/// Tests a connection that was idle when the server failed. Without this, a retry might get another lost connection.
fn test_if_suspect<'c>(
    connection: &'c mut PgConnection,
    metadata: PoolConnectionMetadata,
    failures: &Failures,
    ping_timeout: Duration,
) -> BoxFuture<'c, sqlx::Result<bool>> {
    if !failures.is_suspect(metadata.idle_for) {
        return future::ready(Ok(true)).boxed();
    }
    timeout(ping_timeout, connection.ping()).map(|ping| Ok(matches!(ping, Ok(Ok(()))))).boxed()
}

/// A connection whose statements each have a deadline. When it is dropped, an open transaction is rolled back. A connection on which
/// the server has failed is closed instead of returned to the pool.
pub struct PostgresConnection {
    /// `None` only during drop.
    connection: Option<PoolConnection<Postgres>>,
    pool: PostgresPool,
    transaction: Transaction,
    /// Deadline of the current or last statement.
    deadline: Instant,
    /// Whether the next statement still has this deadline: acquiring the connection counts towards the first statement.
    is_deadline_for_next: bool,
    is_broken: bool,
    has_recovered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// `BEGIN` was sent, and is not answered yet.
    Beginning,
    Open,
}

/// The connection that a statement runs on, and where its failure is recorded.
struct Statement<'c> {
    connection: &'c mut PgConnection,
    failures: &'c Failures,
    is_broken: &'c mut bool,
    deadline: Instant,
}

impl PostgresConnection {
    /// Commits durably.
    ///
    /// Errors: [`is_unconfirmed`] is true for an unanswered commit, which may or may not have happened. With any other error it has not
    /// happened.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        if self.is_broken {
            return Err(broken()); // `COMMIT` is not sent, so nothing is committed
        }
        match self.execute("COMMIT").await {
            Ok(_) => {
                self.transaction = Transaction::None;
                Ok(())
            }
            Err(error) if self.is_broken => Err(unconfirmed(&error)),
            Err(error) => Err(error),
        }
    }

    /// Replaces the connection if this error of a statement says that it was lost. Returns whether the statement may be retried: once,
    /// outside transactions, within its deadline.
    pub async fn recover(&mut self, error: &sqlx::Error) -> bool {
        let is_in_time = Instant::now() < self.deadline;
        if self.transaction == Transaction::Open || self.has_recovered || !is_in_time || !is_connection_lost(error) {
            return false;
        }
        match self.pool.acquire_by(self.deadline).await {
            Ok(mut fresh) => {
                tracing::info!(%error, "a database connection was lost; the query is retried on another one");
                fresh.has_recovered = true;
                *self = fresh;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a database connection was lost, and no other one is available");
                false
            }
        }
    }

    /// Starts the deadline of a statement.
    ///
    /// Errors: the server has failed on this connection before.
    fn statement(&mut self) -> sqlx::Result<Statement<'_>> {
        if self.is_broken {
            return Err(broken());
        }
        if !std::mem::take(&mut self.is_deadline_for_next) {
            self.deadline = Instant::now() + self.pool.timeout;
        }
        let connection = self.connection.as_mut().ok_or_else(broken)?;
        Ok(Statement { connection, failures: &self.pool.failures, is_broken: &mut self.is_broken, deadline: self.deadline })
    }
}

/// Waits for an answer until the deadline. Marks the connection as broken if there is none, or if the connection was lost.
async fn await_answer<T>(
    answer: impl Future<Output = sqlx::Result<T>>,
    failures: &Failures,
    is_broken: &mut bool,
    deadline: Instant,
) -> sqlx::Result<T> {
    let answer = timeout_at(deadline, answer).await.unwrap_or_else(|_| {
        failures.missed_deadlines.inc();
        Err(deadline_missed())
    });
    if answer.as_ref().is_err_and(is_connection_lost) {
        *is_broken = true;
        *failures.last() = Some(Instant::now());
    }
    answer
}

impl<'c> Executor<'c> for &'c mut PostgresConnection {
    type Database = Postgres;

    /// All rows share one deadline.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Statement { connection, failures, is_broken, deadline } = match self.statement() {
            Ok(statement) => statement,
            Err(error) => return stream::once(future::ready(Err(error))).boxed(),
        };
        let rows = connection.fetch_many(query);
        let next = move |(mut rows, is_broken): (BoxStream<'e, _>, &'e mut bool)| async move {
            let row = await_answer(rows.try_next(), failures, is_broken, deadline).await.transpose()?;
            Some((row, (rows, is_broken)))
        };
        stream::unfold((rows, is_broken), next).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let Statement { connection, failures, is_broken, deadline } = self.statement()?;
            await_answer(connection.fetch_optional(query), failures, is_broken, deadline).await
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        async move {
            let Statement { connection, failures, is_broken, deadline } = self.statement()?;
            await_answer(connection.prepare_with(sql, parameters), failures, is_broken, deadline).await
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        async move {
            let Statement { connection, failures, is_broken, deadline } = self.statement()?;
            await_answer(connection.describe(sql), failures, is_broken, deadline).await
        }
        .boxed()
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection").field("transaction", &self.transaction).field("is_broken", &self.is_broken).finish()
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.is_broken => {
                let is_open = self.transaction != Transaction::None;
                drop(runtime.spawn(release(connection, is_open, Instant::now() + self.pool.timeout)));
            }
            // Closes the socket. The pool would ping the connection first, and a frozen server does not answer.
            Ok(_) | Err(_) => drop(connection.detach()),
        }
    }
}

/// Returns a connection to the pool, or closes it if the server does not answer by the deadline.
async fn release(mut connection: PoolConnection<Postgres>, is_open: bool, deadline: Instant) {
    if is_open {
        let rolled_back = timeout_at(deadline, connection.execute("ROLLBACK")).await;
        if !matches!(rolled_back, Ok(Ok(_))) {
            return drop(connection.detach());
        }
    }
    // sqlx pings the connection first. If that ping is interrupted, the connection is closed.
    if timeout_at(deadline, connection.return_to_pool()).await.is_err() {
        tracing::warn!("a database connection was closed because it did not answer in time");
    }
}

/// A commit that was not answered: it may or may not have happened.
#[derive(Debug, thiserror::Error)]
#[error("the commit was not answered: {0}")]
struct Unconfirmed(String);

fn unconfirmed(error: &sqlx::Error) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(Unconfirmed(error.to_string())))
}

/// Returns whether this is the error of a commit that may or may not have happened.
pub fn is_unconfirmed(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Unconfirmed>()))
}

fn deadline_missed() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time"))
}

fn broken() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::NotConnected, "the connection to the database was lost before"))
}

/// Returns whether the connection is unusable after this error: it broke, or the server ended it (SQLSTATE classes 08 and 57P).
fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_that_were_idle_at_a_failure_are_suspect() {
        let failures = Failures::default();
        assert!(!failures.is_suspect(Duration::from_secs(60)));
        *failures.last() = Some(Instant::now());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(failures.is_suspect(Duration::from_secs(60)) && failures.is_suspect(Duration::from_millis(9_500)));
        assert!(!failures.is_suspect(Duration::from_secs(8)));
    }

    #[test]
    fn an_unconfirmed_commit_is_distinguished_from_one_that_did_not_happen() {
        assert!(is_unconfirmed(&unconfirmed(&deadline_missed())));
        for error in [deadline_missed(), broken(), sqlx::Error::PoolTimedOut] {
            assert!(!is_unconfirmed(&error), "{error}");
        }
    }
}
