//! SQLite or PostgreSQL behind one door. SQL is written once and runs on both: `$1`, TEXT ids made in Rust, times bound
//! from the clock, no `now()`.

use std::{str::FromStr, time::Duration};

use anyhow::Context as _;
use sqlx::{
    Acquire, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");
/// Triggers, which the two databases write each in its own way. They may be made again at every start.
const SQLITE_TRIGGERS: &str = include_str!("../../migrations/sqlite/the_record_only_grows.sql");
const POSTGRES_TRIGGERS: &str = include_str!("../../migrations/postgres/the_record_only_grows.sql");

/// How long a request waits for a connection before it is told that the database is not to be had.
const PATIENCE: Duration = Duration::from_secs(5);

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
    Postgres(PgPool),
}

/// A connection that reads, outside any transaction: one trip a query.
pub enum Reader {
    /// On SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// On PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never was.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// What a statement runs on: see [`fetch`](crate::fetch) and [`execute`](crate::execute).
pub enum On<'c> {
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
}

/// What store functions take: a [`Reader`] or a [`Tx`].
pub trait Connection: Send {
    /// The connection beneath.
    fn on(&mut self) -> On<'_>;
}

impl Connection for Reader {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }
}

impl Connection for Tx {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(tx) => On::Sqlite(tx),
            Self::Postgres(tx) => On::Postgres(tx),
        }
    }
}

impl Tx {
    /// Makes it so, durably, before it returns.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

/// `fetch!(db, fetch_optional as Row, "SELECT …", bind, bind)`: rows of one statement, on either database.
#[macro_export]
macro_rules! fetch {
    ($db:expr, $how:ident as $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $crate::foundation::db::Connection::on($db) {
            $crate::foundation::db::On::Sqlite(c) => sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($bind))*.$how(c).await,
            $crate::foundation::db::On::Postgres(c) => sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($bind))*.$how(c).await,
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

impl Db {
    /// Opens the database of `url` (`sqlite://…` or `postgres://…`); a SQLite file that is not there is made.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" => Self::open_sqlite(url).await,
            "postgres" | "postgresql" => Self::open_postgres(url).await,
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
            .busy_timeout(PATIENCE)
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "268435456");
        make_private(options.get_filename())?;
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).test_before_acquire(false);
        let write = pool(1).connect_with(options.clone()).await.context("the database cannot be opened")?;
        let read = pool(4).connect_with(options.read_only(true)).await.context("the database cannot be opened")?;
        Ok(Self::Sqlite { read, write })
    }

    async fn open_postgres(url: &str) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .connect(url)
            .await
            .context("the database cannot be reached")?;
        Ok(Self::Postgres(pool))
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
        let options = options.create_if_missing(false).busy_timeout(PATIENCE).pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_with(options);
        let pool = pool.await.context("the database cannot be opened")?;
        Ok(Self::Sqlite { read: pool.clone(), write: pool })
    }

    async fn open_postgres_read_only(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the database URL must start with sqlite:// or postgres://")?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_with(options);
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
    /// advisory lock meanwhile); a schema newer than this binary is refused.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let migrated = async {
            match self {
                Self::Sqlite { write, .. } => {
                    MIGRATOR.run(write).await?;
                    sqlx::raw_sql(SQLITE_TRIGGERS).execute(write).await?;
                }
                Self::Postgres(pool) => {
                    MIGRATOR.run(pool).await?;
                    sqlx::raw_sql(POSTGRES_TRIGGERS).execute(pool).await?;
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
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Whether it answers.
    pub async fn ping(&self) -> sqlx::Result<()> {
        match &mut self.read().await? {
            Reader::Sqlite(connection) => sqlx::Connection::ping(&mut *connection.acquire().await?).await,
            Reader::Postgres(connection) => sqlx::Connection::ping(&mut *connection.acquire().await?).await,
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
