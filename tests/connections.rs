//! Silent connections, and too many connections.
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

/// Maximum time until a client is answered, however many connections are silent.
const RESPONSE_LIMIT: Duration = Duration::from_secs(2);

/// Connects from this loopback address.
async fn connect(app: &TestApp, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
    socket.connect(app.addr).await.unwrap()
}

/// Sends `GET path` over this connection and returns the status line of the response. Empty if the server closed it.
async fn request_over(socket: &mut TcpStream, app: &TestApp, path: &str, more: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", app.addr);
    // The write may fail already if the server closed the connection at once.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = [0; 4096];
    let read = timeout(RESPONSE_LIMIT, socket.read(&mut answer)).await.expect("an answer, in time").unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

/// Sends `GET /healthz` over a new connection. Returns the connection, which stays open, and the status line.
async fn request_health(app: &TestApp, from: &str) -> (TcpStream, String) {
    let mut socket = connect(app, from).await;
    let status = request_over(&mut socket, app, "/healthz", "").await;
    (socket, status)
}

async fn is_answered(app: &TestApp, from: &str) -> bool {
    request_health(app, from).await.1 == "HTTP/1.1 200 OK"
}

/// Returns once exactly this many connections are open.
async fn wait_until_open(app: &TestApp, count: usize) {
    let until = async {
        while app.services.connections.count() != count {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), until).await.expect("connections are counted as they open and close");
}

/// NET-3: a connection whose request does not arrive is closed after ten seconds: one without a byte, one with half an HTTP/2 preface, and
/// one with half a head. Others are answered meanwhile.
#[tokio::test]
async fn silent_connections_are_closed() {
    let app = TestApp::start(Backend::Sqlite).await;
    let incomplete_requests: [&[u8]; 3] = [b"", b"PRI * HT", b"GET / HTTP/1.1\r\nHost:"];
    let mut silent = Vec::new();
    for request in incomplete_requests {
        let mut socket = connect(&app, "127.0.0.2").await;
        socket.write_all(request).await.unwrap();
        silent.push(socket);
    }
    let (_spoken, status) = request_health(&app, "127.0.0.1").await;
    assert_eq!(status, "HTTP/1.1 200 OK");

    // From here on, time advances as soon as every task waits for it.
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

/// NET-3: HTTP/2 is not supported, with or without a request, because its clients could hold responses forever.
#[tokio::test]
async fn http_2_is_not_supported() {
    let app = TestApp::start(Backend::Sqlite).await;
    let mut socket = connect(&app, "127.0.0.2").await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut received = Vec::new();
    // The server closes at once, with a reset if it left bytes unread.
    let _ = timeout(Duration::from_secs(5), socket.read_to_end(&mut received)).await.expect("to be closed");
    assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&received));
    assert_eq!(request_health(&app, "127.0.0.1").await.1, "HTTP/1.1 200 OK");
}

/// NET-3: a client that sends requests and never reads is closed within 30 seconds, too.
#[tokio::test]
async fn clients_that_never_read_are_disconnected() {
    let app = TestApp::start_with(Backend::Sqlite, &["--rate-limits", "off"]).await;
    let mut socket = connect(&app, "127.0.0.2").await;
    let request = format!("GET /api/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", app.addr);
    // From here on, time advances as soon as every task waits for it: the client until it may write, the server until it may answer.
    tokio::time::pause();
    let started = Instant::now();
    let ask = async { while socket.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(120), ask).await.expect("to be closed");
    assert!(started.elapsed() < Duration::from_secs(31), "{:?}", started.elapsed());
    wait_until_open(&app, 0).await;
}

/// LIM-5, NET-3: two thousand silent connections from one address do not delay other clients. Beyond a quarter of all connections, only
/// that address is refused.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_block_other_clients() {
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
        let status = request_over(&mut connect(&app, "127.0.0.1").await, &app, path, &bearer).await;
        assert!(["HTTP/1.1 200 OK", "HTTP/1.1 303 See Other"].contains(&status.as_str()), "{path}: {status}");
    }
    assert!(!is_answered(&app, "127.0.0.2").await && is_answered(&app, "127.0.0.1").await);
}

/// LIM-5: one network may have a quarter of the connections, at least 16. A closed connection makes room for a new one.
#[tokio::test]
async fn each_network_has_a_connection_limit() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "40"]).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(connect(&app, "127.0.0.2").await);
    }
    assert!(!is_answered(&app, "127.0.0.2").await && is_answered(&app, "127.0.0.3").await);
    wait_until_open(&app, 16).await;
    silent.pop();
    wait_until_open(&app, 15).await;
    assert!(is_answered(&app, "127.0.0.2").await);
}

/// LIM-5: all networks together may have the configured number of connections. A closed connection makes room for a new one.
#[tokio::test]
async fn all_networks_share_a_connection_limit() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "20"]).await;
    let mut silent = Vec::new();
    for at in 0..20 {
        silent.push(connect(&app, if at < 10 { "127.0.0.2" } else { "127.0.0.3" }).await);
    }
    assert!(!is_answered(&app, "127.0.0.4").await);
    silent.pop();
    wait_until_open(&app, 19).await;
    assert!(is_answered(&app, "127.0.0.4").await);
}

/// LIM-5: all clients share the address of a trusted proxy, so only the limit of all connections applies to it.
#[tokio::test]
async fn trusted_proxies_are_exempt_from_the_network_limit() {
    let app = TestApp::start_with(Backend::Sqlite, &["--max-connections", "40", "--trusted-proxies", "127.0.0.2/32"]).await;
    let mut silent = Vec::new();
    for _ in 0..39 {
        silent.push(connect(&app, "127.0.0.2").await);
    }
    let (last, status) = request_health(&app, "127.0.0.2").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(!is_answered(&app, "127.0.0.2").await && !is_answered(&app, "127.0.0.1").await);
    drop(last);
    wait_until_open(&app, 39).await;
    assert!(is_answered(&app, "127.0.0.1").await);
}

both!(
    /// LIM-5: a live channel counts as a connection until it ends.
    live_channels_count_as_connections, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let before = app.services.connections.count();
        let page = Page::open(&alice).await;
        assert_eq!(app.services.connections.count(), before + 1);
        drop(page);
        wait_until_open(&app, before).await;
    }
);
