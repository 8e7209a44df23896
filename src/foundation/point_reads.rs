//! Look-ups of a few rows that SQLite answers on the thread of the request: the way to the thread of the driver and back takes more CPU
//! time than they do.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, Row, Statement,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};
use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};

/// Bytes of the file that each connection to it maps into memory.
pub const MMAP_SIZE: &str = "268435456";

/// Converts a row. Its columns are read by their position, which is faster than by their name.
pub type ReadRow<T> = fn(&Row<'_>) -> rusqlite::Result<T>;

/// Read-only connections to a SQLite file, one for each thread that serves requests. Each read sees everything that was committed before
/// it, and nothing is open when it returns.
///
/// They are not thread-locals, because those would outlive the database, whose last connection must be the writer: only then does SQLite
/// remove its WAL.
pub struct PointReads {
    file: PathBuf,
    slots: Box<[Mutex<Slot>]>,
}

/// The connection of a thread.
#[derive(Default)]
enum Slot {
    #[default]
    Unused,
    Open(Connection),
    Closed,
}

impl PointReads {
    /// Returns connections to a file in WAL mode. Each is opened when it is first used.
    pub fn new(file: PathBuf) -> Self {
        let threads = available_parallelism().map_or(1, NonZero::get);
        Self { file, slots: (0..threads).map(|_| Mutex::default()).collect() }
    }

    /// Fetches all rows of a statement whose `$1`, `$2` and so on are these texts. `None` if that would have to wait, or after
    /// [`PointReads::close`].
    ///
    /// Errors: the statement failed, or a row could not be converted ([`sqlx::Error::Decode`]).
    pub fn fetch_all<T>(&self, sql: &str, binds: &[&str], read: ReadRow<T>) -> sqlx::Result<Option<Vec<T>>> {
        let Ok(mut slot) = self.own_slot().try_lock() else { return Ok(None) };
        let rows = slot.connection(&self.file).and_then(|open| open.map(|connection| query(connection, sql, binds, read)).transpose());
        match rows {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(None),
            rows => rows.map_err(to_sqlx),
        }
    }

    /// Closes all connections.
    pub fn close(&self) {
        for slot in &self.slots {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Slot::Closed;
        }
    }

    fn own_slot(&self) -> &Mutex<Slot> {
        &self.slots[thread_number() % self.slots.len()]
    }
}

/// Returns the number of this thread, in the order in which threads first ask.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

impl Slot {
    /// Returns the connection, opened if it is the first time. `None` if it is closed.
    fn connection(&mut self, file: &Path) -> rusqlite::Result<Option<&Connection>> {
        if matches!(self, Self::Unused) {
            *self = Self::Open(open(file)?);
        }
        Ok(if let Self::Open(connection) = self { Some(connection) } else { None })
    }
}

/// Opens a connection as those of the pool are, except that it never waits and caches less: a point read visits a few pages.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.execute_batch(&format!("PRAGMA mmap_size = {MMAP_SIZE}; PRAGMA cache_size = -2048"))?;
    Ok(connection)
}

/// Runs a statement. It is reset afterwards, even after an error, so that the next run sees newer commits.
fn query<T>(connection: &Connection, sql: &str, binds: &[&str], read: ReadRow<T>) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, binds)?;
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Binds by the number in the name of a parameter, as sqlx does: SQLite itself counts `$2` as the first if it comes first.
fn bind(statement: &mut Statement<'_>, binds: &[&str]) -> rusqlite::Result<()> {
    let count = statement.parameter_count();
    for index in 1..=count {
        let number: Option<usize> = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let text = number.and_then(|number| binds.get(number.checked_sub(1)?));
        statement.raw_bind_parameter(index, text.ok_or(rusqlite::Error::InvalidParameterCount(binds.len(), count))?)?;
    }
    Ok(())
}

fn to_sqlx(error: rusqlite::Error) -> sqlx::Error {
    match error {
        rusqlite::Error::SqliteFailure(..) => sqlx::Error::Io(std::io::Error::other(error)),
        _ => sqlx::Error::Decode(error.into()),
    }
}

/// Returns a time as sqlx stores it in SQLite, to bind it.
pub fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// A column of text.
struct Text<T>(T);

impl<T: DeserializeOwned> FromSql for Text<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text: StrDeserializer<'_, serde::de::value::Error> = value.as_str()?.into_deserializer();
        T::deserialize(text).map(Self).map_err(FromSqlError::other)
    }
}

/// Reads an id, a key or a time from a column.
///
/// Errors: the column is NULL, or holds something else.
pub fn text<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get(column).map(|Text(value)| value)
}

/// Same as [`text`], for a column that may be NULL.
pub fn optional_text<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    row.get(column).map(|value: Option<Text<T>>| value.map(|Text(value)| value))
}

#[cfg(test)]
mod tests;
