//! A PostgreSQL server that freezes, or ends its connections: what depends on it fails soon, and is well soon after.
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
    foundation::{hub::Change, ids::UserId},
};

/// What a request that must fail may take.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);
/// What a stop may take, and how long after the server's return all is well.
const WITHIN: Duration = Duration::from_secs(5);

/// A PostgreSQL of the test's own, which can be frozen. It ends with the test.
struct Cluster {
    folder: tempfile::TempDir,
    url: String,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = script("start", folder.path());
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

    /// The postmaster first when it freezes, so that it starts no more children; they go on first.
    fn signal(&self, signal: &str) {
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let postmaster: u32 = file.lines().next().unwrap().trim().parse().unwrap();
        let stopped = Command::new("kill").args([signal, &postmaster.to_string()]).status().unwrap();
        assert!(stopped.success());
        for child in children(postmaster) {
            // One that has just ended needs no signal.
            let _ = Command::new("kill").args([signal, &child.to_string()]).output().unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        script("stop", self.folder.path());
    }
}

fn script(what: &str, folder: &Path) -> std::process::Output {
    Command::new("bash").args(["scripts/postgres.sh", what]).arg(folder).output().unwrap()
}

/// The processes whose parent is this one: the fourth field of `/proc/PID/stat`, behind a name in parentheses.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default(); // it has just ended
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().nth(1) == Some(&parent.to_string()));
        fields == Some(true)
    };
    processes.filter(is_child).collect()
}

/// Runs this, and fails if it took longer.
async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("{what} took longer than {limit:?}"));
    println!("{what}: {:?}", started.elapsed());
    done
}

/// LOG-6: while PostgreSQL is frozen every request is refused with 503 within three seconds, whoever makes it; a node stops within
/// five; and within five seconds of the server's return all is well, the channel between nodes included.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_hangs_nothing() {
    let cluster = Cluster::start();
    let options = ["--database-timeout", "2s"];
    let app = TestApp::start_on_database(&cluster.url, &options).await;
    let stopping = TestApp::start_on_database(&cluster.url, &options).await;
    let other = TestApp::start_on_database(&cluster.url, &options).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob, lost) = (app.sign_in("alice").await, app.sign_in("bob").await, app.sign_in("alice").await);
    let on_stopping = support::Client { app: &stopping, token: alice.token.clone(), id: alice.id.clone(), user_agent: String::new() };
    assert!(on_stopping.is_signed_in().await && bob.is_signed_in().await);
    let mut changes = app.services.hub.subscribe(&UserId::parse(alice.json("/api/v1/me").await["id"].as_str().unwrap()).unwrap());

    cluster.freeze();
    // More than the pool has connections: those that wait for one are refused in time as well.
    let mut refused = Vec::new();
    for _ in 0..20 {
        refused.push(async { within(REFUSED_WITHIN, "/me", alice.get("/api/v1/me")).await.status() });
    }
    let (statuses, ready) = tokio::join!(futures::future::join_all(refused), within(REFUSED_WITHIN, "/readyz", app.get("/readyz")));
    assert!(statuses.iter().all(|status| *status == StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let again = within(REFUSED_WITHIN, "/me again", bob.get("/api/v1/me")).await;
    assert_eq!(again.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(app.services.db.missed_deadlines().get() > 0);

    let body = json!({ "identifier": "alice", "password": PASSWORD }).to_string();
    let in_flight = PendingPost::begin(&stopping, "/api/v1/sessions", "application/json", &body).await;
    let (status, ()) = tokio::join!(in_flight.finish(), within(WITHIN, "the stop", stopping.stop()));
    assert_eq!(status, 503);

    cluster.thaw();
    within(WITHIN, "the return", async {
        while app.get("/readyz").await.status() != StatusCode::OK {}
        assert!(alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(alice.delete(&format!("/api/v1/sessions/{}", lost.id)).await.status(), StatusCode::NO_CONTENT);
        app.sign_in("bob").await;
        assert!(!lost.is_signed_in().await && bob.is_signed_in().await);
        // Pages here are told of what another node does, or to ask for everything anew.
        let began = other.sign_in("alice").await;
        loop {
            match changes.recv().await.unwrap() {
                Change::Began(session) if session.to_string() == began.id => break,
                Change::Missed => break,
                _ => {}
            }
        }
    })
    .await;
}

/// After `pg_terminate_backend` on every connection no request notices: what reads tries once more, and so does the beginning of a
/// transaction. Pages hear of what other nodes do again.
#[tokio::test(flavor = "multi_thread")]
async fn ended_connections_are_noticed_by_nobody() {
    let app = TestApp::start_with(Backend::Postgres, &["--database-timeout", "10s"]).await;
    let other = app.another_node().await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
    let mut page =
        Page::open(&support::Client { app: &other, token: bob.token.clone(), id: bob.id.clone(), user_agent: String::new() }).await;
    for round in 0..3 {
        // Every connection of the pool is in use once, and then idle.
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
    // The list that a page is sent anew once its node listens again.
    while page.news().await.get("List").is_none() {}
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

/// A commit that is not answered is said to be unconfirmed, not undone; what fails before the commit changed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_commit_is_unconfirmed() {
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
    // The server had the commit all along.
    let mut reader = app.services.db.read().await.unwrap();
    loop {
        let rows: Vec<(i64,)> = whereabouts::fetch!(&mut reader, fetch_all as (i64,), "SELECT n FROM written").unwrap();
        if rows == [(1,)] {
            break;
        }
        assert!(rows.is_empty(), "{rows:?}");
    }
}

/// RACE-2, LOG-6: whoever waits for a lock that is held for long is refused in time, and costs no connection: reads go on meanwhile, on
/// the server's side nobody waits any more, and the locks that were taken before are free.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_costs_no_connections() {
    let app = TestApp::start_with(Backend::Postgres, &["--database-timeout", "1s"]).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
    let mut holder = sqlx::PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
    sqlx::query("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.unwrap();
    for _ in 0..2 {
        // More than the pool has connections.
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
