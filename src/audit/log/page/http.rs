//! The receipt of an event as a file, for the link on its row.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    audit::log::{actions, http::find_receipt},
    error::AppError,
    foundation::{
        ids::EventId,
        path::Id,
        services::{Services, Shared},
    },
    sessions::caller::CurrentSession,
};

/// Returns the routes.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Services>: FromRef<S>,
{
    Router::new().route("/audit/{id}/receipt", get(receipt))
}

/// The receipt, named for the number of its event.
async fn receipt(State(services): Shared, caller: CurrentSession, Id(id): Id<EventId>) -> Result<Response, AppError> {
    let receipt = find_receipt(&services, &caller, &id).await?;
    let seq = actions::find_number(&services, &id).await?.ok_or(AppError::NotSealed)?;
    let disposition = format!("attachment; filename=\"receipt-{seq}.json\"");
    Ok(([(CONTENT_DISPOSITION, disposition), (CACHE_CONTROL, "no-store".to_owned())], Json(receipt)).into_response())
}
