//! Middleware that gives each request an id.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use crate::foundation::http::request_id::RequestId;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request its id, and the response the header `x-request-id`.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, HeaderValue::try_from(id.as_str()).expect("hexadecimal digits are a header value"));
    response
}
