//! Liveness and readiness checks.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::{error::AppError, foundation::services::Services, server::Site};

/// `GET /healthz` and `GET /readyz`.
pub fn routes() -> Router<Site> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(check_readiness))
}

async fn check_readiness(State(services): State<Arc<Services>>) -> Result<(StatusCode, &'static str), AppError> {
    services.db.ping().await?;
    Ok((StatusCode::OK, "ready\n"))
}
