//! The program as operators start it.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sqlx::{
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use whereabouts::{
    execute,
    foundation::db::Db,
    plants::visible::{self, Filter, Position},
};

fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).env("WHEREABOUTS_DATA_DIR", folder).envs(settings.iter().copied());
    command.output().unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// OPS-2: only their owner can access the data directory and the database.
#[test]
fn data_folder_and_database_are_private() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    assert!(run(&folder, &["migrate"], &[]).status.success());
    assert_eq!((mode(&folder), mode(&folder.join("whereabouts.db"))), (0o700, 0o600));
}

/// OPS-2: the first command on a new machine may be the one that adds the administrator, as in README.
#[test]
fn the_first_administrator_can_be_added_without_a_database() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(["user", "add", "--admin", "--username", "alice", "--email", "alice@example.com", "--password-stdin"]);
    command.env("WHEREABOUTS_DATA_DIR", &folder).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut adding = command.spawn().unwrap();
    adding.stdin.take().unwrap().write_all(b"a long password\n").unwrap();
    assert!(adding.wait().unwrap().success());
    assert_eq!((mode(&folder), mode(&folder.join("whereabouts.db"))), (0o700, 0o600));
}

/// OPS-2: startup warns of a data directory that others can read. It then fails because the address is taken, so that the program ends.
#[test]
fn loose_folder_permissions_raise_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = run(folder.path(), &["serve"], &[("WHEREABOUTS_ADDR", &taken.local_addr().unwrap().to_string())]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("chmod 700") && stderr.contains("cannot listen on"), "{stderr}");
}

/// OPS-3: an invalid setting prevents startup with one line that names it, and changes nothing.
#[test]
fn an_invalid_setting_prevents_startup() {
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
        ("WHEREABOUTS_MAX_CONNECTIONS", "0", "max-connections"),
        ("WHEREABOUTS_FORWARDED_HEADER", "x-real-ip", "forwarded-header"),
        ("WHEREABOUTS_LOG", "=[", "LOG"),
    ];
    for (setting, value, named) in wrong {
        for arguments in [&["serve"][..], &[]] {
            let output = run(&folder, arguments, &[(setting, value)]);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && stderr.contains(named) && stderr.lines().count() == 1, "{setting}={value}: {stderr}");
            assert!(!folder.exists(), "{setting}={value}");
        }
    }
}

/// Returns the environment variables that the help of a command names.
fn env_variables(command: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_whereabouts")).args([command, "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap().to_owned()).collect()
}

/// Starts a server that ends at once because its address is taken. Returns its standard error.
fn start(folder: &Path, settings: &[(&str, &str)]) -> String {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    let output = command.current_dir(folder).env("WHEREABOUTS_ADDR", addr).envs(settings.iter().copied()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot listen on"), "{settings:?}: {stderr}");
    stderr
}

/// OPS-3: an empty variable counts as not set, for every setting and every command.
#[test]
fn an_empty_variable_counts_as_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let env_variables = env_variables("serve");
    assert!(env_variables.len() >= 15 && env_variables.iter().any(|name| name == "WHEREABOUTS_TRUSTED_PROXIES"), "{env_variables:?}");
    let empty: Vec<_> = env_variables.iter().map(|name| (name.as_str(), "")).filter(|(name, _)| *name != "WHEREABOUTS_ADDR").collect();
    for one in &empty {
        start(folder.path(), std::slice::from_ref(one));
    }
    start(folder.path(), &empty);
    // Another command, and the address: an empty address must not be rejected as invalid.
    let output = run(folder.path(), &["healthcheck"], &[("WHEREABOUTS_ADDR", "")]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("invalid value"));
    // Variables of the client commands.
    let output =
        run(folder.path(), &["sessions"], &[("WHEREABOUTS_TOKEN", ""), ("WHEREABOUTS_URL", ""), ("HOME", folder.path().to_str().unwrap())]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// NET-1: startup warns if TLS is terminated elsewhere and no trusted proxies are configured.
#[test]
fn an_unconfigured_proxy_raises_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let https = ("WHEREABOUTS_PUBLIC_URL", "https://sessions.example");
    assert!(start(folder.path(), &[https]).contains("no trusted proxy is configured"));
    for settings in
        [&[][..], &[https, ("WHEREABOUTS_TRUSTED_PROXIES", "10.0.0.1/32")], &[("WHEREABOUTS_PUBLIC_URL", "http://sessions.example")]]
    {
        assert!(!start(folder.path(), settings).contains("WHEREABOUTS_TRUSTED_PROXIES"), "{settings:?}");
    }
}

/// LIM-5: startup raises the soft limit of open files to the hard one, and warns of a hard limit that is too low for the connections.
#[test]
fn the_open_file_limit_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let start = |limit: &str, connections: &str| {
        let script = format!("ulimit {limit} && exec {}", env!("CARGO_BIN_EXE_whereabouts"));
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .env("WHEREABOUTS_DATA_DIR", folder.path())
            .env("WHEREABOUTS_ADDR", taken.local_addr().unwrap().to_string());
        String::from_utf8(command.env("WHEREABOUTS_MAX_CONNECTIONS", connections).output().unwrap().stderr).unwrap()
    };
    let warning = "too low for WHEREABOUTS_MAX_CONNECTIONS";
    assert!(start("-n 1024", "1000").contains(warning));
    assert!(!start("-S -n 300", "1000").contains(warning));
    assert!(!start("-n 1256", "1000").contains(warning));
}

