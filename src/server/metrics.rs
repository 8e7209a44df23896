//! Metrics, served on a separate address: they are for operators, not for the public.

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
pub async fn count_responses(State(services): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    services.metrics.count_response(response.status());
    response
}

/// Serves `GET /metrics` until the server stops.
pub async fn run(services: Arc<Services>, listener: Arc<TcpListener>) {
    let routes = Router::new().route("/metrics", get(render)).with_state(services.clone());
    let serving = async { axum::serve(tokio::net::TcpListener::from_std(listener.try_clone()?)?, routes).await };
    if let Some(Err(error)) = services.running.run_until_cancelled(serving).await {
        // The supervisor logs that it ended, but cannot know why.
        tracing::error!(%error, "metrics cannot be served");
    }
}

async fn render(State(services): Shared) -> Result<([(HeaderName, &'static str); 1], String), AppError> {
    let text = services.metrics.render().map_err(|error| AppError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}
