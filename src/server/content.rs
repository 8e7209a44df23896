//! Files that browsers load: precompressed, and kept for ever where their name holds their hash.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use tower_http::services::ServeDir;

use crate::{error::AppError, foundation::services::Assets, server::Site};

/// Everything that no route answers: a file, or nothing.
pub fn files(site: &Site) -> Router {
    let is_hashed = site.options.hash_files;
    let folder = ServeDir::new(Assets::find().site()).precompressed_br().precompressed_gzip().append_index_html_on_directories(false);
    let nothing = tower::service_fn(async |_: Request| Ok::<_, std::convert::Infallible>(AppError::NotFound.into_response()));
    let folder = folder.fallback(nothing);
    Router::new().fallback_service(folder).layer(from_fn(move |request, next| keep(is_hashed, request, next)))
}

async fn keep(is_hashed: bool, request: Request, next: Next) -> Response {
    let is_immutable = is_hashed && request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let keep = if is_immutable { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    }
    response
}
