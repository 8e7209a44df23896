//! Failures outside of handlers, and failures as pages.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    error::AppError,
    foundation::{panics::panic_message, services::Services},
    server::log_throttle::LogThrottle,
};

/// Responds to a panic in one request with 500 and an id. Nothing else is affected (LOG-5).
pub fn respond_to_panic(panic: Box<dyn Any + Send>) -> Response {
    AppError::internal(&panic_message(&*panic)).into_response()
}

/// Middleware: logs responses of 503, throttled because a flood can cause any number of them. Other failures of the server are logged where
/// they happen, and a body that breaks midway by `headers::log_broken_body`.
pub async fn log_unavailable(
    State((services, throttle)): State<(Arc<Services>, Arc<Mutex<LogThrottle>>)>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let due = throttle.lock().unwrap_or_else(PoisonError::into_inner).count(services.clock.now()); // a panic leaves the count whole
        if let Some(requests) = due {
            tracing::warn!(requests, "requests were answered with 503: too many at once, or the database does not answer");
        }
    }
    response
}

/// Middleware: turns the 413 of the body limit, which applies before any handler, into a problem like every other failure.
pub async fn rewrite_too_large(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !is_problem { AppError::TooLarge.into_response() } else { response }
}
