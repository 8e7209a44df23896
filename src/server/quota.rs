//! Middleware that limits the requests per minute of each client, to the API and to the server functions of pages.

use axum::{
    extract::{Request, State},
    http::{HeaderName, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::server_fn::ServerFn as _;

use crate::{
    access::{Credential, Principal},
    authentication::{
        password::api::ResetPassword,
        sign_in::api::{EnterCode, SignIn},
    },
    error::AppError,
    foundation::{
        client::{info::ClientInfo, network::network},
        config::Switch,
        http::quota::{QuotaKey, QuotaStatus},
        services::Shared,
    },
    sessions::caller::Identity,
};

/// Requests per minute.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// Requests left in this minute.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until the next minute begins.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

const SERVER_FUNCTIONS: &str = "/api/ui/";
/// Server functions that are not counted, because users sign in with them: otherwise, an anonymous client that uses up the quota of a
/// network would keep out everybody there, even known browsers and holders of a reset link (LIM-1). They have limits of their own in the
/// database (`rate_limit`), which do not refuse these for the attempts of others. With an invalid secret, the second and the third cost one
/// indexed query at most.
const UNCOUNTED: [&str; 3] = [SignIn::PATH, EnterCode::PATH, ResetPassword::PATH];

/// Counts a request to the API, and refuses it if it exceeds the quota (LIM-5).
pub async fn enforce(State(services): Shared, request: Request, next: Next) -> Response {
    if services.config.rate_limits == Switch::Off {
        return next.run(request).await;
    }
    let QuotaStatus { limit, remaining, reset_seconds, is_exceeded } = services.quota.count(quota_key(&request), services.clock.now());
    let mut response = match is_exceeded {
        true => AppError::TooManyAttempts { seconds: reset_seconds }.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, limit.into());
    headers.insert(REMAINING, remaining.into());
    headers.insert(RESET, reset_seconds.into());
    response
}

/// Returns what a request counts for: its session or API token, else its network.
fn quota_key(request: &Request) -> QuotaKey {
    match request.extensions().get::<Principal>().map(|principal| &principal.credential) {
        Some(Credential::Session(id)) => QuotaKey::SignedIn(id.to_string()),
        Some(Credential::Token(id, _)) => QuotaKey::SignedIn(id.to_string()),
        None => network_key(request),
    }
}

/// Counts a request to a server function, and refuses it if it exceeds the quota (LIM-5): some are expensive, and anonymous clients may
/// call them. Other requests are not counted, nor are those that users sign in with ([`UNCOUNTED`]).
pub async fn enforce_for_server_functions(State(services): Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_counted = request.method() == Method::POST && path.starts_with(SERVER_FUNCTIONS) && !UNCOUNTED.contains(&path);
    if !is_counted || services.config.rate_limits == Switch::Off {
        return next.run(request).await;
    }
    let key = match request.extensions().get::<Identity>() {
        Some(Identity::SignedIn(caller)) => QuotaKey::SignedIn(caller.session.to_string()),
        // API tokens are not valid for server functions.
        _ => network_key(&request),
    };
    let QuotaStatus { reset_seconds, is_exceeded, .. } = services.server_function_quota.count(key, services.clock.now());
    if is_exceeded {
        return AppError::TooManyAttempts { seconds: reset_seconds }.into_response();
    }
    next.run(request).await
}

fn network_key(request: &Request) -> QuotaKey {
    let client_info = request.extensions().get::<ClientInfo>().expect("info::identify runs before");
    QuotaKey::Anonymous(network(client_info.ip))
}
