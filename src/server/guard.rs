//! Middleware that refuses requests before they are processed.

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
    sessions::{caller::bearer_token, live::protocol},
};

/// Time within which a request, its body included, is answered; then it is cut (NET-3).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// Middleware: accepts only requests to the host of the public URL (NET-2). Requests for pages on another host are redirected to it.
pub async fn check_host(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
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

/// Middleware: cuts requests that take too long, such as a body sent byte by byte. The server itself gives up on its database well before.
/// The live channel is exempt: it has timeouts of its own.
pub async fn enforce_timeout(request: Request, next: Next) -> Response {
    if request.uri().path() == protocol::PATH {
        return next.run(request).await;
    }
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::TooSlow.into_response(),
    }
}

/// Middleware: reads the whole body before the caller is identified. A session that is revoked while its request arrives must not act
/// (SES-5): a client could hold back the last byte for as long as a request may take.
pub async fn buffer_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Bytes::from_request(Request::new(body), &()).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge.into_response(),
        Err(_) => AppError::Malformed.into_response(),
    }
}

/// Middleware: requests that change something or open a live channel must come from this site (WEB-2, ASVS 3.5.1).
pub async fn require_same_origin(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && request.uri().path() != protocol::PATH;
    let source = RequestSource::from_headers(request.headers(), &services.config.public_url());
    // Scripts send neither header. They are accepted without a cookie, which a browser would add by itself.
    let is_script = request.uri().path().starts_with("/api/v1/") && !request.headers().contains_key(header::COOKIE);
    // Browsers do not add a bearer token by themselves, and cookies are ignored beside one.
    let is_bearer = bearer_token(request.headers()).is_some();
    match source {
        _ if is_safe || is_bearer => next.run(request).await,
        RequestSource::SameOrigin => next.run(request).await,
        RequestSource::Unspecified if is_script => next.run(request).await,
        RequestSource::Unspecified | RequestSource::CrossOrigin => AppError::ForeignOrigin.into_response(),
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a request comes from, according to the browser.
#[derive(Debug, PartialEq, Eq)]
enum RequestSource {
    SameOrigin,
    CrossOrigin,
    Unspecified,
}

impl RequestSource {
    fn from_headers(headers: &HeaderMap, public: &PublicUrl) -> Self {
        // A page with `no-referrer` sends `Origin: null`: then only Sec-Fetch-Site counts.
        let origin = headers.get(header::ORIGIN).filter(|origin| !headers.contains_key(SEC_FETCH_SITE) || *origin != "null");
        let origin = origin.map(|origin| origin.to_str().is_ok_and(|origin| public.is_origin(origin)));
        let site = headers.get(SEC_FETCH_SITE).map(|site| site == "same-origin");
        match (origin, site) {
            (None, None) => Self::Unspecified,
            (Some(true) | None, Some(true)) | (Some(true), None) => Self::SameOrigin,
            _ => Self::CrossOrigin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_source(headers: &[(&'static str, &str)]) -> RequestSource {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        RequestSource::from_headers(&headers, &"https://site.example".parse().unwrap())
    }

    /// WEB-2
    #[test]
    fn only_matching_headers_are_same_origin() {
        assert_eq!(request_source(&[]), RequestSource::Unspecified);
        assert_eq!(request_source(&[("origin", "https://site.example")]), RequestSource::SameOrigin);
        assert_eq!(request_source(&[("sec-fetch-site", "same-origin")]), RequestSource::SameOrigin);
        assert_eq!(request_source(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), RequestSource::SameOrigin);
        let cross_origin: [&[(&str, &str)]; 7] = [
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://site.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://site.example"), ("sec-fetch-site", "cross-site")],
        ];
        for headers in cross_origin {
            assert_eq!(request_source(headers), RequestSource::CrossOrigin, "{headers:?}");
        }
    }
}
