//! Pages are for people who are signed in; everybody else is led to the login page.

use axum::{
    extract::{Query, Request},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::sessions::{caller::Visitor, model::HOME, next::Next as NextPath};

/// Pages that need no session.
const OPEN: [&str; 8] =
    ["/login", "/setup", "/register", "/request-access", "/forgot-password", "/reset-password", "/verify-email", "/sign-in-alert"];

#[derive(serde::Deserialize)]
struct Login {
    #[serde(default)]
    next: String,
}

/// Middleware for pages.
pub async fn pages(request: Request, next: Next) -> Response {
    let is_signed_in = matches!(request.extensions().get(), Some(Visitor::SignedIn(_)));
    let path = request.uri().path();
    match (is_signed_in, path) {
        (true, "/") => Redirect::to(HOME).into_response(),
        (true, "/login") => {
            let login = Query::<Login>::try_from_uri(request.uri()).map_or_else(|_| String::new(), |Query(login)| login.next);
            Redirect::to(NextPath::parse(&login).path()).into_response()
        }
        // Server functions check their caller themselves, and answer scripts.
        (false, path) if !OPEN.contains(&path) && !path.starts_with("/api/") => {
            let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
            let query = serde_urlencoded::to_string([("next", wanted)]).unwrap_or_default(); // a pair of strings always encodes
            Redirect::to(&format!("/login?{query}")).into_response()
        }
        _ => next.run(request).await,
    }
}
