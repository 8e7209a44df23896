//! Headers of every response, and what is logged of requests.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tower_http::classify::ServerErrorsFailureClass;

use crate::foundation::{http::request_id::RequestId, services::Services};

/// Defaults for every response, errors and files included (WEB-4). A page sets its own policy with its nonce.
const HEADERS: [(HeaderName, &str); 9] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    // No cache may store what depends on the caller (WEB-5). Static files override this.
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Asks Chromium for what its user agent no longer contains, and only for that: Windows 11.
    (HeaderName::from_static("accept-ch"), "Sec-CH-UA-Platform-Version"),
];

/// Middleware: sets those [`HEADERS`] that the response does not have yet.
pub async fn set_security_headers(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        set_default(headers, name, value);
    }
    if services.config.public_url().https {
        set_default(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Returns the log span of a request: its id, method and path, without its query, which may contain a one-time token (LOG-3).
pub fn make_span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    tracing::info_span!("request", id = id.as_str(), method = %request.method(), path = request.uri().path())
}

/// Logs a response whose body broke midway. Responses of 5xx are logged where the failure happens.
pub fn log_broken_body(failure: ServerErrorsFailureClass, _: Duration, _: &tracing::Span) {
    if let ServerErrorsFailureClass::Error(error) = failure {
        tracing::error!(error, "a response could not be sent");
    }
}
