//! Errors as HTTP responses: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    error::{AppError, problem::Problem},
    foundation::{crypto::hasher::Overloaded, postgres},
};

impl AppError {
    /// Logs an internal error, once. The user gets an id that identifies it in the log.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        let id = crate::foundation::crypto::secret::Secret::generate().reveal()[..12].to_owned();
        tracing::error!(%error, id, "a request failed");
        Self::Internal { id }
    }

    /// Sets the status of this error, and `Retry-After` if it has one, on the response of the current page or server function.
    pub fn set_response(&self) {
        let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() else { return };
        response.set_status(self.status_code());
        if let Some(seconds) = self.retry_after() {
            response.insert_header(header::RETRY_AFTER, seconds.into());
        }
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = self.status_code();
        let is_not_signed_in = self == Self::NotSignedIn;
        let retry_after = self.retry_after();
        let mut response = (status, Json(Problem::from(self))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if is_not_signed_in {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Converts and logs a database error. The request fails whatever the cause (LOG-6), which is never shown to the user (LOG-5).
impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        if postgres::is_unconfirmed(&error) { Self::Unconfirmed } else { Self::Unavailable }
    }
}

impl From<Overloaded> for AppError {
    fn from(_: Overloaded) -> Self {
        Self::Busy
    }
}
