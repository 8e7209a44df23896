//! Static files: precompressed, and cached forever if their address contains their hash or version.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use tower_http::services::ServeDir;

use crate::{error::AppError, foundation::assets::Assets};

/// Serves static files for all paths without a route. Other paths are not found.
pub fn serve_files() -> Router {
    let assets = Assets::find();
    let is_hashed = assets.page_files().is_hashed;
    let folder = ServeDir::new(assets.site()).precompressed_br().precompressed_gzip().append_index_html_on_directories(false);
    let not_found = tower::service_fn(async |_: Request| Ok::<_, std::convert::Infallible>(AppError::NotFound.into_response()));
    let folder = folder.fallback(not_found);
    Router::new().fallback_service(folder).layer(from_fn(move |request, next| set_cache_control(is_hashed, request, next)))
}

async fn set_cache_control(is_hashed: bool, request: Request, next: Next) -> Response {
    let is_versioned = request.uri().query().is_some_and(|query| query.starts_with("v="));
    let is_immutable = is_versioned || is_hashed && request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let cache_control = if is_immutable { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    }
    response
}
