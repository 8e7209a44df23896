//! Serves requests until told to stop.

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
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tower::ServiceExt;

use crate::{
    error::AppError,
    foundation::{connections::Refused, services::Services},
    server::{Site, log_throttle::LogThrottle, socket::Socket},
};

/// The head of a request arrives within this time, or the connection is closed (NET-3). Idle connections are closed after it too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Larger heads are refused with 431.
const LARGEST_HEAD: usize = 32 * 1024;
/// Grace period for in-flight requests during shutdown. `workers.rs` has the rest of the five seconds.
const LAST_REQUESTS: Duration = Duration::from_secs(3);
/// Pause after a connection could not be accepted, most likely for want of file descriptors: some may close meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the site on this listener until its services are stopping. Then no connection is accepted any more, requests
/// under way are finished, live channels close themselves.
pub async fn serve(listener: TcpListener, site: Site) -> std::io::Result<()> {
    serve_with(listener, site, Router::new()).await
}

/// [`serve`], with more routes behind the same middleware: for benchmarks.
pub async fn serve_with(listener: TcpListener, site: Site, more: Router<Site>) -> std::io::Result<()> {
    let services = site.services.clone();
    let app = super::router(site, more);
    // Closed once every connection has dropped its sender.
    let (open, mut closed) = mpsc::channel(1);
    let (mut failures, mut refusals) = (LogThrottle::default(), LogThrottle::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = services.stopped() => break,
        };
        match accepted {
            Ok((stream, peer)) => match services.connections.admit(peer.ip(), &services.config) {
                Ok(permit) => answer(services.clone(), Socket::new(stream, permit), peer, app.clone(), open.clone()),
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
    drop((listener, open));
    if timeout(LAST_REQUESTS, closed.recv()).await.is_err() {
        tracing::warn!("some requests were cut: they were not answered in time");
    }
    Ok(())
}

fn log_refusal(services: &Services, refused: &Refused, throttle: &mut LogThrottle) {
    if let Some(connections) = throttle.count(services.clock.now()) {
        tracing::warn!(connections, reason = %refused, "connections were refused");
    }
}

/// Serves one connection on a task of its own, until the server stops. HTTP/1.1 alone: what speaks HTTP/2 to browsers stands in front of
/// us, and an HTTP/2 client can hold hundreds of responses that it never takes, out of reach of every timer here.
fn answer(services: Arc<Services>, socket: Socket, peer: SocketAddr, app: Router, open: mpsc::Sender<()>) {
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoken = has_spoken.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        spoken.store(true, Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        respond(app.clone(), request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(LARGEST_HEAD);
    let connection = builder.serve_connection(TokioIo::new(socket), service).with_upgrades();
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = services.stopped() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // One that has spoken is merely idle.
            if error.is_timeout() && !has_spoken.load(Relaxed) {
                services.connections.count_silent();
            }
            tracing::debug!(%error, "a connection broke");
        }
        drop(open);
    });
}

/// What changes something is carried through, whether its client waits or not: hyper drops a request whose client is gone, and a session
/// that was ended in the database would stay on the pages that are open.
async fn respond(app: Router, request: Request) -> Result<Response, Infallible> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return app.oneshot(request).await;
    }
    tokio::spawn(app.oneshot(request)).await.unwrap_or_else(|error| Ok(AppError::internal(&error).into_response()))
}
