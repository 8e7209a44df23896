//! Compression of pages.

use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
};

/// Level of brotli: higher ones cost more time than a slow network saves.
const LEVEL: i32 = 5;

/// Returns the layer that compresses pages.
///
/// A response that contains a secret and something that an attacker chose reveals the secret by its compressed size (BREACH). Pages that
/// show a secret, or a search and its results, are therefore sent as they are: they forbid transformations (`ui/form_response.rs::forbid_compression`).
pub fn layer() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().quality(CompressionLevel::Precise(LEVEL)).compress_when(is_compressible)
}

fn is_compressible(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let contains = |name, text| headers.get(name).is_some_and(|value| value.to_str().is_ok_and(|value| value.contains(text)));
    contains(header::CONTENT_TYPE, "text/html") && !contains(header::CACHE_CONTROL, "no-transform")
}
