//! SQLite or PostgreSQL behind one door. SQL is written once and runs on both: `$1`, TEXT ids made in Rust, times bound
//! from the clock, no `now()`.

use std::{str::FromStr, time::Duration};

use anyhow::Context as _;
use prometheus_client::metrics::counter::Counter;
use sqlx::{
    Acquire, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::foundation::postgres::{PostgresConnection, PostgresPool};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");
/// Triggers, which the two databases write each in its own way. They may be made again at every start.
const SQLITE_TRIGGERS: &str = include_str!("../../migrations/sqlite/the_record_only_grows.sql");
const POSTGRES_TRIGGERS: &str = include_str!("../../migrations/postgres/the_record_only_grows.sql");

const MAX_POSTGRES_CONNECTIONS: u32 = 16;
/// How long a statement waits for another program that writes to the same SQLite file, or for a free connection to it. SQLite runs
/// in this process, so no other deadline is needed.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Deadline of a statement of a command, where no setting says otherwise: nobody's request waits for it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The database. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// One file. One writer, since SQLite has one; readers never wait for it (WAL).
    Sqlite {
        /// Connections that only read.
        read: SqlitePool,
        /// The connection that writes.
        write: SqlitePool,
    },
    /// A server that several nodes share.
    Postgres(PostgresPool),
}

/// A read connection outside any transaction. Each query is one round trip. On PostgreSQL, a query is retried once if its connection
/// was lost.
pub enum Reader {
    /// On SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// On PostgreSQL.
    Postgres(PostgresConnection),
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never was.
pub struct Tx {
    on: Writer,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
}

enum Writer {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(PostgresConnection),
}

/// What a statement runs on: see [`fetch`](crate::fetch) and [`execute`](crate::execute).
pub enum On<'c> {
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'c mut PostgresConnection),
}

/// What store functions take: a [`Reader`] or a [`Tx`].
pub trait Connection: Send {
    /// The connection beneath.
    fn on(&mut self) -> On<'_>;

    /// Returns whether a query that failed so may be tried once more, on another connection, which this then has. A query of a
    /// transaction may not.
    fn recover(&mut self, error: &sqlx::Error) -> impl Future<Output = bool> + Send;
}

impl Connection for Reader {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }

    async fn recover(&mut self, error: &sqlx::Error) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(connection) => connection.recover(error).await,
        }
    }
}

impl Connection for Tx {
    fn on(&mut self) -> On<'_> {
        match &mut self.on {
            Writer::Sqlite(tx) => On::Sqlite(tx),
            Writer::Postgres(tx) => On::Postgres(tx),
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
    /// Errors: [`is_unconfirmed`](crate::foundation::postgres::is_unconfirmed) tells a commit that may or may not have happened,
    /// because the database did not answer, from one that has not happened.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.on {
            Writer::Sqlite(tx) => tx.commit().await?,
            Writer::Postgres(tx) => tx.commit().await?,
        }
        for work in self.after_commit {
            work();
        }
        Ok(())
    }
}

/// `fetch!(db, fetch_optional as Row, "SELECT …", bind, bind)`: rows of one statement, on either database. What is bound is only
/// borrowed, since the statement may be tried again.
#[macro_export]
macro_rules! fetch {
    ($db:expr, $how:ident as $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &mut *$db {
            db => loop {
                let fetched = match $crate::foundation::db::Connection::on(db) {
                    $crate::foundation::db::On::Sqlite(c) => sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind(&$bind))*.$how(c).await,
                    $crate::foundation::db::On::Postgres(c) => sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind(&$bind))*.$how(c).await,
                };
                match fetched {
                    Err(error) if $crate::foundation::db::Connection::recover(db, &error).await => {}
                    fetched => break fetched,
                }
            },
        }
    };
}

/// `execute!(tx, "UPDATE …", bind, bind)`: how many rows one statement changed, on either database.
#[macro_export]
macro_rules! execute {
    ($db:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $crate::foundation::db::Connection::on($db) {
            $crate::foundation::db::On::Sqlite(c) => sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected()),
            $crate::foundation::db::On::Postgres(c) => sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected()),
        }
    };
}

/// `locking!(tx, "SELECT … IN (SELECT …", "FOR UPDATE SKIP LOCKED", ")")`: a statement with a row lock on PostgreSQL. SQLite has
/// one writer and needs none.
#[macro_export]
macro_rules! locking {
    ($tx:expr, $before:literal, $lock:literal, $after:literal) => {
        match $crate::foundation::db::Connection::on($tx) {
            $crate::foundation::db::On::Sqlite(_) => concat!($before, $after),
            $crate::foundation::db::On::Postgres(_) => concat!($before, " ", $lock, $after),
        }
    };
}

