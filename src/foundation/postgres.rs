//! PostgreSQL with a deadline for every statement. A server that is frozen, or unreachable without an error, keeps its connections
//! open and answers nothing: only a deadline on this side ends the wait. A connection that missed one is closed and never reused.

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

/// How long the first connection may take: the server may be starting, too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that fails rarely closes all its connections in one instant: those used shortly after a failure are suspect as well.
const SETTLING_TIME: Duration = Duration::from_secs(1);

/// A pool of connections whose statements have deadlines. Cheap to clone.
#[derive(Clone)]
pub struct PostgresPool {
    pool: PgPool,
    timeout: Duration,
    failures: Arc<Failures>,
}

/// When the server last failed, and how often it missed a deadline.
#[derive(Default)]
struct Failures {
    last: Mutex<Option<Instant>>,
    missed_deadlines: Counter,
}

impl Failures {
    /// Returns whether a connection may have died with the last failure: it has not been used since.
    fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_since = Instant::now().checked_sub(idle_for);
        self.last().is_some_and(|last| idle_since.is_none_or(|since| since < last + SETTLING_TIME))
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().expect("no code panics while it holds the time")
    }
}

impl PostgresPool {
    /// Opens up to `max_connections` connections. Each statement is then answered within `timeout`, or fails.
    pub async fn connect(options: PgConnectOptions, max_connections: u32, timeout: Duration) -> sqlx::Result<Self> {
        let failures = Arc::<Failures>::default();
        let known = failures.clone();
        let options = with_limits_of_the_server(options, timeout);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            // Each caller has a deadline of its own, which is never later.
            .acquire_timeout(timeout.max(CONNECT_TIMEOUT))
            // A ping for each request would be a second round trip. Connections are tested only once the server has failed.
            .test_before_acquire(false)
            .before_acquire(move |connection, metadata| test_if_suspect(connection, metadata, &known, timeout / 4));
        Ok(Self { pool: pool.connect_with(options).await?, timeout, failures })
    }

    /// The pool beneath, without deadlines: for migrations.
    pub fn without_deadlines(&self) -> &PgPool {
        &self.pool
    }

    /// Counts statements that were not answered in time.
    pub fn missed_deadlines(&self) -> &Counter {
        &self.failures.missed_deadlines
    }

    /// Returns a connection for reading, outside any transaction. Waiting for it counts towards the deadline of its first statement.
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

