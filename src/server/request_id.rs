//! An id for each request, by which a user's report leads to the log.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request. It is ours: what a client sends is ignored, since it could forge another request's id.
#[derive(Clone, Default)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id as it appears in logs, headers and pages.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Middleware: gives the request its id, and the response the header `x-request-id`.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId(uuid::Uuid::new_v4().simple().to_string().into());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, HeaderValue::try_from(id.as_str()).expect("hexadecimal digits are a header value"));
    response
}
