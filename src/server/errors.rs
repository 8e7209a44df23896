//! Failures that no handler saw, and failures as pages.

use std::any::Any;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;

use crate::{error::AppError, foundation::supervisor::panic_message, ui::plain_form::accepts_html};

const LARGEST_PROBLEM: usize = 16 * 1024;

/// A panic in one request answers 500 with an id, and takes nothing else down (LOG-5).
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    AppError::internal(&panic_message(&*panic)).into_response()
}

/// Middleware: a body that is too large is refused before anything of ours sees it, with a problem as everything else is.
pub async fn too_large(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !is_ours { AppError::TooLarge.into_response() } else { response }
}

/// Middleware: a person who opened a page reads a failure as a page, with the same words that a script gets.
pub async fn for_people(request: Request, next: Next) -> Response {
    let is_person = accepts_html(request.headers());
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if is_person && is_problem { as_page(response).await } else { response }
}

async fn as_page(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, LARGEST_PROBLEM).await.unwrap_or_default(); // a problem is short and in memory
    let words = serde_json::from_slice::<Value>(&bytes).ok().and_then(|problem| Some(problem["title"].as_str()?.to_owned()));
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Html(page(&words.unwrap_or_else(|| AppError::Unavailable.to_string())))).into_response()
}

fn page(words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta name=color-scheme content=\"light dark\"><title>Whereabouts</title><h1>Whereabouts</h1><p>{words}</p><p><a href=\"/\">Start again</a></p>"
    )
}
