//! The page that a browser gets for a failure. It needs no database and no script.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    error::AppError,
    foundation::{assets::PageFiles, http::request_id::RequestId},
    ui::form_response::accepts_html,
};

/// Maximum size of a problem that is turned into a page, in bytes.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;
const MARK: &str = include_str!("../ui/mark.svg");

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    heading: &'a str,
    message: &'a str,
    /// The address to try again, where that may help.
    retry: Option<&'a str>,
    request_id: &'a str,
    style_sheet: &'a str,
    icon: &'a str,
    mark: &'a str,
}

/// Middleware: turns a problem (RFC 9457) into a page for browsers, with the text that scripts get.
pub async fn render_problems(State(files): State<Arc<PageFiles>>, request: Request, next: Next) -> Response {
    let is_browser = accepts_html(request.headers());
    let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let path = (request.method() == Method::GET).then(|| request.uri().path_and_query().map(ToString::to_string)).flatten();
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    let is_error = response.status().is_client_error() || response.status().is_server_error(); // a refused form redirects
    if !is_browser || !is_problem || !is_error {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_PROBLEM_BYTES).await.unwrap_or_default(); // a problem is short and in memory
    let problem = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    let is_temporary = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
    let page = ErrorPage {
        heading: heading(parts.status),
        message: problem["title"].as_str().unwrap_or_default(),
        retry: path.as_deref().filter(|_| is_temporary),
        request_id: request_id.as_str(),
        style_sheet: &files.style_sheet,
        icon: &files.icon,
        mark: MARK,
    };
    match page.render() {
        Ok(page) => {
            parts.headers.remove(header::CONTENT_TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            (parts, Html(page)).into_response()
        }
        Err(error) => AppError::internal(&error).into_response(),
    }
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "You cannot do this",
        StatusCode::PAYLOAD_TOO_LARGE => "Request too large",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Not available right now",
        status if status.is_server_error() => "Something went wrong",
        _ => "This request failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let page = ErrorPage {
            heading: "Page not found",
            message: "<script>",
            retry: Some("/a?b=\"><c>"),
            request_id: "1",
            style_sheet: "/pkg/whereabouts.css",
            icon: "/pkg/icon.svg",
            mark: MARK,
        };
        let page = page.render().unwrap();
        assert!(page.contains("<svg") && !page.contains("<script>") && !page.contains("<c>"), "{page}");
    }
}
