//! Endpoints of the tree, for whoever is signed in, and for everybody if `WHEREABOUTS_AUDIT_PUBLIC` is on: the number of events says how
//! busy a place is.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{FromRef, Path, State},
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    access::Principal,
    audit::{
        seal::store::{self, Head},
        tree::{Hash, TilePath},
    },
    error::AppError,
    foundation::{
        config::Switch,
        db::ReadConnection,
        services::{Services, Shared},
    },
};

type Caller = Option<Extension<Principal>>;

/// Returns the routes.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Services>: FromRef<S>,
{
    Router::new().route("/audit/checkpoint", get(checkpoint)).route("/audit/key", get(key)).route("/audit/tile/{*path}", get(tile))
}

/// The latest signed checkpoint.
async fn checkpoint(State(services): Shared, caller: Caller) -> Result<Response, AppError> {
    let (_, head) = find_head(&services, caller).await?;
    Ok(text(head.note))
}

/// The key that verifies checkpoints and receipts.
async fn key(State(services): Shared, caller: Caller) -> Result<Response, AppError> {
    let (_, head) = find_head(&services, caller).await?;
    Ok(text(format!("{}\n", head.verifier_key)))
}

/// A tile. One that exists never changes.
async fn tile(State(services): Shared, caller: Caller, Path(path): Path<String>) -> Result<Response, AppError> {
    let (mut db, head) = find_head(&services, caller).await?;
    let (path, size): (TilePath, _) = (format!("tile/{path}").parse().map_err(|_| AppError::NotFound)?, head.size as u64);
    if !path.exists_in(size) {
        return Err(AppError::NotFound);
    }
    let mut hashes = store::load_tile(&mut db, path.tile, size).await?;
    hashes.truncate(path.width);
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, Hash::join_tile(&hashes)).into_response())
}

fn text(content: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], content).into_response()
}

/// Checks the caller, and returns the head of the tree.
///
/// Errors: [`AppError::NotSignedIn`]; [`AppError::NotFound`] before the first seal.
async fn find_head(services: &Services, caller: Caller) -> Result<(ReadConnection, Head), AppError> {
    if caller.is_none() && services.config.audit_public == Switch::Off {
        return Err(AppError::NotSignedIn);
    }
    let mut db = services.db.read().await?;
    let head = store::find_head(&mut db).await?.ok_or(AppError::NotFound)?;
    Ok((db, head))
}
