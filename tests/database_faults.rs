//! A PostgreSQL server that freezes or drops its connections: what depends on it fails quickly and recovers quickly.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::Connection as _;
use support::{Backend, PASSWORD, TestApp, live::Page, pending::PendingPost};

use whereabouts::{
    error::AppError,
    foundation::{hub::SessionEvent, ids::UserId},
};

/// Maximum time until a request that must fail is refused.
const REFUSAL_LIMIT: Duration = Duration::from_secs(3);
/// Maximum time for a shutdown, and for the recovery once the server is back.
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// A PostgreSQL cluster of the test's own that can be frozen. It stops with the test.
struct Cluster {
    folder: tempfile::TempDir,
    url: String,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = run_script("start", folder.path());
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        let url = String::from_utf8(started.stdout).unwrap().trim().to_owned();
        Self { folder, url: format!("{url}/postgres") }
    }

    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Signals the postmaster first, so that a freezing one starts no more children.
    fn signal(&self, signal: &str) {
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let postmaster: u32 = file.lines().next().unwrap().trim().parse().unwrap();
        let stopped = Command::new("kill").args([signal, &postmaster.to_string()]).status().unwrap();
        assert!(stopped.success());
        for child in child_processes(postmaster) {
            // A child that has just ended needs no signal.
            let _ = Command::new("kill").args([signal, &child.to_string()]).output().unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        run_script("stop", self.folder.path());
    }
}

fn run_script(what: &str, folder: &Path) -> std::process::Output {
    Command::new("bash").args(["scripts/postgres.sh", what]).arg(folder).output().unwrap()
}

/// Returns the processes with this parent: the fourth field of `/proc/PID/stat`, after a name in parentheses.
fn child_processes(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default(); // the process may have just ended
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().nth(1) == Some(&parent.to_string()));
        fields == Some(true)
    };
    processes.filter(is_child).collect()
}

/// Runs this, and panics if it takes longer than the limit.
async fn complete_within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("{what} took longer than {limit:?}"));
    println!("{what}: {:?}", started.elapsed());
    done
}

