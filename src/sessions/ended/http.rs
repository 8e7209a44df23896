//! REST endpoint for ended sessions.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadSessions},
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, QueryErrors},
    },
    foundation::{
        http::page::{PageRequest, Parameters},
        services::Shared,
    },
    sessions::ended::{actions, model::EndedSession},
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndedQuery {
    /// Maximum number of sessions. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct EndedSessionPage {
    /// The one that ended last first.
    sessions: Vec<EndedSession>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List ended sessions
///
/// Those that ended in the last 30 days, the last one first.
#[utoipa::path(get, path = "/api/v1/sessions/ended", tag = "Sessions", params(EndedQuery),
    responses((status = 200, description = "A page of ended sessions.", body = EndedSessionPage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list_ended(
    State(services): Shared,
    client: Authorized<ReadSessions>,
    Parameters(query): Parameters<EndedQuery>,
) -> Result<Json<EndedSessionPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, None)?;
    let (sessions, next_cursor) = actions::list(&services, &client, &page).await?;
    Ok(Json(EndedSessionPage { sessions, next_cursor }))
}
