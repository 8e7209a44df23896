//! Serves requests until the server stops.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::Method,
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{
    error::AppError,
    foundation::{connections::Refused, services::Services},
    server::{Site, log_throttle::LogThrottle, socket::Socket},
};

/// Time for the head of a request to arrive; then the connection is closed (NET-3). Idle connections are closed after it, too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Larger heads are refused with 431.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Grace period for in-flight requests during shutdown. `workers.rs` has the rest of the five seconds.
const REQUEST_GRACE_PERIOD: Duration = Duration::from_secs(3);
/// Pause after a connection could not be accepted, most likely for lack of file descriptors: some may close meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the site on this listener until its services are stopping. Then it accepts no more connections and finishes in-flight requests;
/// live channels close themselves.
pub async fn serve(listener: TcpListener, site: Site) -> std::io::Result<()> {
    serve_with(listener, site, Router::new()).await
}

/// Serves like [`serve`], with more routes behind the same middleware, for benchmarks.
pub async fn serve_with(listener: TcpListener, site: Site, more: Router<Site>) -> std::io::Result<()> {
    let services = site.services.clone();
    let app = super::router(site, more);
    let connections = TaskTracker::new();
    let (mut failures, mut refusals) = (LogThrottle::default(), LogThrottle::default());
    while let Some(accepted) = services.running.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match services.connections.admit(peer.ip(), &services.config) {
                Ok(permit) => {
                    connections.spawn(serve_connection(services.clone(), Socket::new(stream, permit), peer, app.clone()));
                }
                Err(refused) => log_refusal(&services, &refused, &mut refusals),
            },
            Err(error) => {
                if let Some(times) = failures.count(services.clock.now()) {
                    tracing::warn!(%error, times, "connections could not be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if timeout(REQUEST_GRACE_PERIOD, connections.wait()).await.is_err() {
        tracing::warn!("some requests were cut: they were not answered in time");
    }
    Ok(())
}

fn log_refusal(services: &Services, refused: &Refused, throttle: &mut LogThrottle) {
    if let Some(connections) = throttle.count(services.clock.now()) {
        tracing::warn!(connections, reason = %refused, "connections were refused");
    }
}

/// Serves one connection until the server stops. Only HTTP/1.1: a reverse proxy speaks HTTP/2 to browsers, and an HTTP/2 client could
/// hold hundreds of responses that it never reads, out of reach of every timer here.
async fn serve_connection(services: Arc<Services>, socket: Socket, peer: SocketAddr, app: Router) {
    let has_sent_request = Arc::new(AtomicBool::new(false));
    let sent = has_sent_request.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        sent.store(true, Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        respond(app.clone(), request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = services.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // One that has sent a request is merely idle.
        if error.is_timeout() && !has_sent_request.load(Relaxed) {
            services.connections.count_silent();
        }
        tracing::debug!(%error, "a connection broke");
    }
}

/// Responds to a request. One that changes something is completed even if its client disconnects: hyper would drop it, and a session that
/// was ended in the database would stay on open pages.
async fn respond(app: Router, request: Request) -> Result<Response, Infallible> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return app.oneshot(request).await;
    }
    tokio::spawn(app.oneshot(request)).await.unwrap_or_else(|error| Ok(AppError::internal(&error).into_response()))
}