/// LOG-6: while PostgreSQL is frozen, every request is refused with 503 within three seconds, and a node stops within five. Within five
/// seconds of the server's return everything works, including the channel between nodes.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_hangs_no_request() {
    let cluster = Cluster::start();
    let options = ["--database-timeout", "2s"];
    let app = TestApp::start_on_database(&cluster.url, &options).await;
    let stopping = app.start_second_node_with(&options).await;
    let other = app.start_second_node_with(&options).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob, lost) = (app.sign_in("alice").await, app.sign_in("bob").await, app.sign_in("alice").await);
    let on_stopping = support::Client { app: &stopping, token: alice.token.clone(), id: alice.id.clone(), user_agent: String::new() };
    assert!(on_stopping.is_signed_in().await && bob.is_signed_in().await);
    let mut changes = app.services.hub.subscribe(&UserId::parse(alice.json("/api/v1/me").await["id"].as_str().unwrap()).unwrap());

    cluster.freeze();
    // More requests than the pool has connections: those that wait for one are refused in time as well.
    let mut refused = Vec::new();
    for _ in 0..20 {
        refused.push(async { complete_within(REFUSAL_LIMIT, "/me", alice.get("/api/v1/me")).await.status() });
    }
    let (statuses, ready) = tokio::join!(futures::future::join_all(refused), complete_within(REFUSAL_LIMIT, "/readyz", app.get("/readyz")));
    assert!(statuses.iter().all(|status| *status == StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let again = complete_within(REFUSAL_LIMIT, "/me again", bob.get("/api/v1/me")).await;
    assert_eq!(again.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(app.services.db.missed_deadlines().get() > 0);

    let body = json!({ "identifier": "alice", "password": PASSWORD }).to_string();
    let in_flight = PendingPost::start(&stopping, "/api/v1/sessions", "application/json", &body).await;
    let (status, ()) = tokio::join!(in_flight.finish(), complete_within(RECOVERY_LIMIT, "the stop", stopping.stop()));
    assert_eq!(status, 503);

    cluster.thaw();
    complete_within(RECOVERY_LIMIT, "the return", async {
        while app.get("/readyz").await.status() != StatusCode::OK {}
        assert!(alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(alice.delete(&format!("/api/v1/sessions/{}", lost.id)).await.status(), StatusCode::NO_CONTENT);
        app.sign_in("bob").await;
        assert!(!lost.is_signed_in().await && bob.is_signed_in().await);
        // Pages on this node receive what another node does, or are asked to reload everything.
        let began = other.sign_in("alice").await;
        loop {
            match changes.recv().await.unwrap() {
                SessionEvent::Began(session) if session.to_string() == began.id => break,
                SessionEvent::Missed => break,
                _ => {}
            }
        }
    })
    .await;
}

/// After `pg_terminate_backend` on every connection, no request fails: reads and the beginning of a transaction are retried once. Pages
/// receive the events of other nodes again.
#[tokio::test(flavor = "multi_thread")]
async fn ended_connections_fail_no_request() {
    let app = TestApp::start_with(Backend::Postgres, &["--database-timeout", "10s"]).await;
    let other = app.start_second_node().await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
    let mut page =
        Page::open(&support::Client { app: &other, token: bob.token.clone(), id: bob.id.clone(), user_agent: String::new() }).await;
    for round in 0..3 {
        // Uses every connection of the pool once, so that all are idle afterwards.
        assert_all_signed_in(&alice, 50).await;
        end_connections(&app).await;
        assert_all_signed_in(&alice, 50).await;
        end_connections(&app).await;
        let body = json!({ "identifier": "bob", "password": PASSWORD });
        let sign_in = app.http.post(app.url("/api/v1/sessions")).json(&body).send().await.unwrap();
        assert_eq!(sign_in.status(), StatusCode::CREATED, "round {round}");
        end_connections(&app).await;
        assert_eq!(app.get("/readyz").await.status(), StatusCode::OK);
    }
    end_connections(&app).await;
    assert_eq!(alice.delete(&format!("/api/v1/sessions/{}", lost.id)).await.status(), StatusCode::NO_CONTENT);
    assert!(!lost.is_signed_in().await && bob.is_signed_in().await);
    // The page receives a new list once its node listens again.
    while page.next_message().await.get("List").is_none() {}
}

async fn assert_all_signed_in(client: &support::Client<'_>, requests: usize) {
    let answers = futures::future::join_all((0..requests).map(|_| client.get("/api/v1/me"))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status()).filter(|status| *status != StatusCode::OK).collect();
    assert!(statuses.is_empty(), "{statuses:?}");
}

/// Ends every other connection to this app's database, and returns once they are gone.
async fn end_connections(app: &TestApp) {
    let mut connection = sqlx::PgConnection::connect(&app.database_url).await.unwrap();
    let others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: Vec<i32> = sqlx::query_scalar(others).fetch_all(&mut connection).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend(pid) FROM unnest($1) AS pid").bind(&ended).execute(&mut connection).await.unwrap();
    let left = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ANY($1)";
    while sqlx::query_scalar::<_, i64>(left).bind(&ended).fetch_one(&mut connection).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
}

/// A commit without an answer is reported as unconfirmed, not as undone. A failure before the commit has changed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_commit_is_reported_as_unconfirmed() {
    let cluster = Cluster::start();
    let app = TestApp::start_on_database(&cluster.url, &["--database-timeout", "1s"]).await;
    let begin = async || {
        let mut tx = app.services.db.write().await.unwrap();
        whereabouts::execute!(&mut tx, "CREATE TABLE IF NOT EXISTS written (n BIGINT)").unwrap();
        tx
    };
    begin().await.commit().await.unwrap();
    let (mut before, mut commit) = (begin().await, begin().await);
    whereabouts::execute!(&mut commit, "INSERT INTO written VALUES (1)").unwrap();
    commit.after_commit(|| panic!("the commit was not answered"));
    cluster.freeze();
    let failed = whereabouts::execute!(&mut before, "INSERT INTO written VALUES (2)").unwrap_err();
    assert_eq!(AppError::from(failed).name(), "unavailable");
    let failed = before.commit().await.unwrap_err();
    assert_eq!(AppError::from(failed).name(), "unavailable");
    let unconfirmed = AppError::from(commit.commit().await.unwrap_err());
    assert_eq!((unconfirmed.name(), unconfirmed.status()), ("unconfirmed", 503));
    cluster.thaw();
    // The server received the commit before it was frozen.
    let mut reader = app.services.db.read().await.unwrap();
    loop {
        let rows: Vec<(i64,)> = whereabouts::fetch!(&mut reader, fetch_all as (i64,), "SELECT n FROM written").unwrap();
        if rows == [(1,)] {
            break;
        }
        assert!(rows.is_empty(), "{rows:?}");
    }
}

/// RACE-2, LOG-6: a request that waits too long for a lock is refused in time and costs no connection. Reads continue meanwhile, no backend
/// of the server still waits, and the locks taken before are released.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_lock_costs_no_connections() {
    let app = TestApp::start_with(Backend::Postgres, &["--database-timeout", "1s"]).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
    let mut holder = sqlx::PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
    sqlx::query("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.unwrap();
    for _ in 0..2 {
        // More requests than the pool has connections.
        let refused = futures::future::join_all((0..20).map(|_| alice.delete("/api/v1/sessions"))).await;
        assert!(refused.iter().all(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE));
        assert!(bob.is_signed_in().await);
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(sqlx::query_as::<_, (i64,)>(waiting).fetch_one(&mut holder).await.unwrap(), (0,));
    sqlx::query("COMMIT").execute(&mut holder).await.unwrap();
    assert_eq!(alice.delete("/api/v1/sessions").await.status(), StatusCode::OK);
    assert!(alice.is_signed_in().await && bob.is_signed_in().await);
}
