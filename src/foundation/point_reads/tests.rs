use std::sync::MutexGuard;

use super::*;

/// A table in a new file, with connections for point reads.
struct Case {
    writer: Connection,
    reads: PointReads,
    _folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let writer = Connection::open(&file).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE texts (a TEXT, b TEXT); INSERT INTO texts VALUES ('a', 'b')")
            .unwrap();
        Self { writer, reads: PointReads::new(file), _folder: folder }
    }

    fn read(&self, sql: &str, binds: &[&str]) -> sqlx::Result<Option<Vec<String>>> {
        self.reads.fetch_all(sql, binds, |row| text(row, 0))
    }

    fn read_b(&self) -> Option<Vec<String>> {
        self.read("SELECT b FROM texts WHERE a = $1", &["a"]).unwrap()
    }
}

fn only(text: &str) -> Option<Vec<String>> {
    Some(vec![text.to_owned()])
}

#[test]
fn each_read_sees_the_latest_commit() {
    let case = Case::new();
    for round in 0..100 {
        case.writer.execute("UPDATE texts SET b = ?1", [round.to_string()]).unwrap();
        assert_eq!(case.read_b(), only(&round.to_string()));
    }
}

#[test]
fn while_its_slot_is_taken_a_thread_reads_nothing() {
    let case = Case::new();
    let taken: Vec<MutexGuard<'_, Slot>> = case.reads.slots.iter().map(|slot| slot.lock().unwrap()).collect();
    assert_eq!(case.read_b(), None);
    drop(taken);
    assert_eq!(case.read_b(), only("b"));
}

#[test]
fn while_the_file_is_busy_a_thread_reads_nothing() {
    let case = Case::new();
    case.writer.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    assert_eq!(case.read_b(), None);
    case.writer.execute_batch("COMMIT; PRAGMA locking_mode = NORMAL; SELECT a FROM texts").unwrap();
    assert_eq!(case.read_b(), only("b"));
}

#[test]
fn closed_connections_read_nothing_and_leave_the_wal_to_the_writer() {
    let case = Case::new();
    let wal = case.reads.file.with_extension("db-wal");
    assert_eq!(case.read_b(), only("b"));
    case.reads.close();
    assert_eq!(case.read_b(), None);
    assert!(wal.exists());
    case.writer.close().unwrap();
    assert!(!wal.exists());
}

#[test]
fn binds_are_numbered_by_their_names() {
    let case = Case::new();
    assert_eq!(case.read("SELECT $2 || $1 || $2 WHERE $3 = 'z'", &["x", "y", "z"]).unwrap(), only("yxy"));
    assert!(case.read("SELECT $2", &["x"]).is_err());
}

/// A row is converted entirely or not at all: a default in place of what is wrong could allow something.
#[test]
fn what_cannot_be_converted_is_an_error() {
    let case = Case::new();
    for sql in ["SELECT NULL", "SELECT 1", "SELECT x'61'"] {
        assert!(matches!(case.read(sql, &[]), Err(sqlx::Error::Decode(_))), "{sql}");
    }
    let time = |sql| case.reads.fetch_all(sql, &[], |row| optional_text::<DateTime<Utc>>(row, 0));
    assert!(matches!(time("SELECT '2026-13-01T00:00:00+00:00'"), Err(sqlx::Error::Decode(_))));
    assert_eq!(time("SELECT NULL").unwrap(), Some(vec![None]));
    assert!(matches!(case.read("SELECT missing FROM texts", &[]), Err(sqlx::Error::Io(_))));
}

#[test]
fn nothing_is_written() {
    let case = Case::new();
    assert!(case.read("DELETE FROM texts RETURNING a", &[]).is_err());
    assert_eq!(case.read_b(), only("b"));
}

#[test]
fn times_are_bound_as_they_are_stored() {
    for text in ["2026-11-28T12:00:00+00:00", "2026-11-28T12:00:00.250+00:00", "2026-11-28T12:00:00.000001+00:00"] {
        let time = DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        assert_eq!(time_text(time), text);
    }
}
