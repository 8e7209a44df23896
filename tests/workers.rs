//! Workers: one that fails starts again, none is taken down by another, and all stop in time.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use reqwest::StatusCode;
use support::{
    Backend, Mailing, TestApp,
    pending::PendingPost,
    postgres::{hold, release, wait_for_waiters},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Notify,
    time::timeout,
};
use whereabouts::foundation::{
    db::Db,
    supervisor::{Supervisor, until_done},
};

/// The whole stop, by the promise.
const STOP: Duration = Duration::from_secs(5);
/// Longer than anything here takes that does happen.
const PATIENCE: Duration = Duration::from_secs(15);

async fn metrics(app: &TestApp) -> String {
    let answer = app.http.get(format!("http://{}/metrics", app.metrics_addr.unwrap())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn start_measured() -> TestApp {
    TestApp::start_with(Backend::Sqlite, &["--metrics-addr", "127.0.0.1:0"]).await
}

async fn ask_for_reset(app: &TestApp, name: &str) {
    let answer = app.post_form("ask_for_reset", "", &[("email", &format!("{name}@example.com"))]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Metrics are served on an address of their own, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_an_address_of_their_own() {
    let app = start_measured().await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    assert_eq!(app.get("/metrics").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.http.get(format!("http://{}/login", app.metrics_addr.unwrap())).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let _page = support::live::Page::open(&alice).await;
    let measured = metrics(&app).await;
    for line in [
        "whereabouts_http_responses_total{status=\"2xx\"} 1",
        "whereabouts_http_responses_total{status=\"4xx\"} 1",
        "whereabouts_live_channels 1",
        "whereabouts_connections_refused_total 0",
        "whereabouts_connections_silent_total 0",
        "whereabouts_background_job_panics_total 0",
        "whereabouts_database_deadline_misses_total 0",
    ] {
        assert!(measured.lines().any(|measured| measured == line), "{line} is not in\n{measured}");
    }
    assert!(!measured.contains("alice") && measured.ends_with("# EOF\n"), "{measured}");
}

/// Without a setting nothing is served: the site has no such page.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_off_unless_set() {
    let app = TestApp::start(Backend::Sqlite).await;
    assert!(app.services.config.metrics_addr.is_none());
    assert_eq!(app.get("/metrics").await.status(), StatusCode::NOT_FOUND);
}

/// LOG-5: a job that panics takes down none after it, and is counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_job_takes_down_none_after_it() {
    let app = start_measured().await;
    app.add_user("alice").await;
    app.services.later.push(async { panic!("a job that panics") }).unwrap();
    ask_for_reset(&app, "alice").await;
    timeout(PATIENCE, app.mail("alice@example.com", "Choose a new password")).await.expect("the next job");
    assert!(metrics(&app).await.contains("whereabouts_background_job_panics_total 1"));
}

/// LOG-5: a worker that panics, or returns though the server runs, is counted and starts again; the others work on.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_fails_starts_again() {
    let app = start_measured().await;
    let (starts, third) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let started = (starts.clone(), third.clone());
    let mut supervisor = Supervisor::new(app.services.clone());
    supervisor.spawn("fragile", move |services| {
        let (starts, third) = started.clone();
        async move {
            match starts.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("a worker that panics"),
                1 => {}
                _ => {
                    third.notify_one();
                    services.stopped().await;
                }
            }
        }
    });
    timeout(PATIENCE, third.notified()).await.expect("a third start");
    assert!(metrics(&app).await.contains("whereabouts_worker_failures_total{worker=\"fragile\"} 2"));
    app.services.stopping.send_replace(true);
    supervisor.stop(tokio::time::Instant::now() + STOP).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    app.stop().await;
}

/// The program itself: SIGTERM ends it within five seconds, with success, while a client is connected that says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    drop(taken);
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.env("WHEREABOUTS_DATA_DIR", folder.path()).env("WHEREABOUTS_ADDR", addr.to_string()).env("WHEREABOUTS_GEOIP", "off");
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("the link of the first start").contains("/setup?token=") {}
    let _silent = TcpStream::connect(addr).await.unwrap();
    let terminated = Command::new("kill").args(["-TERM", &program.id().unwrap().to_string()]).status().await.unwrap();
    assert!(terminated.success());
    let ended = timeout(STOP, program.wait()).await.expect("stopped within five seconds").unwrap();
    assert!(ended.success(), "{ended}");
}

/// A mail server that accepts a connection and never answers does not hold up the stop. The mail stays in the outbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_never_answers_does_not_hold_up_the_stop() {
    let app = TestApp::start(Backend::Sqlite).await;
    app.add_user("alice").await;
    app.smtp.hang();
    ask_for_reset(&app, "alice").await;
    app.smtp.is_waited_for().await;
    let (url, _folder) = (app.database_url.clone(), app.folder());
    timeout(STOP, app.stop()).await.expect("stopped within five seconds");
    assert_eq!(waiting_mails(&url).await, 1);
}