/// Marks the schema as migrated by a newer program.
async fn mark_schema_as_newer(app: &crate::support::TestApp) {
    let mut tx = app.services.db.write().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 99999999999999, 'newer', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    execute!(&mut tx, newer).unwrap();
    tx.commit().await.unwrap();
}

both!(
    /// OPS-4: an older program refuses the database of a newer one and changes nothing.
    a_newer_database_is_refused, |app| {
        mark_schema_as_newer(&app).await;
        let error = Db::open(&app.database_url).await.unwrap().migrate().await.unwrap_err();
        assert!(format!("{error:#}").contains("99999999999999"), "{error:#}");
    }
);

/// The commands that only read the database.
const READ_ONLY_COMMANDS: [&[&str]; 7] = [
    &["user", "list"],
    &["session", "list", "--user", "alice"],
    &["organization", "list"],
    &["portfolio", "list"],
    &["plant", "list"],
    &["device", "list"],
    &["grant", "list"],
];

/// Runs each read-only command on this database. It must fail with one line that contains `message`.
fn assert_read_only_commands_refuse(folder: &Path, url: &str, message: &str) {
    for arguments in READ_ONLY_COMMANDS {
        let output = run(folder, arguments, &[("WHEREABOUTS_DATABASE_URL", url)]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(error.contains(message) && error.lines().count() == 1, "{arguments:?}: {error}");
    }
}

/// Returns the files of a folder with their content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

async fn migrations() -> Migrator {
    Migrator::new(Path::new("migrations")).await.unwrap()
}

/// OPS-4: a read-only command migrates nothing, refuses any other schema version, and leaves every file unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn read_only_commands_leave_an_sqlite_database_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whereabouts.db");
    let url = format!("sqlite://{}", file.display());
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
    let migrate_to = async |version: i64| {
        let pool = sqlx::SqlitePool::connect_with(options.clone()).await.unwrap();
        migrations().await.run_to(version, &pool).await.unwrap();
        pool.close().await;
    };
    migrate_to(0).await;
    let empty = contents(folder.path());
    assert_read_only_commands_refuse(folder.path(), &url, "schema version 0");
    assert_eq!(contents(folder.path()), empty);
    migrate_to(1).await;
    let older = contents(folder.path());
    assert_read_only_commands_refuse(folder.path(), &url, "run: whereabouts migrate");
    assert_eq!(contents(folder.path()), older);
    assert!(run(folder.path(), &["migrate"], &[]).status.success());
    let current = contents(folder.path());
    let listed = run(folder.path(), &["user", "list", "--json"], &[]);
    assert_eq!((listed.status.success(), listed.stdout.as_slice()), (true, b"[]\n".as_slice()), "{listed:?}");
    assert_eq!(contents(folder.path()), current);
}

/// OPS-4: a read-only command creates neither a database nor its folder.
#[test]
fn read_only_commands_create_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    assert_read_only_commands_refuse(&folder, &format!("sqlite://{}/whereabouts.db", folder.display()), "there is no database");
    assert!(!folder.exists());
}

/// OPS-4: read-only commands leave a PostgreSQL database unchanged, too.
#[tokio::test(flavor = "multi_thread")]
async fn read_only_commands_leave_a_postgres_database_unchanged() {
    let (folder, url) = (tempfile::tempdir().unwrap(), crate::support::new_postgres_database().await);
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    assert_read_only_commands_refuse(folder.path(), &url, "schema version");
    migrations().await.run_to(1, &pool).await.unwrap();
    assert_read_only_commands_refuse(folder.path(), &url, "run: whereabouts migrate");
    let versions: Vec<(i64,)> = sqlx::query_as("SELECT version FROM _sqlx_migrations").fetch_all(&pool).await.unwrap();
    assert_eq!(versions, [(1,)]);
}

both!(
    /// OPS-4: read-only commands work at their own schema version and refuse the database of a newer program.
    read_only_commands_refuse_a_newer_schema, |app| {
        app.add_user("alice").await;
        app.sign_in("alice").await;
        let folder = tempfile::tempdir().unwrap();
        for arguments in READ_ONLY_COMMANDS {
            let output = run(folder.path(), arguments, &[("WHEREABOUTS_DATABASE_URL", &app.database_url)]);
            assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}: {output:?}");
        }
        mark_schema_as_newer(&app).await;
        assert_read_only_commands_refuse(folder.path(), &app.database_url, "use a newer program");
    }
);

/// OPS-4: nodes that start at the same time apply each migration once.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_nodes_migrate_once() {
    let url = crate::support::new_postgres_database().await;
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

