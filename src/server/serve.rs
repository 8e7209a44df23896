//! Serves requests until told to stop.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::server::Site;

/// A client that has not sent its headers by then is cut (NET-3).
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// Larger heads are refused with 431.
const LARGEST_HEAD: usize = 32 * 1024;
/// Grace period for in-flight requests during shutdown. `workers.rs` has the rest of the five seconds.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

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
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: let some close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = services.stopped() => break,
        };
        answer(socket, peer, app.clone(), &graceful);
    }
    drop(listener);
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut: they were not answered in time");
    }
    Ok(())
}

/// Answers one connection on a task of its own.
fn answer(socket: TcpStream, peer: SocketAddr, app: Router, graceful: &GracefulShutdown) {
    // Pages are streamed in pieces: without this each would wait for the acknowledgement of the one before.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "the connection went at once");
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        app.clone().oneshot(request.map(axum::body::Body::new) as Request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(LARGEST_HEAD);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(LARGEST_HEAD as u32).keep_alive_interval(Some(HEADERS_WITHIN));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = error.as_ref(), "a connection broke");
        }
    });
}
