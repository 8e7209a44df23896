//! Middleware: each client of the API has so many requests a minute, and is told how many are left.

use axum::{
    extract::{Request, State},
    http::HeaderName,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    access::{Access, Credential},
    error::AppError,
    foundation::{
        config::Switch,
        network::network,
        origin::Origin,
        quota::{Left, MOST_A_MINUTE},
        services::Shared,
    },
};

/// How many requests a minute there are.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of them are left.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// In how many seconds the next minute begins.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Counts a request, and refuses one too many (LIM-5).
pub async fn count(State(services): Shared, request: Request, next: Next) -> Response {
    if services.config.rate_limits == Switch::Off {
        return next.run(request).await;
    }
    let Left { requests, seconds, is_over } = services.quota.count(client(&request), services.clock.now());
    let mut response = match is_over {
        true => AppError::TooManyAttempts { seconds }.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, MOST_A_MINUTE.into());
    headers.insert(REMAINING, requests.into());
    headers.insert(RESET, seconds.into());
    response
}

/// Who is counted: a session or a token, and strangers by their network.
fn client(request: &Request) -> String {
    match request.extensions().get::<Access>().map(|access| &access.client.credential) {
        Some(Credential::Session(id)) => id.to_string(),
        Some(Credential::Token(id)) => id.to_string(),
        None => request.extensions().get::<Origin>().map(|origin| network(origin.ip)).unwrap_or_default(), // origin::identify runs before
    }
}
