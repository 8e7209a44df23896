//! Workers: one that fails is restarted, none stops another, and all stop in time.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{
    Backend, MailDelivery, TestApp,
    pending::PendingPost,
    postgres::{hold, release, wait_until_blocked},
    world::World,
};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use reqwest::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Notify,
    time::timeout,
};
use whereabouts::foundation::{
    db::Db,
    supervisor::{Supervisor, run_until_done},
};

/// The promised maximum for a complete shutdown.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);
/// Longer than any successful wait here takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(15);

async fn fetch_metrics(app: &TestApp) -> String {
    let answer = app.http.get(format!("http://{}/metrics", app.metrics_addr.unwrap())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn start_with_metrics() -> TestApp {
    TestApp::start_with(Backend::Sqlite, &["--metrics-addr", "127.0.0.1:0"]).await
}

async fn request_reset(app: &TestApp, name: &str) {
    let answer = app.post_form("request_password_reset", "", &[("email", &format!("{name}@example.com"))]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Metrics are served on their own address and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_on_a_separate_address() {
    let app = start_with_metrics().await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    assert_eq!(app.get("/metrics").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.http.get(format!("http://{}/login", app.metrics_addr.unwrap())).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let _page = crate::support::live::Page::open(&alice).await;
    let metrics_text = fetch_metrics(&app).await;
    for line in [
        "whereabouts_http_responses_total{status=\"2xx\"} 1",
        "whereabouts_http_responses_total{status=\"4xx\"} 1",
        "whereabouts_live_channels 1",
        "whereabouts_connections_refused_total 0",
        "whereabouts_connections_silent_total 0",
        "whereabouts_background_job_panics_total 0",
        "whereabouts_database_deadline_misses_total 0",
    ] {
        assert!(metrics_text.lines().any(|metrics_text| metrics_text == line), "{line} is not in\n{metrics_text}");
    }
    assert!(!metrics_text.contains("alice") && metrics_text.ends_with("# EOF\n"), "{metrics_text}");
}

/// Without the setting, no metrics are served, and the site has no such page.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_off_by_default() {
    let app = TestApp::start(Backend::Sqlite).await;
    assert!(app.services.config.metrics_addr.is_none());
    assert_eq!(app.get("/metrics").await.status(), StatusCode::NOT_FOUND);
}

/// LOG-5: a job that panics is counted and does not stop later jobs.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_job_does_not_stop_later_jobs() {
    let app = start_with_metrics().await;
    app.add_user("alice").await;
    app.services.background_jobs.enqueue(async { panic!("a job that panics") }).unwrap();
    request_reset(&app, "alice").await;
    timeout(WAIT_TIMEOUT, app.wait_for_mail("alice@example.com", "Choose a new password")).await.expect("the next job");
    assert!(fetch_metrics(&app).await.contains("whereabouts_background_job_panics_total 1"));
}

/// LOG-5: a worker that panics, or returns although the server runs, is counted and restarted. The others keep working.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_worker_is_restarted() {
    let app = start_with_metrics().await;
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
    timeout(WAIT_TIMEOUT, third.notified()).await.expect("a third start");
    assert!(fetch_metrics(&app).await.contains("whereabouts_worker_failures_total{worker=\"fragile\"} 2"));
    app.services.running.cancel();
    supervisor.stop(tokio::time::Instant::now() + SHUTDOWN_LIMIT).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    app.stop().await;
}

/// SIGTERM ends the program successfully within five seconds, even while a client is connected that sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_stops_the_program() {
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
    let ended = timeout(SHUTDOWN_LIMIT, program.wait()).await.expect("stopped within five seconds").unwrap();
    assert!(ended.success(), "{ended}");
}

/// Readers are closed before the writer, which then removes SQLite's WAL: one file is the whole database.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_no_wal_behind() {
    let app = TestApp::start(Backend::Sqlite).await;
    let world = World::create(&app, "Sunny").await;
    world.add_members(&app, &[("alice", "owner")]).await;
    let alice = app.sign_in("alice").await;
    // Enough that each thread has decided.
    for _ in 0..20 {
        assert_eq!(alice.get(&format!("/api/v1/plants/{}", world.plants[0])).await.status(), StatusCode::OK);
    }
    let folder = app.folder();
    let wal = folder.path().join("test.db-wal");
    assert!(wal.exists());
    app.stop().await;
    assert!(!wal.exists());
}

/// A mail server that accepts a connection and never answers does not delay shutdown. The email stays in the outbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_mail_server_does_not_delay_shutdown() {
    let app = TestApp::start(Backend::Sqlite).await;
    app.add_user("alice").await;
    app.smtp.hang();
    request_reset(&app, "alice").await;
    app.smtp.wait_for_hanging_client().await;
    let (url, _folder) = (app.database_url.clone(), app.folder());
    timeout(SHUTDOWN_LIMIT, app.stop()).await.expect("stopped within five seconds");
    assert_eq!(count_waiting_mails(&url).await, 1);
}

