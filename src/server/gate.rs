//! Redirects anonymous visitors of pages to the login page.

use axum::{
    extract::{Query, Request},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::sessions::{caller::Identity, model::HOME, redirect::RedirectPath};

/// Pages that need no session.
const PUBLIC_PAGES: [&str; 8] =
    ["/login", "/setup", "/register", "/request-access", "/forgot-password", "/reset-password", "/verify-email", "/sign-in-alert"];

#[derive(serde::Deserialize)]
struct LoginQuery {
    #[serde(default)]
    next: String,
}

/// Middleware for pages: without a session, redirects to the login page; with one, redirects away from it.
pub async fn require_session(request: Request, next: Next) -> Response {
    let is_signed_in = matches!(request.extensions().get(), Some(Identity::SignedIn(_)));
    let path = request.uri().path();
    match (is_signed_in, path) {
        (true, "/") => Redirect::to(HOME).into_response(),
        (true, "/login") => {
            let login = Query::<LoginQuery>::try_from_uri(request.uri()).map_or_else(|_| String::new(), |Query(login)| login.next);
            Redirect::to(RedirectPath::parse(&login).path()).into_response()
        }
        // Server functions check their caller themselves and respond to scripts.
        (false, path) if !PUBLIC_PAGES.contains(&path) && !path.starts_with("/api/") => {
            let requested = request.uri().path_and_query().map_or("/", |requested| requested.as_str());
            let query = serde_urlencoded::to_string([("next", requested)]).unwrap_or_default(); // a pair of strings always encodes
            Redirect::to(&format!("/login?{query}")).into_response()
        }
        _ => next.run(request).await,
    }
}
