//! Every route of the server.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{FromRef, Query, Request, State},
    http::{HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{any, get},
};
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list_with_exclusions, render_app_async_with_context};
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer, limit::RequestBodyLimitLayer, trace::TraceLayer};

use crate::{
    api::{self, quota},
    api_tokens::bearer,
    app::App,
    error::AppError,
    foundation::{origin, services::Services},
    plain::{self, Forms},
    server::{content, errors, gate, guard, headers, health, metrics},
    sessions::{caller, feed::Feeds, live, wire},
    tabs::Tab,
};

/// Larger bodies are refused with 413.
const LARGEST_BODY: usize = 64 * 1024;

/// Its tabs are pages of both kinds, so it is routed by [`profile`].
const PROFILE: &str = "/profile";

/// The routes of the pages. Once a process: while Leptos finds them out, pages that are asked for elsewhere in the process
/// would wait for ever (leptos-rs/leptos#4773).
static LIVE: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list_with_exclusions(App, Some(vec![PROFILE.to_owned()])));
/// Those of the pages that are forms, without the server functions that stand beside the others already.
static PLAIN: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    let doors = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned());
    generate_route_list_with_exclusions(Forms, Some(doors.chain([PROFILE.to_owned()]).collect()))
});

/// What the router is given.
#[derive(Clone, FromRef)]
pub struct Site {
    /// What actions are given.
    pub services: Arc<Services>,
    /// Where Leptos finds what browsers load.
    pub options: LeptosOptions,
}

/// The whole site, and more routes behind the same middleware.
pub fn router(site: Site, more: Router<Site>) -> Router {
    let common = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), metrics::count))
        .layer(TraceLayer::new_for_http().make_span_with(headers::span))
        .layer(from_fn(errors::for_people))
        .layer(from_fn_with_state(site.clone(), headers::secure))
        .layer(CatchPanicLayer::custom(errors::panicked))
        .layer(from_fn_with_state(site.clone(), guard::host))
        .layer(from_fn(guard::in_time))
        .layer(from_fn(errors::too_large))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY));
    let identified = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), guard::same_site))
        .layer(from_fn(guard::whole_body))
        .layer(from_fn_with_state(site.clone(), origin::identify))
        .layer(from_fn_with_state(site.clone(), caller::identify))
        .layer(from_fn_with_state(site.clone(), bearer::identify));
    api(&site)
        .merge(pages(&site))
        .merge(more)
        .layer(identified)
        .merge(health::routes())
        .fallback_service(content::files(&site))
        .layer(common)
        .with_state(site)
}

/// What scripts ask for, and what pages hear by.
fn api(site: &Site) -> Router<Site> {
    let (routes, description) = api::routes::<Site>().split_for_parts();
    // Serialized once, not at each request: anyone may ask for it.
    let description = Bytes::from(description.to_json().expect("a description is JSON"));
    let description = ([(header::CONTENT_TYPE, "application/json")], description);
    let not_allowed = async || AppError::MethodNotAllowed;
    let routes = routes
        .route("/api/openapi.json", get(async move || description.clone()))
        // Below the layers: they see other methods too, preflights among them.
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(site.clone(), quota::count));
    let origins = &site.services.config.cors_origins;
    let routes = if origins.is_empty() { routes } else { routes.layer(cross_origin(origins)) };
    routes
        .route("/api/{*unknown}", any(async || AppError::NotFound))
        .route(wire::PATH, get(live::connect).layer(Extension(Feeds::default())))
        .method_not_allowed_fallback(not_allowed)
}

/// Browsers of other sites get nothing, but where the settings name them, exactly: then bearers alone, never cookies (API-4).
fn cross_origin(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::RETRY_AFTER, quota::LIMIT, quota::REMAINING, quota::RESET])
}

/// Pages, and the server functions that Leptos puts beside them.
fn pages(site: &Site) -> Router<Site> {
    let context = {
        let services = site.services.clone();
        move || provide_context(services.clone())
    };
    let (live, plain) = (site.options.clone(), site.options.clone());
    Router::new()
        .route(PROFILE, get(profile))
        .leptos_routes_with_context(site, LIVE.clone(), context.clone(), move || plain::live_shell(live.clone()))
        .leptos_routes_with_context(site, PLAIN.clone(), context, move || plain::plain_shell(plain.clone()))
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        .layer(from_fn(gate::pages))
        .layer(from_fn_with_state(site.clone(), quota::count_server_functions))
}

/// The tabs of the profile: a script takes over the Security tab, and the others are forms.
async fn profile(State(site): State<Site>, Query(wanted): Query<Wanted>, request: Request) -> Response {
    let (options, services) = (site.options, site.services);
    let context = move || provide_context(services.clone());
    if [Tab::Profile, Tab::ApiTokens].iter().any(|plain| wanted.tab == plain.key()) {
        render_app_async_with_context(context, move || plain::plain_shell(options.clone()))(request).await
    } else {
        render_app_async_with_context(context, move || plain::live_shell(options.clone()))(request).await
    }
}

#[derive(serde::Deserialize)]
struct Wanted {
    #[serde(default)]
    tab: String,
}
