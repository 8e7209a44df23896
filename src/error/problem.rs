//! Failures as HTTP: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    error::AppError,
    foundation::{hasher::Overloaded, postgres},
};

impl AppError {
    /// A fault of ours: logged here, once; the person gets an id that finds it.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        let id = crate::foundation::secret::Secret::generate().reveal()[..12].to_owned();
        tracing::error!(%error, id, "a request failed");
        Self::Internal { id }
    }

    /// Gives the response of the page or server function that runs the status of this failure, and `Retry-After` where it has one.
    pub fn set_response(&self) {
        let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() else { return };
        response.set_status(self.status_code());
        if let Some(seconds) = self.retry_after() {
            response.insert_header(header::RETRY_AFTER, seconds.into());
        }
    }

    /// Returns this failure as server functions write it, for middleware in front of them.
    pub fn into_server_function_response(self) -> Response {
        let mut response = (self.status_code(), Json(&self)).into_response();
        self.set_retry_after(&mut response);
        response
    }

    fn set_retry_after(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = self.status_code();
        let mut problem = serde_json::json!({
            "type": self.name(),
            "title": self.to_string(),
            "status": status.as_u16(),
        });
        if let Self::Invalid { field, .. } = &self {
            problem["field"] = field.as_str().into();
        }
        let mut response = (status, problem.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self == Self::NotSignedIn {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        self.set_retry_after(&mut response);
        response
    }
}

/// The database failed: locked, gone or wrong. Nothing is let through (LOG-6); the person never sees why (LOG-5).
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
