//! Metrics, on an address of their own: they are for operators, not for the public.

use std::{net::TcpListener, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, header},
    middleware::Next,
    response::Response,
    routing::get,
};

use crate::{
    error::AppError,
    foundation::{
        metrics::CONTENT_TYPE,
        services::{Services, Shared},
    },
};

/// Middleware: counts responses.
pub async fn count(State(services): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    services.metrics.responded(response.status());
    response
}

/// Serves `GET /metrics` until the server stops.
pub async fn run(services: Arc<Services>, listener: Arc<TcpListener>) {
    let routes = Router::new().route("/metrics", get(metrics)).with_state(services.clone());
    let serving = async { axum::serve(tokio::net::TcpListener::from_std(listener.try_clone()?)?, routes).await };
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                // The supervisor logs that it ended, and cannot know why.
                tracing::error!(%error, "metrics cannot be served");
            }
        }
        () = services.stopped() => {}
    }
}

async fn metrics(State(services): Shared) -> Result<([(HeaderName, &'static str); 1], String), AppError> {
    let written = services.metrics.render().map_err(|error| AppError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], written))
}
