//! The API: its routes, and the description that is generated from them.

pub mod page;
pub mod quota;

use axum::extract::FromRef;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api_tokens::http as tokens, error::described::Problem, foundation::services::Services, password::http as password,
    sessions::http as sessions, sign_in::http as sign_in,
};

/// The description without its routes: [`routes`] adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Whereabouts",
        description = "What scripts do with an account: see where it is signed in, sign out what is not recognised, and keep API tokens.\n\nA request is \
            signed in by `Authorization: Bearer`, with a session's token or with an API token, or by a browser's cookie. A bearer's request takes nothing \
            from a cookie. An API token does at most what its owner may, and of that what its permission group allows.\n\nFailures are \
            `application/problem+json` (RFC 9457); scripts tell them by `type`, which stays as it is. Times are RFC 3339 in UTC. Each client makes 1,200 requests a \
            minute: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) say what is left."
    ),
    tags((name = "Sessions", description = "Where the account is signed in."), (name = "API tokens", description = "What scripts carry."), (name = "You", description = "The account.")),
    components(schemas(Problem)),
    modifiers(&Credentials)
)]
struct Description;

/// How a request is signed in.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let words = "The token of a session, or an API token.";
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(words)).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let words =
            "A browser's session. Over https it is called `__Host-whereabouts`; a request that changes something must come from this site.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description("whereabouts", words));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        let either = ["bearer", "cookie"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
        api.security = Some(either.to_vec());
    }
}

/// Every route of the API, described.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Services>: FromRef<S>,
{
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(sessions::list, sign_in::create, sessions::revoke_others))
        .routes(routes!(sessions::current, sign_in::delete_current))
        .routes(routes!(sessions::revoke))
        .routes(routes!(sessions::me))
        .routes(routes!(password::change))
        .routes(routes!(tokens::list, tokens::create, tokens::revoke_all))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::rotate))
}

/// The description: OpenAPI 3.1.
pub fn description() -> utoipa::openapi::OpenApi {
    routes::<Arc<Services>>().into_openapi()
}
