//! The program as its operators start it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use whereabouts::{execute, foundation::db::Db};

fn whereabouts(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).env("WHEREABOUTS_DATA_DIR", folder).envs(settings.iter().copied());
    command.output().unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// OPS-2: the folder and the database are for their owner alone.
#[test]
fn what_is_made_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    assert!(whereabouts(&folder, &["migrate"], &[]).status.success());
    assert_eq!((mode(&folder), mode(&folder.join("whereabouts.db"))), (0o700, 0o600));
}

/// OPS-2: a folder that others can read is warned of. The start then fails for another reason, so that it ends.
#[test]
fn looser_rights_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = whereabouts(folder.path(), &["serve"], &[("WHEREABOUTS_ADDR", &taken.local_addr().unwrap().to_string())]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("chmod 700") && said.contains("cannot be listened on"), "{said}");
}

/// OPS-3: a wrong setting stops the start with one line that names it, and changes nothing.
#[test]
fn a_wrong_setting_stops_the_start() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let wrong = [
        ("WHEREABOUTS_ADDR", "nowhere", "addr"),
        ("WHEREABOUTS_PUBLIC_URL", "example.com/x", "public-url"),
        ("WHEREABOUTS_DATABASE_URL", "mysql://x", "DATABASE_URL"),
        ("WHEREABOUTS_DATABASE_TIMEOUT", "50ms", "database-timeout"),
        ("WHEREABOUTS_METRICS_ADDR", "nowhere", "metrics-addr"),
        ("WHEREABOUTS_IDLE_TIMEOUT", "soon", "idle-timeout"),
        ("WHEREABOUTS_IDLE_TIMEOUT", "91d", "IDLE_TIMEOUT"),
        ("WHEREABOUTS_TRUSTED_PROXIES", "everybody", "trusted-proxies"),
        ("WHEREABOUTS_GEOIP", "/nowhere.mmdb", "GEOIP"),
        ("WHEREABOUTS_RATE_LIMITS", "maybe", "rate-limits"),
        ("WHEREABOUTS_LOG", "=[", "LOG"),
    ];
    for (setting, value, named) in wrong {
        for arguments in [&["serve"][..], &[]] {
            let output = whereabouts(&folder, arguments, &[(setting, value)]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains(named) && said.lines().count() == 1, "{setting}={value}: {said}");
            assert!(!folder.exists(), "{setting}={value}");
        }
    }
}

both!(
    /// OPS-4: an older program refuses the database of a newer one, and changes nothing.
    a_newer_database_is_refused, |app| {
        let mut tx = app.services.db.write().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 99999999999999, 'newer', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        execute!(&mut tx, newer).unwrap();
        tx.commit().await.unwrap();
        let error = Db::open(&app.database_url).await.unwrap().migrate().await.unwrap_err();
        assert!(format!("{error:#}").contains("99999999999999"), "{error:#}");
    }
);

/// OPS-4: nodes that start together bring the database to this version once.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_migrate_once() {
    let url = support::new_postgres_database().await;
    let start = async || {
        let db = Db::open(&url).await.unwrap();
        db.migrate().await.unwrap();
        db
    };
    let nodes = futures::future::join_all((0..4).map(|_| start())).await;
    let mut db = nodes[0].read().await.unwrap();
    let (times,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), "SELECT COUNT(*) FROM _sqlx_migrations").unwrap();
    assert_eq!(times, std::fs::read_dir("migrations").unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count() as i64);
}
