//! Every route of the server.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::FromRef,
    http::{HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get},
};
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer, limit::RequestBodyLimitLayer, trace::TraceLayer};

use crate::{
    api,
    api_tokens::bearer,
    app::{self, App},
    audit::{
        log::page::{arrivals, http as receipts},
        published::http as published,
    },
    error::AppError,
    foundation::{assets::Assets, client::info, services::Services},
    server::{compression, content, error_page, errors, gate, guard, headers, health, metrics, quota, request_id},
    sessions::{
        caller,
        ended::view as ended,
        live::{feed::Feeds, protocol, server},
    },
};

/// Larger bodies are refused with 413.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Routes of the pages and of the server functions. Generated once per process: meanwhile, pages that are requested elsewhere in the
/// process would wait forever (leptos-rs/leptos#4773).
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// State of the router.
#[derive(Clone, FromRef)]
pub struct Site {
    /// Services for actions.
    pub services: Arc<Services>,
    /// Options of Leptos.
    pub options: LeptosOptions,
}

/// Returns the router of the whole site, with `more` routes behind the same middleware.
pub fn router(site: Site, more: Router<Site>) -> Router {
    let common = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), metrics::count_responses))
        .layer(from_fn(request_id::assign))
        .layer(TraceLayer::new_for_http().make_span_with(headers::make_span).on_failure(headers::log_broken_body))
        .layer(from_fn_with_state((site.services.clone(), Arc::default()), errors::log_unavailable))
        .layer(from_fn_with_state(Arc::new(Assets::find().page_files()), error_page::render_problems))
        .layer(from_fn_with_state(site.clone(), headers::set_security_headers))
        .layer(CatchPanicLayer::custom(errors::respond_to_panic))
        .layer(from_fn_with_state(site.clone(), guard::check_host))
        .layer(from_fn(guard::enforce_timeout))
        .layer(from_fn(errors::rewrite_too_large))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES));
    let identified = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), guard::require_same_origin))
        .layer(from_fn(guard::buffer_body))
        .layer(from_fn_with_state(site.clone(), info::identify))
        .layer(from_fn_with_state(site.clone(), caller::identify))
        .layer(from_fn_with_state(site.clone(), bearer::identify));
    api(&site)
        .merge(pages(&site))
        .merge(published::routes())
        .merge(receipts::routes())
        .merge(more)
        .layer(identified)
        .merge(health::routes())
        .fallback_service(content::serve_files())
        .layer(common)
        .with_state(site)
}

/// Returns the routes of the API and of the live channel.
fn api(site: &Site) -> Router<Site> {
    let (routes, description) = api::routes::<Site>().split_for_parts();
    // Serialized once, not per request: anyone may request it.
    let description = Bytes::from(description.to_json().expect("a description is JSON"));
    let description = ([(header::CONTENT_TYPE, "application/json")], description);
    let not_allowed = async || AppError::MethodNotAllowed;
    let routes = routes
        .route("/api/openapi.json", get(async move || description.clone()))
        // Below the layers, so that they also see other methods, such as preflight requests.
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(site.clone(), quota::enforce));
    let origins = &site.services.config.cors_origins;
    let routes = if origins.is_empty() { routes } else { routes.layer(cross_origin(origins)) };
    routes
        .route("/api/{*unknown}", any(async || AppError::NotFound))
        .route(protocol::PATH, get(server::connect).layer(Extension(Feeds::default())))
        .route(protocol::ENDED_PATH, get(ended::refresh))
        .route(protocol::AUDIT_PATH, get(arrivals::refresh))
        .method_not_allowed_fallback(not_allowed)
}

/// Returns the CORS layer: only exactly configured origins may use the API from a browser, with bearer tokens but never with cookies
/// (API-4).
fn cross_origin(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::RETRY_AFTER, quota::LIMIT, quota::REMAINING, quota::RESET])
}

/// Returns the routes of pages, and of the server functions that Leptos adds to them.
fn pages(site: &Site) -> Router<Site> {
    let files = Arc::new(Assets::find().page_files());
    let context = {
        let (services, files) = (site.services.clone(), files.clone());
        move || {
            provide_context(services.clone());
            provide_context(files.clone());
        }
    };
    Router::new()
        .leptos_routes_with_context(site, PAGES.clone(), context, move || app::shell(&files))
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        .layer(compression::layer())
        .layer(from_fn(gate::require_session))
        .layer(from_fn_with_state(site.clone(), quota::enforce_for_server_functions))
}
