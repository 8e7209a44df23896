//! SQLite and PostgreSQL behind one interface. SQL is written once and runs on both: `$1` placeholders, TEXT ids generated in Rust,
//! times bound from the clock, no `now()`.

use std::{str::FromStr, sync::Arc, time::Duration};

use anyhow::Context as _;
use prometheus_client::metrics::counter::Counter;
use serde::de::DeserializeOwned;
use sqlx::{
    Acquire, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::foundation::{
    point_reads::{MMAP_SIZE, PointReads, ReadRow},
    postgres::{PostgresConnection, PostgresPool},
};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");
/// Triggers, whose syntax differs between the two databases. They are idempotent, and run at every start.
const SQLITE_TRIGGERS: &str = include_str!("../../migrations/sqlite/append_only_audit_events.sql");
const POSTGRES_TRIGGERS: &str = include_str!("../../migrations/postgres/append_only_audit_events.sql");

const MAX_POSTGRES_CONNECTIONS: u32 = 16;
/// How long a statement waits while another program writes to the same SQLite file, or for a free connection to it. SQLite runs in
/// this process, so no other deadline is needed.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Deadline of each statement of a command, unless a setting overrides it. Longer than the server's, since no request waits for it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The database. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// One file, with one writer, as SQLite allows no more. Readers never wait for it (WAL).
    Sqlite {
        /// Read-only connections.
        read: SqlitePool,
        /// The only connection that writes.
        write: SqlitePool,
        /// Read-only connections for look-ups on the thread of the caller. `None` unless the database is plainly a file that this program
        /// serves.
        point_reads: Option<Arc<PointReads>>,
    },
    /// A server that several nodes may share.
    Postgres(PostgresPool),
}

/// A read connection outside any transaction. Each query is one round trip. On PostgreSQL, a query is retried once if its connection
/// was lost.
pub enum ReadConnection {
    /// On SQLite.
    Sqlite {
        /// A connection of the pool.
        connection: PoolConnection<Sqlite>,
        /// Those of [`Db::Sqlite`].
        point_reads: Option<Arc<PointReads>>,
    },
    /// On PostgreSQL.
    Postgres(PostgresConnection),
}

/// A write transaction. Rolled back if it is dropped without [`Tx::commit`].
pub struct Tx {
    writer: Writer,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
}

enum Writer {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(PostgresConnection),
}

/// The database-specific connection that a statement runs on: see [`fetch`](crate::fetch) and [`execute`](crate::execute).
pub enum Backend<'c> {
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'c mut PostgresConnection),
}

/// The argument of store functions: a [`ReadConnection`] or a [`Tx`].
pub trait Connection: Send {
    /// Returns the underlying connection.
    fn backend(&mut self) -> Backend<'_>;

    /// Replaces the connection if this error of a query says that it was lost. Returns whether the query may be retried, once: never
    /// in a transaction.
    fn recover(&mut self, error: &sqlx::Error) -> impl Future<Output = bool> + Send;

    /// Fetches all rows of a look-up of a few rows by [`PointReads::fetch_all`], on SQLite. `None` if they have to be fetched by
    /// [`fetch`](crate::fetch): on PostgreSQL, in a transaction, which must see its own writes, and rarely otherwise.
    fn point_read<T>(&self, _sql: &str, _binds: &[&str], _read: ReadRow<T>) -> sqlx::Result<Option<Vec<T>>> {
        Ok(None)
    }
}

impl Connection for ReadConnection {
    fn backend(&mut self) -> Backend<'_> {
        match self {
            Self::Sqlite { connection, .. } => Backend::Sqlite(connection),
            Self::Postgres(connection) => Backend::Postgres(connection),
        }
    }

    async fn recover(&mut self, error: &sqlx::Error) -> bool {
        match self {
            Self::Sqlite { .. } => false,
            Self::Postgres(connection) => connection.recover(error).await,
        }
    }

    fn point_read<T>(&self, sql: &str, binds: &[&str], read: ReadRow<T>) -> sqlx::Result<Option<Vec<T>>> {
        match self {
            Self::Sqlite { point_reads: Some(point_reads), .. } => point_reads.fetch_all(sql, binds, read),
            _ => Ok(None),
        }
    }
}

impl Connection for Tx {
    fn backend(&mut self) -> Backend<'_> {
        match &mut self.writer {
            Writer::Sqlite(tx) => Backend::Sqlite(tx),
            Writer::Postgres(tx) => Backend::Postgres(tx),
        }
    }

    async fn recover(&mut self, _: &sqlx::Error) -> bool {
        false
    }
}

