//! API endpoints of the audit log.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Authorized, Principal, ReadAuditLog},
    audit::{
        log::{
            actions,
            export::{self, Format},
            model::AuditEvent,
            parameters::EventQuery,
        },
        receipt::{
            actions::{self as receipts, Found},
            model::Receipt,
        },
    },
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, NotFoundError, NotSealedError, QueryErrors},
    },
    foundation::{
        http::page::{PageRequest, Parameters},
        ids::EventId,
        path::Id,
        services::{Services, Shared},
    },
};

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    /// Newest first.
    events: Vec<AuditEvent>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List audit events
///
/// What you did, what concerns your account, and what happened in the organizations, portfolios and plants whose audit log you may read.
/// Newest first. A page may hold fewer events than `limit`, even none, and still have a `next_cursor`: each examines a limited number of
/// events. Without a period, events of the last three months are listed. With `format`, or if the request accepts `text/csv` or
/// `application/jsonl`, the response is an export of all events that match. Reading events of others is recorded, and every export is.
#[utoipa::path(get, path = "/api/v1/audit", tag = "Audit", params(EventQuery),
    responses((status = 200, description = "A page of events, or an export.", content(
            (EventPage = "application/json"), (String = "text/csv"), (String = "application/jsonl"))),
        AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadAuditLog>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<EventQuery>,
) -> Result<Response, AppError> {
    let query = parameters.query()?;
    let page = PageRequest::new(parameters.limit.as_deref(), parameters.cursor.clone(), None)?;
    if let Some(format) = Format::of_request(parameters.format.as_deref(), &headers)? {
        let export = export::start(&services, &principal, &query, actions::position(&page)?, format).await?;
        return Ok(respond_with(export, format));
    }
    let actions::EventPage { events, next_cursor, .. } = actions::list(&services, &principal, &query, &page).await?;
    Ok((no_store(), Json(EventPage { events, next_cursor })).into_response())
}

/// Returns the response of an export: a file.
fn respond_with(export: export::Export, format: Format) -> Response {
    let disposition = format!("attachment; filename=\"{}\"", format.file_name());
    let headers = [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (no_store(), headers, export.into_body()).into_response()
}

fn no_store() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

/// Get an audit event
#[utoipa::path(get, path = "/api/v1/audit/{id}", tag = "Audit", params(("id" = EventId, Path, description = "Id of the event.")),
    responses((status = 200, description = "The event.", body = AuditEvent), AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(State(services): Shared, principal: Authorized<ReadAuditLog>, Id(id): Id<EventId>) -> Result<Json<AuditEvent>, AppError> {
    actions::get(&services, &principal, &id).await.map(Json)
}

/// Get the receipt of an audit event
///
/// The proof that the event is in the log, which anybody can verify without this server.
#[utoipa::path(get, path = "/api/v1/audit/{id}/receipt", tag = "Audit", params(("id" = EventId, Path, description = "Id of the event.")),
    responses((status = 200, description = "The receipt.", body = Receipt), AuthErrors, NotFoundError, NotSealedError, CommonErrors))]
pub async fn receipt(State(services): Shared, principal: Authorized<ReadAuditLog>, Id(id): Id<EventId>) -> Result<Json<Receipt>, AppError> {
    find_receipt(&services, &principal, &id).await.map(Json)
}

/// Returns the receipt of an event. Reading one of others is recorded.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal does not see it; [`AppError::NotSealed`].
pub async fn find_receipt(services: &Services, principal: &Principal, id: &EventId) -> Result<Receipt, AppError> {
    actions::get(services, principal, id).await?; // records the reading
    match receipts::find(&mut services.db.read().await?, id).await.map_err(|error| AppError::internal(&error))? {
        Found::Receipt(receipt) => Ok(*receipt),
        Found::NotSealed => Err(AppError::NotSealed),
        Found::Nothing => Err(AppError::NotFound),
    }
}
