//! Connections that say nothing, or are too many.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::{net::IpAddr, time::Duration};

use support::{Backend, TestApp, live::Page};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::yield_now,
    time::{Instant, timeout},
};
use whereabouts::foundation::open_files;

/// A client must not wait longer for an answer than this, however many connections are silent.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Connects from this loopback address.
async fn connect(app: &TestApp, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
    socket.connect(app.addr).await.unwrap()
}

/// The status line of `GET path` over this connection. Empty if the server closed it.
async fn ask_over(socket: &mut TcpStream, app: &TestApp, path: &str, more: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", app.addr);
    // A connection that was closed at once may refuse it already.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = [0; 4096];
    let read = timeout(ANSWERED_WITHIN, socket.read(&mut answer)).await.expect("an answer, in time").unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

/// The status line of `GET /healthz` over a connection of its own, which stays open.
async fn ask(app: &TestApp, from: &str) -> (TcpStream, String) {
    let mut socket = connect(app, from).await;
    let status = ask_over(&mut socket, app, "/healthz", "").await;
    (socket, status)
}

async fn is_answered(app: &TestApp, from: &str) -> bool {
    ask(app, from).await.1 == "HTTP/1.1 200 OK"
}

/// Returns once so many connections are open.
async fn until_open(app: &TestApp, count: usize) {
    let until = async {
        while app.services.connections.open() != count {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), until).await.expect("connections are counted as they open and close");
}

/// NET-3: a connection whose request does not arrive is closed after ten seconds: one that says nothing, half an HTTP/2 preface, and half
/// a head. Others are answered meanwhile.
#[tokio::test]
async fn silent_connections_are_closed() {
    let app = TestApp::start(Backend::Sqlite).await;
    let said: [&[u8]; 3] = [b"", b"PRI * HT", b"GET / HTTP/1.1\r\nHost:"];
    let mut silent = Vec::new();
    for said in said {
        let mut socket = connect(&app, "127.0.0.2").await;
        socket.write_all(said).await.unwrap();
        silent.push(socket);
    }
    let (_spoken, status) = ask(&app, "127.0.0.1").await;
    assert_eq!(status, "HTTP/1.1 200 OK");

    // From here on time passes as soon as everybody waits for it.
    tokio::time::pause();
    let started = Instant::now();
    let closed = silent.iter_mut().map(|socket| async {
        timeout(Duration::from_secs(60), socket.read_to_end(&mut Vec::new())).await.expect("to be closed").unwrap();
        started.elapsed()
    });
    for after in futures::future::join_all(closed).await {
        assert!(after >= Duration::from_secs(9) && after < Duration::from_secs(11), "{after:?}");
    }
    assert_eq!(app.services.connections.counters().silent.load(std::sync::atomic::Ordering::Relaxed), 3);
}

/// NET-3: HTTP/2 is not spoken, with or without a request: its clients could hold responses for ever.
#[tokio::test]
async fn http_2_is_not_spoken() {
    let app = TestApp::start(Backend::Sqlite).await;
    let mut socket = connect(&app, "127.0.0.2").await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut said = Vec::new();
    // Closed at once, by a reset where bytes were left unread.
    let _ = timeout(Duration::from_secs(5), socket.read_to_end(&mut said)).await.expect("to be closed");
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&said));
    assert_eq!(ask(&app, "127.0.0.1").await.1, "HTTP/1.1 200 OK");
}

/// NET-3: a client that asks and never reads is closed within 30 seconds, too.
#[tokio::test]
async fn clients_that_never_read_are_closed() {
    let app = TestApp::start_with(Backend::Sqlite, &["--rate-limits", "off"]).await;
    let mut socket = connect(&app, "127.0.0.2").await;
    let request = format!("GET /api/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", app.addr);
    // From here on time passes as soon as everybody waits for it: the client until it may write, the server until it may answer.
    tokio::time::pause();
    let started = Instant::now();
    let ask = async { while socket.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(120), ask).await.expect("to be closed");
    assert!(started.elapsed() < Duration::from_secs(31), "{:?}", started.elapsed());
    until_open(&app, 0).await;
}

/// LIM-5, NET-3: two thousand silent connections from one address find everybody else answered in time; beyond a quarter of all, that
/// address is refused, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_from_being_answered() {
    open_files::raise_limit().unwrap();
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "8000"]).await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    let mut silent = Vec::new();
    for _ in 0..2_000 {
        silent.push(connect(&app, "127.0.0.2").await);
    }
    let bearer = format!("Authorization: Bearer {}\r\n", alice.token);
    for path in ["/healthz", "/api/v1/me", "/login"] {
        let status = ask_over(&mut connect(&app, "127.0.0.1").await, &app, path, &bearer).await;
        assert!(["HTTP/1.1 200 OK", "HTTP/1.1 303 See Other"].contains(&status.as_str()), "{path}: {status}");
    }
    assert!(!is_answered(&app, "127.0.0.2").await && is_answered(&app, "127.0.0.1").await);
}

/// LIM-5: one network has a quarter of the connections, at least 16; what it has closed it may open again.
#[tokio::test]
async fn a_network_has_its_own_limit() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "40"]).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(connect(&app, "127.0.0.2").await);
    }
    assert!(!is_answered(&app, "127.0.0.2").await && is_answered(&app, "127.0.0.3").await);
    until_open(&app, 16).await;
    silent.pop();
    until_open(&app, 15).await;
    assert!(is_answered(&app, "127.0.0.2").await);
}

/// LIM-5: all networks together have so many connections as is configured; when some end, others are admitted.
#[tokio::test]
async fn all_networks_have_a_limit_together() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "20"]).await;
    let mut silent = Vec::new();
    for at in 0..20 {
        silent.push(connect(&app, if at < 10 { "127.0.0.2" } else { "127.0.0.3" }).await);
    }
    assert!(!is_answered(&app, "127.0.0.4").await);
    silent.pop();
    until_open(&app, 19).await;
    assert!(is_answered(&app, "127.0.0.4").await);
}

/// LIM-5: everybody comes by the address of a trusted proxy, so that it has no limit but that of all.
#[tokio::test]
async fn trusted_proxies_are_exempt_from_the_limit_of_a_network() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "40", "--trusted-proxies", "127.0.0.2/32"]).await;
    let mut silent = Vec::new();
    for _ in 0..39 {
        silent.push(connect(&app, "127.0.0.2").await);
    }
    let (last, status) = ask(&app, "127.0.0.2").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(!is_answered(&app, "127.0.0.2").await && !is_answered(&app, "127.0.0.1").await);
    drop(last);
    until_open(&app, 39).await;
    assert!(is_answered(&app, "127.0.0.1").await);
}

both!(
    /// LIM-5: a live channel counts as a connection until it ends.
    live_channels_count_as_connections, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let before = app.services.connections.open();
        let page = Page::open(&alice).await;
        assert_eq!(app.services.connections.open(), before + 1);
        drop(page);
        until_open(&app, before).await;
    }
);