impl Tx {
    /// Runs `work` after a successful commit; never if the transaction is dropped or the commit fails.
    pub fn after_commit(&mut self, work: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(work));
    }

    /// Commits durably.
    ///
    /// Errors: [`is_unconfirmed`](crate::foundation::postgres::is_unconfirmed) is true if the commit may or may not have happened,
    /// because the database did not answer. With any other error it has not happened.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.writer {
            Writer::Sqlite(tx) => tx.commit().await?,
            Writer::Postgres(tx) => tx.commit().await?,
        }
        for work in self.after_commit {
            work();
        }
        Ok(())
    }
}

/// `fetch!(db, fetch_optional as Row, "SELECT …", bind, bind)`: fetches the rows of one statement, on either database. Binds are only
/// borrowed, since the statement may be retried.
///
/// `replanned: true` before the statement makes PostgreSQL plan it for these very binds. Otherwise it may settle on one plan for all, which
/// expects every range to be short, and so reads and sorts the whole of a long one where an index has its first rows.
#[macro_export]
macro_rules! fetch {
    ($db:expr, $how:ident as $row:ty, replanned: $replanned:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &mut *$db {
            db => loop {
                let fetched = match $crate::foundation::db::Connection::backend(db) {
                    $crate::foundation::db::Backend::Sqlite(c) => {
                        sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind(&$bind))*.$how(c).await
                    }
                    $crate::foundation::db::Backend::Postgres(c) => {
                        sqlx::query_as::<sqlx::Postgres, $row>($sql).persistent(!$replanned)$(.bind(&$bind))*.$how(c).await
                    }
                };
                match fetched {
                    Err(error) if $crate::foundation::db::Connection::recover(db, &error).await => {}
                    fetched => break fetched,
                }
            },
        }
    };
    ($db:expr, $how:ident as $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::fetch!($db, $how as $row, replanned: false, $sql $(, $bind)*)
    };
}