both!(
    /// Benchmarks rely on what `seed --help` says of numbers, names and grants.
    seeds_have_the_documented_numbers, |app| {
        let folder = app.folder(); // with the keys of the audit log
        let seed = |arguments: &[&str]| {
            let arguments: Vec<&str> = ["seed"].iter().chain(arguments).copied().collect();
            run(folder.path(), &arguments, &[("WHEREABOUTS_DATABASE_URL", &app.database_url)])
        };
        let tokens = folder.path().join("tokens").display().to_string();
        let users = ["--users", "5", "--sessions-per-user", "2", "--tokens", &tokens];
        let rest = ["--plants", "210", "--devices-per-plant", "2", "--grants", "300", "--events", "50"];
        let output = seed(&[&users[..], &rest].concat());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(std::fs::read_to_string(&tokens).unwrap().lines().count(), 10);
        let counts = [
            ("SELECT COUNT(*) FROM users", 5),
            ("SELECT COUNT(*) FROM organizations", 3),
            ("SELECT COUNT(*) FROM portfolios", 5),
            ("SELECT COUNT(*) FROM plants", 210),
            ("SELECT COUNT(*) FROM devices", 420),
            ("SELECT COUNT(*) FROM grants", 300),
            ("SELECT COUNT(*) FROM audit_events", 50),
        ];
        for (sql, count) in counts {
            assert_eq!(app.count(sql).await, count, "{sql}");
        }
        let outside = "SELECT COUNT(*) FROM devices d JOIN host_suffixes s ON s.organization_id = d.organization_id
                       WHERE d.host NOT LIKE '%.' || s.suffix";
        assert_eq!(app.count(outside).await, 0);
        // User 0 sees organization 0, a portfolio and a plant; user 1 has a grant on each plant, and user 4 owns all organizations.
        for (user, plants) in [("user0", 100 + 50 + 1), ("user1", 210), ("user4", 210)] {
            assert_eq!(visible_plants(&app, user).await, plants, "{user}");
        }
        let of_last = "SELECT COUNT(*) FROM grants WHERE plant_id IS NULL AND role = 'viewer'";
        assert_eq!(app.count(of_last).await, 2);

        let output = seed(&["--prefix", "other", "--users", "3", "--plants", "2", "--grants", "99"]);
        assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("at most 5 grants"));
        let output = seed(&["--prefix", "more", "--plants", "1", "--grants", "4"]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(app.count("SELECT COUNT(*) FROM users WHERE username LIKE 'more%'").await, 1_003);
    }
);

/// Counts the plants that a user sees.
async fn visible_plants(app: &crate::support::TestApp, username: &str) -> usize {
    let user = whereabouts::accounts::actions::find(&app.services.db, username).await.unwrap().account.id;
    let mut db = app.services.db.read().await.unwrap();
    let (filter, now) = (Filter::default(), app.now());
    visible::list_plants(&mut db, &user, &filter, Position::default(), 1_000, now).await.unwrap().rows.len()
}

both!(
    /// The demo has everything that its pages show, leaves nothing out when it is run again, and prints who to sign in as.
    the_demo_has_sample_data, |app| {
        let folder = app.folder();
        for _ in 0..2 {
            let output = run(folder.path(), &["demo"], &[("WHEREABOUTS_DATABASE_URL", &app.database_url)]);
            let stdout = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && stdout.contains("alice") && stdout.contains("correct horse battery"), "{stdout}");
            for (sql, count) in [
                ("SELECT COUNT(*) FROM users", 25),
                ("SELECT COUNT(*) FROM users WHERE is_admin", 1),
                ("SELECT COUNT(*) FROM organizations", 3),
                ("SELECT COUNT(*) FROM plants", 40),
                ("SELECT COUNT(*) FROM plants WHERE closed_at IS NOT NULL", 1),
                ("SELECT COUNT(*) FROM devices", 200),
                ("SELECT COUNT(DISTINCT role) FROM grants", 4),
                ("SELECT COUNT(DISTINCT role) FROM memberships", 3),
                // As the pages require: a vendor's grants end, and a vendor's person is no member.
                ("SELECT COUNT(*) FROM grants g JOIN vendor_people v ON v.user_id = g.user_id AND v.organization_id = g.organization_id
                  WHERE g.expires_at IS NULL", 0),
                ("SELECT COUNT(*) FROM memberships m JOIN vendor_people v ON v.user_id = m.user_id
                  AND v.organization_id = m.organization_id", 0),
                ("SELECT COUNT(*) FROM devices d JOIN host_suffixes s ON s.organization_id = d.organization_id
                  WHERE d.host NOT LIKE '%.' || s.suffix", 0),
            ] {
                assert_eq!(app.count(sql).await, count, "{sql}");
            }
            assert!(app.count("SELECT COUNT(*) FROM audit_events").await > 500);
        }
        assert_eq!(app.try_sign_in("carla", "correct horse battery", "curl/8.5.0").await.status(), 201);
    }
);
