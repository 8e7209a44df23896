//! Serves requests until told to stop.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tower::ServiceExt;

use crate::{
    foundation::{connections::Refused, services::Services},
    server::{Site, log_throttle::LogThrottle, socket::Socket},
};

/// The head of a connection's first request arrives within this time, or the connection is closed (NET-3).
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for later requests over HTTP/1.1. Idle connections are closed after it too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
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
    let graceful = GracefulShutdown::new();
    let (mut failures, mut refusals) = (LogThrottle::default(), LogThrottle::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = services.stopped() => break,
        };
        match accepted {
            Ok((stream, peer)) => match services.connections.admit(peer.ip(), &services.config) {
                Ok(permit) => answer(&services, Socket::new(stream, permit), peer, app.clone(), &graceful),
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
    if timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut: they were not answered in time");
    }
    Ok(())
}

fn log_refusal(services: &Services, refused: &Refused, throttle: &mut LogThrottle) {
    if let Some(connections) = throttle.count(services.clock.now()) {
        tracing::warn!(connections, reason = %refused, "connections were refused");
    }
}

/// Serves one connection on a task of its own.
fn answer(services: &Services, socket: Socket, peer: SocketAddr, app: Router, graceful: &GracefulShutdown) {
    let first_request = Arc::new(Notify::new());
    let arrived = first_request.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        arrived.notify_one();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        app.clone().oneshot(request.map(axum::body::Body::new) as Request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(LARGEST_HEAD);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(LARGEST_HEAD as u32).keep_alive_interval(Some(HEAD_TIMEOUT));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
    let connection = graceful.watch(connection);
    let connections = services.connections.clone();
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            // hyper-util reads the first bytes, which tell HTTP/1 from HTTP/2, without any timer, and HTTP/2 may stay without a request.
            in_time = timeout(FIRST_REQUEST_TIMEOUT, first_request.notified()) => match in_time {
                Ok(()) => connection.await,
                Err(_) => return connections.count_silent(),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(error = error.as_ref(), "a connection broke");
        }
    });
}