/// SES-11: shutdown waits for the workers, so that even the use by a request that is answered meanwhile is written.
#[tokio::test(flavor = "multi_thread")]
async fn uses_are_written_before_shutdown_completes() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
    let token = alice.create_token("job", "full", "curl/8.5.0").await;
    app.advance(chrono::Duration::minutes(10));
    // Both look-ups wait for the lock while every worker is told to stop.
    let holder = hold(&app, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await;
    let meanwhile = async {
        wait_until_blocked(&app, 2).await;
        app.services.running.cancel();
        wait_until_not_accepting(&app).await;
        release(holder).await;
    };
    let (by_session, by_token, ()) = tokio::join!(alice.get("/api/v1/me"), token.get("/api/v1/me"), meanwhile);
    assert_eq!((by_session.status(), by_token.status()), (StatusCode::OK, StatusCode::OK));
    let (url, now) = (app.database_url.clone(), app.now());
    let (alice, bob, token) = (alice.id.clone(), bob.id.clone(), token.id.clone());
    timeout(SHUTDOWN_LIMIT, app.stop()).await.expect("stopped within five seconds");
    assert_eq!(fetch_time(&url, "SELECT last_active_at FROM sessions WHERE id = $1", &alice).await, now);
    assert_eq!(fetch_time(&url, "SELECT last_active_at FROM sessions WHERE id = $1", &bob).await, now - chrono::Duration::minutes(10));
    assert_eq!(fetch_time(&url, "SELECT last_used_at FROM api_tokens WHERE id = $1", &token).await, now);
}

async fn fetch_time(url: &str, sql: &'static str, id: &str) -> DateTime<Utc> {
    let mut db = Db::open(url).await.unwrap().read().await.unwrap();
    let (time,): (DateTime<Utc>,) = whereabouts::fetch!(&mut db, fetch_one as (DateTime<Utc>,), sql, id).unwrap();
    time
}

/// Returns once the server no longer accepts connections, which means that it has seen the stop signal.
async fn wait_until_not_accepting(app: &TestApp) {
    while TcpStream::connect(app.addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

both!(
    /// Background jobs of a request that is answered while the server stops finish before shutdown completes.
    background_jobs_of_the_last_requests_finish, |app| {
        app.add_user("alice").await;
        // The mail server refuses the email, so that it can be counted afterwards.
        app.smtp.set_refusing(true);
        let form = "email=alice%40example.com";
        let pending = PendingPost::start(&app, "/api/ui/request_password_reset", "application/x-www-form-urlencoded", form).await;
        app.services.running.cancel();
        wait_until_not_accepting(&app).await;
        assert_eq!(pending.finish().await, 200);
        let (url, _folder) = (app.database_url.clone(), app.folder());
        timeout(SHUTDOWN_LIMIT, app.stop()).await.expect("stopped within five seconds");
        assert_eq!(count_waiting_mails(&url).await, 1);
    }
);

/// Counts the emails that wait to be sent.
async fn count_waiting_mails(url: &str) -> i64 {
    let mut db = Db::open(url).await.unwrap().read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM outbox WHERE next_attempt_at IS NOT NULL";
    let (count,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql).unwrap();
    count
}

/// ALT-2: the mail worker is notified only after the email is committed. Notified earlier, it would find nothing and look again some
/// seconds later.
#[tokio::test(flavor = "multi_thread")]
async fn the_mail_worker_is_woken_after_the_commit() {
    let app = TestApp::start_with_mail_delivery(Backend::Postgres, MailDelivery::Manual).await;
    app.add_user("alice").await;
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    request_reset(&app, "alice").await;
    // The email is written, and its transaction waits to record the audit event.
    wait_until_blocked(&app, 1).await;
    assert!(app.services.mail_wakeup.notified().now_or_never().is_none());
    release(holder).await;
    timeout(WAIT_TIMEOUT, app.services.mail_wakeup.notified()).await.expect("woken");
    assert_eq!(count_waiting_mails(&app.database_url).await, 1);
}

/// A job of many batches stops between two of them when the server stops, so that shutdown does not wait for the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_job_stops_with_the_server() {
    let app = TestApp::start(Backend::Sqlite).await;
    let batches = AtomicUsize::new(0);
    let batch = || async {
        if batches.fetch_add(1, Ordering::SeqCst) == 2 {
            app.services.running.cancel();
        }
        Ok(true)
    };
    timeout(WAIT_TIMEOUT, run_until_done(&app.services, &batch)).await.expect("the end of the job").unwrap();
    assert_eq!(batches.load(Ordering::SeqCst), 3);
    timeout(WAIT_TIMEOUT, run_until_done(&app.services, &batch)).await.expect("no job").unwrap();
    assert_eq!(batches.load(Ordering::SeqCst), 3);
}

/// After-commit work runs neither before the commit nor for a transaction that is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn after_commit_work_runs_only_after_a_commit() {
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