/// SES-11: a use by a request that is answered while the server stops is written, last of all: the stop awaits the workers.
#[tokio::test(flavor = "multi_thread")]
async fn uses_are_written_before_the_stop_ends() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
    let token = alice.make_token("job", "full", "curl/8.5.0").await;
    app.advance(chrono::Duration::minutes(10));
    // Both look-ups wait for the lock while every worker is told to stop.
    let holder = hold(&app, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await;
    let meanwhile = async {
        wait_for_waiters(&app, 2).await;
        app.services.stopping.send_replace(true);
        accepts_no_more(&app).await;
        release(holder).await;
    };
    let (by_session, by_token, ()) = tokio::join!(alice.get("/api/v1/me"), token.get("/api/v1/me"), meanwhile);
    assert_eq!((by_session.status(), by_token.status()), (StatusCode::OK, StatusCode::OK));
    let (url, now) = (app.database_url.clone(), app.now());
    let (alice, bob, token) = (alice.id.clone(), bob.id.clone(), token.id.clone());
    timeout(STOP, app.stop()).await.expect("stopped within five seconds");
    assert_eq!(time_of(&url, "SELECT last_active_at FROM sessions WHERE id = $1", &alice).await, now);
    assert_eq!(time_of(&url, "SELECT last_active_at FROM sessions WHERE id = $1", &bob).await, now - chrono::Duration::minutes(10));
    assert_eq!(time_of(&url, "SELECT last_used_at FROM api_tokens WHERE id = $1", &token).await, now);
}

async fn time_of(url: &str, sql: &'static str, id: &str) -> DateTime<Utc> {
    let mut db = Db::open(url).await.unwrap().read().await.unwrap();
    let (time,): (DateTime<Utc>,) = whereabouts::fetch!(&mut db, fetch_one as (DateTime<Utc>,), sql, id).unwrap();
    time
}

/// Returns once the server has seen that it is to stop.
async fn accepts_no_more(app: &TestApp) {
    while TcpStream::connect(app.addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

both!(
    /// What was left for later by a request that was answered while the server stops is done before it has stopped.
    jobs_of_the_last_requests_are_done, |app| {
        app.add_user("alice").await;
        // No mail server takes it, so that it can be counted afterwards.
        app.smtp.refuse(true);
        let form = "email=alice%40example.com";
        let pending = PendingPost::begin(&app, "/api/ui/ask_for_reset", "application/x-www-form-urlencoded", form).await;
        app.services.stopping.send_replace(true);
        accepts_no_more(&app).await;
        assert_eq!(pending.finish().await, 200);
        let (url, _folder) = (app.database_url.clone(), app.folder());
        timeout(STOP, app.stop()).await.expect("stopped within five seconds");
        assert_eq!(waiting_mails(&url).await, 1);
    }
);

/// How many mails wait to be sent.
async fn waiting_mails(url: &str) -> i64 {
    let mut db = Db::open(url).await.unwrap().read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM outbox WHERE next_try_at IS NOT NULL";
    let (count,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql).unwrap();
    count
}

/// ALT-2: a mail is in the outbox before the worker that sends it is woken: woken earlier it would find nothing, and look again only
/// some seconds later.
#[tokio::test(flavor = "multi_thread")]
async fn the_mail_worker_is_woken_after_the_commit() {
    let app = TestApp::start_mailing(Backend::Postgres, Mailing::ByHand).await;
    app.add_user("alice").await;
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    ask_for_reset(&app, "alice").await;
    // The mail is written, and its transaction waits to put the cause on record.
    wait_for_waiters(&app, 1).await;
    assert!(app.services.post.notified().now_or_never().is_none());
    release(holder).await;
    timeout(PATIENCE, app.services.post.notified()).await.expect("woken");
    assert_eq!(waiting_mails(&app.database_url).await, 1);
}

/// A job of many batches ends between two of them when the server stops: nobody waits for the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_with_the_server() {
    let app = TestApp::start(Backend::Sqlite).await;
    let batches = AtomicUsize::new(0);
    let batch = || async {
        if batches.fetch_add(1, Ordering::SeqCst) == 2 {
            app.services.stopping.send_replace(true);
        }
        Ok(true)
    };
    timeout(PATIENCE, until_done(&app.services, &batch)).await.expect("the end of the job").unwrap();
    assert_eq!(batches.load(Ordering::SeqCst), 3);
    timeout(PATIENCE, until_done(&app.services, &batch)).await.expect("no job").unwrap();
    assert_eq!(batches.load(Ordering::SeqCst), 3);
}

/// What is to be done after a commit is not done before it, nor for a transaction that is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn work_after_a_commit_is_done_after_it_alone() {
    let app = TestApp::start(Backend::Sqlite).await;
    let done = Arc::new(AtomicUsize::new(0));
    let begin = async || {
        let (mut tx, done) = (app.services.db.write().await.unwrap(), done.clone());
        tx.after_commit(move || {
            done.fetch_add(1, Ordering::SeqCst);
        });
        tx
    };
    drop(begin().await);
    assert_eq!(done.load(Ordering::SeqCst), 0);
    let tx = begin().await;
    assert_eq!(done.load(Ordering::SeqCst), 0);
    tx.commit().await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1);
}
