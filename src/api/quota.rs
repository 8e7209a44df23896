//! Middleware: how many requests a minute each client may make, to the API and to the server functions of pages.

use axum::{
    extract::{Request, State},
    http::{HeaderName, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::server_fn::ServerFn as _;

use crate::{
    access::{Access, Credential},
    error::AppError,
    foundation::{
        config::Switch,
        network::network,
        origin::Origin,
        quota::{Counted, Left},
        services::Shared,
    },
    password::api::ResetPassword,
    sessions::caller::Visitor,
    sign_in::api::{GiveCode, SignIn},
    ui::plain_form::accepts_html,
};

/// How many requests a minute there are.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of them are left.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// In how many seconds the next minute begins.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

const SERVER_FUNCTIONS: &str = "/api/ui/";
/// Server functions that are not counted, since people come in by them: counted, a stranger who uses up the minute of a network would
/// keep everybody there out, whose browser is known or who holds a reset link (LIM-1). They have limits of their own in the database
/// (`tries`), which know whom they must not refuse for what strangers did. With a secret that opens nothing, the second and the third
/// cost one indexed look-up at most.
const UNCOUNTED: [&str; 3] = [SignIn::PATH, GiveCode::PATH, ResetPassword::PATH];

/// Counts a request to the API, and refuses one too many (LIM-5).
pub async fn count(State(services): Shared, request: Request, next: Next) -> Response {
    if services.config.rate_limits == Switch::Off {
        return next.run(request).await;
    }
    let Left { limit, requests, seconds, is_over } = services.quota.count(client(&request), services.clock.now());
    let mut response = match is_over {
        true => AppError::TooManyAttempts { seconds }.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, limit.into());
    headers.insert(REMAINING, requests.into());
    headers.insert(RESET, seconds.into());
    response
}

/// A session or an API token; others by their network.
fn client(request: &Request) -> Counted {
    match request.extensions().get::<Access>().map(|access| &access.client.credential) {
        Some(Credential::Session(id)) => Counted::SignedIn(id.to_string()),
        Some(Credential::Token(id)) => Counted::SignedIn(id.to_string()),
        None => anonymous(request),
    }
}

/// Counts a request to a server function, and refuses one too many (LIM-5): some are expensive, and strangers may call them. Other
/// requests pass uncounted, and so do those by which people come in ([`UNCOUNTED`]).
pub async fn count_server_functions(State(services): Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_counted = request.method() == Method::POST && path.starts_with(SERVER_FUNCTIONS) && !UNCOUNTED.contains(&path);
    if !is_counted || services.config.rate_limits == Switch::Off {
        return next.run(request).await;
    }
    let client = match request.extensions().get::<Visitor>() {
        Some(Visitor::SignedIn(caller)) => Counted::SignedIn(caller.session.to_string()),
        // An API token opens no server function.
        _ => anonymous(&request),
    };
    let Left { seconds, is_over, .. } = services.server_function_quota.count(client, services.clock.now());
    match is_over {
        false => next.run(request).await,
        // A browser without a script is shown a page (`server/errors.rs`).
        true if accepts_html(request.headers()) => AppError::TooManyAttempts { seconds }.into_response(),
        true => AppError::TooManyAttempts { seconds }.into_server_function_response(),
    }
}

fn anonymous(request: &Request) -> Counted {
    let origin = request.extensions().get::<Origin>().expect("origin::identify runs before");
    Counted::Anonymous(network(origin.ip))
}