impl Db {
    /// Opens the database of `url` (`sqlite://…` or `postgres://…`) for a command; a SQLite file that is not there is made.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        Self::open_with_timeout(url, COMMAND_TIMEOUT).await
    }

    /// The same, with another deadline for each statement. SQLite has none but its busy timeout.
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
            .context("the database URL is not understood")?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered is kept, through a power cut too (OPS-1).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "268435456");
        make_private(options.get_filename())?;
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(SQLITE_BUSY_TIMEOUT).test_before_acquire(false)
        };
        let write = pool(1).connect_with(options.clone()).await.context("the database cannot be opened")?;
        let read = pool(4).connect_with(options.read_only(true)).await.context("the database cannot be opened")?;
        Ok(Self::Sqlite { read, write })
    }

    async fn open_postgres(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the database URL is not understood")?;
        let pool = PostgresPool::connect(options, MAX_POSTGRES_CONNECTIONS, timeout);
        Ok(Self::Postgres(pool.await.context("the database cannot be reached")?))
    }

    /// Opens an existing database for commands that only read. It is neither created nor migrated, and refuses writes.
    ///
    /// Errors: there is no such database, or it does not answer.
    pub async fn open_read_only(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "sqlite" => Self::open_sqlite_read_only(url).await,
            _ => Self::open_postgres_read_only(url).await,
        }
    }

    /// Not by SQLite's own read-only mode: closing such a connection leaves `-wal` and `-shm` files behind.
    async fn open_sqlite_read_only(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url).context("the database URL is not understood")?;
        let file = options.get_filename();
        anyhow::ensure!(file.exists(), "there is no database {}; `whereabouts migrate` creates it", file.display());
        let options = options.create_if_missing(false).busy_timeout(SQLITE_BUSY_TIMEOUT).pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(SQLITE_BUSY_TIMEOUT).connect_with(options);
        let pool = pool.await.context("the database cannot be opened")?;
        Ok(Self::Sqlite { read: pool.clone(), write: pool })
    }

    async fn open_postgres_read_only(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the database URL must start with sqlite:// or postgres://")?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let pool = PostgresPool::connect(options, 1, COMMAND_TIMEOUT);
        Ok(Self::Postgres(pool.await.context("the database cannot be reached")?))
    }

    /// Compares the migrations that this database has with those of this program. Changes nothing.
    ///
    /// Errors: the schema is older or newer than this program's, or there is none.
    pub async fn ensure_schema_is_current(&self) -> anyhow::Result<()> {
        let sql = "SELECT version FROM _sqlx_migrations ORDER BY version";
        let applied: Result<Vec<(i64,)>, _> = crate::fetch!(&mut self.read().await?, fetch_all as (i64,), sql);
        let applied = applied.context("the schema version of the database cannot be read; `whereabouts migrate` sets up an empty one")?;
        let (has, knows) = (applied.last().map_or(0, |(version,)| *version), MIGRATOR.iter().map(|known| known.version).max().unwrap_or(0));
        anyhow::ensure!(has <= knows, "the database has schema version {has}, and this program knows {knows} at most; use a newer program");
        anyhow::ensure!(has == knows, "the database has schema version {has}, and this program needs {knows}; run: whereabouts migrate");
        Ok(())
    }

    /// Brings the schema to this version. Runs once, also when several nodes start together (PostgreSQL holds an
    /// advisory lock meanwhile); a schema newer than this binary is refused. No statement of it has a deadline.
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
        migrated.await.context("the database could not be brought to this version")
    }

    /// A connection that reads.
    pub async fn read(&self) -> sqlx::Result<Reader> {
        Ok(match self {
            Self::Sqlite { read, .. } => Reader::Sqlite(read.acquire().await?),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction that writes. SQLite takes its write lock at once: taken later, it would fail with "database is
    /// locked" however long the busy timeout.
    pub async fn write(&self) -> sqlx::Result<Tx> {
        let on = match self {
            Self::Sqlite { write, .. } => Writer::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Writer::Postgres(pool.begin().await?),
        };
        Ok(Tx { on, after_commit: Vec::new() })
    }

    /// Whether it answers.
    pub async fn ping(&self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite { read, .. } => sqlx::Connection::ping(&mut *read.acquire().await?.acquire().await?).await,
            Self::Postgres(pool) => pool.ping().await,
        }
    }

    /// Counts statements that were not answered in time: none on SQLite.
    pub fn missed_deadlines(&self) -> Counter {
        match self {
            Self::Sqlite { .. } => Counter::default(),
            Self::Postgres(pool) => pool.missed_deadlines().clone(),
        }
    }

    /// Lets go of every connection, the last writes made.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Makes the file, if it is not there, readable by its owner alone (OPS-2): SQLite gives its WAL the same rights.
fn make_private(file: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
    made.map(drop).with_context(|| format!("{} cannot be opened", file.display()))
}