/// `execute!(tx, "UPDATE …", bind, bind)`: executes one statement, on either database. Returns the number of rows that it changed.
#[macro_export]
macro_rules! execute {
    ($db:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $crate::foundation::db::Connection::backend($db) {
            $crate::foundation::db::Backend::Sqlite(c) => {
                sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
            $crate::foundation::db::Backend::Postgres(c) => {
                sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// `insert_rows!(tx, "INSERT INTO table (a, b) ", rows, |values, row| values.push_bind(row.a).push_bind(row.b))`: inserts rows with one
/// statement, on either database. Does nothing without rows. SQLite allows 32,766 binds in a statement, and PostgreSQL 65,535.
#[macro_export]
macro_rules! insert_rows {
    ($db:expr, $into:expr, $rows:expr, |$values:ident, $row:pat_param| $binds:expr) => {{
        let mut rows = IntoIterator::into_iter($rows).peekable();
        if rows.peek().is_none() {
            Ok(())
        } else {
            match $crate::foundation::db::Connection::backend($db) {
                $crate::foundation::db::Backend::Sqlite(c) => {
                    let mut insert = sqlx::QueryBuilder::<sqlx::Sqlite>::new($into);
                    insert.push_values(rows, |mut $values, $row| {
                        $binds;
                    });
                    insert.build().execute(c).await.map(drop)
                }
                $crate::foundation::db::Backend::Postgres(c) => {
                    let mut insert = sqlx::QueryBuilder::<sqlx::Postgres>::new($into);
                    insert.push_values(rows, |mut $values, $row| {
                        $binds;
                    });
                    insert.build().execute(c).await.map(drop)
                }
            }
        }
    }};
}

/// `locking!(tx, "SELECT … IN (SELECT …", "FOR UPDATE SKIP LOCKED", ")")`: returns a statement with the row lock on PostgreSQL, and
/// without it on SQLite, which has one writer.
#[macro_export]
macro_rules! locking {
    ($tx:expr, $before:expr, $lock:literal, $after:literal) => {
        match $crate::foundation::db::Connection::backend($tx) {
            $crate::foundation::db::Backend::Sqlite(_) => concat!($before, $after),
            $crate::foundation::db::Backend::Postgres(_) => concat!($before, " ", $lock, $after),
        }
    };
}

/// `one_of!(db, "SELECT … WHERE name IN ", "$2", " ORDER BY …")`: returns a statement in which the bind is a list of texts of any length,
/// written as a JSON array.
#[macro_export]
macro_rules! one_of {
    ($db:expr, $before:expr, $bind:literal, $after:literal) => {
        match $crate::foundation::db::Connection::backend($db) {
            $crate::foundation::db::Backend::Sqlite(_) => concat!($before, "(SELECT value FROM json_each(", $bind, "))", $after),
            $crate::foundation::db::Backend::Postgres(_) => {
                concat!($before, "(SELECT json_array_elements_text(", $bind, "::json))", $after)
            }
        }
    };
}

/// `fetch_long!(db, Row, "WITH … SELECT ", "a, b", " FROM …", bind, bind)`: fetches a long list. On SQLite its rows are read as JSON arrays
/// of these columns, which takes half the time, because the driver copies each column on its own. On PostgreSQL they are read as usual:
/// there JSON takes longer. The columns are the fields of `Row`, by name and in their order.
#[macro_export]
macro_rules! fetch_long {
    ($db:expr, $row:ty, $before:expr, $columns:expr, $after:expr $(, $bind:expr)* $(,)?) => {
        match $crate::foundation::db::Connection::backend($db) {
            $crate::foundation::db::Backend::Sqlite(_) => {
                let sql = concat!($before, "json_array(", $columns, ")", $after);
                $crate::fetch!($db, fetch_all as (String,), sql $(, $bind)*).and_then($crate::foundation::db::parse_json_rows::<$row>)
            }
            $crate::foundation::db::Backend::Postgres(_) => {
                $crate::fetch!($db, fetch_all as $row, concat!($before, $columns, $after) $(, $bind)*)
            }
        }
    };
}

/// Parses rows that are JSON arrays: see [`fetch_long`](crate::fetch_long).
///
/// Errors: [`sqlx::Error::Decode`].
pub fn parse_json_rows<T: DeserializeOwned>(rows: Vec<(String,)>) -> sqlx::Result<Vec<T>> {
    rows.iter().map(|(row,)| serde_json::from_str(row).map_err(|error| sqlx::Error::Decode(error.into()))).collect()
}

impl Db {
    /// Opens the database at `url` (`sqlite://…` or `postgres://…`) for a command. A missing SQLite file is created.
    ///
    /// Errors: the URL is invalid, or the database cannot be opened.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        Self::open_with_timeout(url, COMMAND_TIMEOUT).await
    }

    /// Same as [`Db::open`], with another deadline for each statement. On SQLite only its busy timeout applies.
    pub async fn open_with_timeout(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" => Self::open_sqlite(url).await,
            "postgres" | "postgresql" => Self::open_postgres(url, timeout).await,
            _ => anyhow::bail!("the database URL must start with sqlite:// or postgres://"),
        }
    }

    async fn open_sqlite(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .context("the database URL is invalid")?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Writes that were confirmed to a client survive a power failure (OPS-1).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            // The driver's thread hands over a long list without waiting for who reads it.
            .row_buffer_size(1_024)
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", MMAP_SIZE);
        let file = options.get_filename().to_owned();
        create_private_file(&file)?;
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(SQLITE_BUSY_TIMEOUT).test_before_acquire(false)
        };
        let write = pool(1).connect_with(options.clone()).await.context("the database could not be opened")?;
        let read = pool(4).connect_with(options.read_only(true)).await.context("the database could not be opened")?;
        // With parameters, or in memory, the path alone does not say what to open.
        let is_plain_file = !url.contains('?') && !url.contains(":memory:");
        Ok(Self::Sqlite { read, write, point_reads: is_plain_file.then(|| Arc::new(PointReads::new(file))) })
    }

    async fn open_postgres(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the database URL is invalid")?;
        let pool = PostgresPool::connect(options, MAX_POSTGRES_CONNECTIONS, timeout);
        Ok(Self::Postgres(pool.await.context("the database could not be reached")?))
    }

    /// Opens an existing database for read-only commands. It is neither created nor migrated, and refuses writes.
    ///
    /// Errors: the database does not exist, or does not answer.
    pub async fn open_read_only(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "sqlite" => Self::open_sqlite_read_only(url).await,
            _ => Self::open_postgres_read_only(url).await,
        }
    }

    /// Opens a SQLite file with `query_only` instead of SQLite's read-only mode, because closing a connection in that mode leaves `-wal`
    /// and `-shm` files behind.
    async fn open_sqlite_read_only(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url).context("the database URL is invalid")?;
        let file = options.get_filename();
        anyhow::ensure!(file.exists(), "there is no database {}; `whereabouts migrate` creates it", file.display());
        let options = options.create_if_missing(false).busy_timeout(SQLITE_BUSY_TIMEOUT).pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(SQLITE_BUSY_TIMEOUT).connect_with(options);
        let pool = pool.await.context("the database could not be opened")?;
        Ok(Self::Sqlite { read: pool.clone(), write: pool, point_reads: None })
    }

    async fn open_postgres_read_only(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the database URL must start with sqlite:// or postgres://")?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let pool = PostgresPool::connect(options, 1, COMMAND_TIMEOUT);
        Ok(Self::Postgres(pool.await.context("the database could not be reached")?))
    }

    /// Compares the migrations of this database with those of this program. Read-only.
    ///
    /// Errors: the schema is missing, or older or newer than this program's.
    pub async fn ensure_schema_is_current(&self) -> anyhow::Result<()> {
        let sql = "SELECT version FROM _sqlx_migrations ORDER BY version";
        let applied: Result<Vec<(i64,)>, _> = crate::fetch!(&mut self.read().await?, fetch_all as (i64,), sql);
        let applied =
            applied.context("the schema version of the database could not be read; `whereabouts migrate` sets up an empty one")?;
        let (has, knows) = (applied.last().map_or(0, |(version,)| *version), MIGRATOR.iter().map(|known| known.version).max().unwrap_or(0));
        anyhow::ensure!(has <= knows, "the database has schema version {has}, and this program knows {knows} at most; use a newer program");
        anyhow::ensure!(has == knows, "the database has schema version {has}, and this program needs {knows}; run: whereabouts migrate");
        Ok(())
    }

    /// Migrates the schema to the version of this program. Migrations run once, even if several nodes start together (PostgreSQL holds
    /// an advisory lock meanwhile). Their statements have no deadline.
    ///
    /// Errors: the schema is newer than this program, or a migration failed.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let migrated = async {
            match self {
                Self::Sqlite { write, .. } => {
                    MIGRATOR.run(write).await?;
                    sqlx::raw_sql(SQLITE_TRIGGERS).execute(write).await?;
                }
                Self::Postgres(pool) => {
                    let mut connection = pool.without_deadlines().acquire().await?;
                    // Nodes that start together wait for each other's migrations.
                    sqlx::raw_sql("SET lock_timeout = 0").execute(&mut *connection).await?;
                    MIGRATOR.run(&mut *connection).await?;
                    sqlx::raw_sql(POSTGRES_TRIGGERS).execute(&mut *connection).await?;
                    connection.close().await?;
                }
            }
            Ok::<_, MigrateError>(())
        };
        migrated.await.context("the database could not be migrated")
    }

    /// Acquires a read connection.
    pub async fn read(&self) -> sqlx::Result<ReadConnection> {
        Ok(match self {
            Self::Sqlite { read, point_reads, .. } => {
                ReadConnection::Sqlite { connection: read.acquire().await?, point_reads: point_reads.clone() }
            }
            Self::Postgres(pool) => ReadConnection::Postgres(pool.acquire().await?),
        })
    }

    /// Begins a write transaction. SQLite takes its write lock immediately: taken later, it would fail with "database is locked"
    /// regardless of the busy timeout.
    pub async fn write(&self) -> sqlx::Result<Tx> {
        let writer = match self {
            Self::Sqlite { write, .. } => Writer::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Writer::Postgres(pool.begin().await?),
        };
        Ok(Tx { writer, after_commit: Vec::new() })
    }

    /// Returns an error unless the database answers.
    pub async fn ping(&self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite { read, .. } => sqlx::Connection::ping(&mut *read.acquire().await?.acquire().await?).await,
            Self::Postgres(pool) => pool.ping().await,
        }
    }

    /// Returns the counter of statements that were not answered in time. Always 0 on SQLite.
    pub fn missed_deadlines(&self) -> Counter {
        match self {
            Self::Sqlite { .. } => Counter::default(),
            Self::Postgres(pool) => pool.missed_deadlines().clone(),
        }
    }

    /// Closes all connections after their last writes. On SQLite the writer is the last, which removes the WAL.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, point_reads } => {
                read.close().await;
                if let Some(point_reads) = point_reads {
                    point_reads.close();
                }
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Creates the file, if it is missing, with access for its owner only (OPS-2). SQLite creates its WAL with the same permissions.
fn create_private_file(file: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
    opened.map(drop).with_context(|| format!("{} could not be opened", file.display()))
}
