//! What is refused before anything looks at it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    error::AppError,
    foundation::{config::PublicUrl, services::Services},
    sessions::{caller::bearer, wire},
};

/// A request, its body included, is answered within this time or cut (NET-3).
const PATIENCE: Duration = Duration::from_secs(25);

/// Middleware: only requests to the public URL's host are answered (NET-2). A person who opened a page by another name is
/// led to the right one.
pub async fn host(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let public = services.config.public_url();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or(request.uri().host()).unwrap_or_default();
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    if is_probe || public.is_host(host) {
        return next.run(request).await;
    }
    let wants_page = request.method() == Method::GET && !request.uri().path().starts_with("/api/");
    match (wants_page, request.uri().path_and_query()) {
        (true, Some(path)) => Redirect::temporary(&format!("{}{path}", public.origin())).into_response(),
        _ => AppError::ForeignHost.into_response(),
    }
}

/// Middleware: cuts what takes too long: a body by the byte, since our own side gives up on its database well before. The
/// live channel has no end of its own: it is cut by its own rules.
pub async fn in_time(request: Request, next: Next) -> Response {
    if request.uri().path() == wire::PATH {
        return next.run(request).await;
    }
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::TooSlow.into_response(),
    }
}

/// Middleware: reads the whole body before anybody asks who sent it. A session that is revoked while its request arrives must not act
/// (SES-5): it could hold the last byte back for as long as a request may take.
pub async fn whole_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Bytes::from_request(Request::new(body), &()).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge.into_response(),
        Err(_) => AppError::Malformed.into_response(),
    }
}

/// Middleware: what changes something, or opens a live channel, must come from this site (WEB-2, ASVS 3.5.1).
pub async fn same_site(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && request.uri().path() != wire::PATH;
    let from = Provenance::of(request.headers(), &services.config.public_url());
    // A script sends neither header. It may, if nothing that a browser adds by itself vouches for it.
    let is_script = request.uri().path().starts_with("/api/v1/") && !request.headers().contains_key(header::COOKIE);
    // No browser sends a bearer token by itself, and beside one a cookie is ignored.
    let is_bearer = bearer(request.headers()).is_some();
    match from {
        _ if is_safe || is_bearer => next.run(request).await,
        Provenance::ThisSite => next.run(request).await,
        Provenance::Unsaid if is_script => next.run(request).await,
        Provenance::Unsaid | Provenance::Elsewhere => AppError::ForeignOrigin.into_response(),
    }
}

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a browser says that a request comes from.
#[derive(Debug, PartialEq, Eq)]
enum Provenance {
    ThisSite,
    Elsewhere,
    Unsaid,
}

impl Provenance {
    fn of(headers: &HeaderMap, public: &PublicUrl) -> Self {
        // A page that tells nobody where it is (`no-referrer`) sends `Origin: null`: then the browser's own word stands alone.
        let origin = headers.get(header::ORIGIN).filter(|origin| !headers.contains_key(SITE) || *origin != "null");
        let origin = origin.map(|origin| origin.to_str().is_ok_and(|origin| public.is_origin(origin)));
        let site = headers.get(SITE).map(|site| site == "same-origin");
        match (origin, site) {
            (None, None) => Self::Unsaid,
            (Some(true) | None, Some(true)) | (Some(true), None) => Self::ThisSite,
            _ => Self::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(headers: &[(&'static str, &str)]) -> Provenance {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        Provenance::of(&headers, &"https://site.example".parse().unwrap())
    }

    /// WEB-2
    #[test]
    fn only_what_says_this_site_is_from_this_site() {
        assert_eq!(provenance(&[]), Provenance::Unsaid);
        assert_eq!(provenance(&[("origin", "https://site.example")]), Provenance::ThisSite);
        assert_eq!(provenance(&[("sec-fetch-site", "same-origin")]), Provenance::ThisSite);
        assert_eq!(provenance(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), Provenance::ThisSite);
        let elsewhere: [&[(&str, &str)]; 7] = [
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://site.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://site.example"), ("sec-fetch-site", "cross-site")],
        ];
        for headers in elsewhere {
            assert_eq!(provenance(headers), Provenance::Elsewhere, "{headers:?}");
        }
    }
}