    /// Begins a transaction. A connection that turns out dead at this point is replaced once: nothing has happened yet.
    pub async fn begin(&self) -> sqlx::Result<PostgresConnection> {
        let mut connection = self.acquire().await?;
        loop {
            // Set first: if this future is dropped half-way, the transaction is rolled back all the same.
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

    /// Returns whether the server answers.
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

    /// Notifies whoever listens on this channel of these payloads, in order.
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

    /// Listens on a channel, over a connection outside the pool. Only [`PostgresPool::check`] finds out that the server is frozen.
    pub async fn listen(&self, channel: &str) -> sqlx::Result<PgListener> {
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*self.pool.connect_options()).clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&own).await?;
            // The caller connects again, and has to know, since what was said meanwhile is lost.
            listener.eager_reconnect(false);
            listener.listen(channel).await?;
            Ok(listener)
        };
        timeout(self.timeout, listening).await.unwrap_or_else(|_| Err(deadline_missed()))
    }

    /// Returns an error unless the listener's server answers in time. Notifications that arrive meanwhile are kept.
    pub async fn check(&self, listener: &mut PgListener) -> sqlx::Result<()> {
        timeout(self.timeout, listener.execute("SELECT 1")).await.unwrap_or_else(|_| Err(deadline_missed())).map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Has the server itself give up what nobody waits for any more: our deadline closes a socket, which a backend that waits for a lock does
/// not notice, so it would keep its connection and its own locks for as long as it waits. Not `statement_timeout`: it would end a COMMIT's
/// wait for a synchronous standby, and report that all is well (OPS-1).
fn with_limits_of_the_server(options: PgConnectOptions, timeout: Duration) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    options.options([
        // A little earlier than our deadline: the statement fails, and its connection stays good.
        ("lock_timeout", milliseconds(timeout * 9 / 10).as_str()),
        // The locks of a node that is gone in the middle of a transaction.
        ("idle_in_transaction_session_timeout", milliseconds(timeout * 5).as_str()),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

/// Tests a connection that was idle when the server failed. Without this, whoever tries again might get another dead one.
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

/// A connection whose statements each have a deadline. When it is dropped, an open transaction is rolled back; a connection on which
/// the server has failed is closed rather than returned to the pool.
pub struct PostgresConnection {
    /// `None` only while it is being dropped.
    connection: Option<PoolConnection<Postgres>>,
    pool: PostgresPool,
    transaction: Transaction,
    /// Of the statement that runs, or ran last.
    deadline: Instant,
    /// Whether the next statement has this deadline still: acquiring counts towards the first.
    is_deadline_for_next: bool,
    is_broken: bool,
    has_recovered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// `BEGIN` was sent.
    Beginning,
    Open,
}

/// What a statement runs on: the connection, and where a failure is noted.
struct Statement<'c> {
    connection: &'c mut PgConnection,
    failures: &'c Failures,
    is_broken: &'c mut bool,
    deadline: Instant,
}

impl PostgresConnection {
    /// Makes the transaction durable before it returns.
    ///
    /// Errors: [`is_unconfirmed`] tells an unanswered commit, which may or may not have happened, from one that has not happened.
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

    /// Replaces the connection if it was lost, as this error of a statement says. Returns whether the statement may be tried again:
    /// once, outside transactions, within its deadline.
    pub async fn recover(&mut self, error: &sqlx::Error) -> bool {
        let is_in_time = Instant::now() < self.deadline;
        if self.transaction == Transaction::Open || self.has_recovered || !is_in_time || !is_connection_lost(error) {
            return false;
        }
        match self.pool.acquire_by(self.deadline).await {
            Ok(mut fresh) => {
                tracing::info!(%error, "a connection to the database was lost; its query is tried again on another");
                fresh.has_recovered = true;
                *self = fresh;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the database was lost, and there is no other");
                false
            }
        }
    }

    /// Starts a statement's deadline.
    ///
    /// Errors: the server failed before on this connection.
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

/// Waits for an answer until the deadline, and notes that the connection is broken if there is none.
async fn watch<T>(
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

    /// All rows have one deadline.
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
            let row = watch(rows.try_next(), failures, is_broken, deadline).await.transpose()?;
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
            watch(connection.fetch_optional(query), failures, is_broken, deadline).await
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        async move {
            let Statement { connection, failures, is_broken, deadline } = self.statement()?;
            watch(connection.prepare_with(sql, parameters), failures, is_broken, deadline).await
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        async move {
            let Statement { connection, failures, is_broken, deadline } = self.statement()?;
            watch(connection.describe(sql), failures, is_broken, deadline).await
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
            // Closes the socket. Returned to the pool it would be pinged first, and a frozen server answers no ping.
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
    // sqlx pings the connection first. A ping that is cut short closes it.
    if timeout_at(deadline, connection.return_to_pool()).await.is_err() {
        tracing::warn!("a connection to the database was closed: it did not answer in time");
    }
}

/// A commit whose answer did not come: it may or may not have happened.
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

/// Returns whether the connection is of no use after this error: it broke, or the server ended it (SQLSTATE classes 08 and 57P).
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
    fn an_unconfirmed_commit_is_told_from_one_that_did_not_happen() {
        assert!(is_unconfirmed(&unconfirmed(&deadline_missed())));
        for error in [deadline_missed(), broken(), sqlx::Error::PoolTimedOut] {
            assert!(!is_unconfirmed(&error), "{error}");
        }
    }
}
