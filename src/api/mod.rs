//! The API: its routes, the description that is generated from them, and the page that shows it.

pub mod page;

use axum::extract::FromRef;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api_tokens::http as tokens,
    audit::log::http as audit,
    authentication::{password::http as password, registration::http as registration, sign_in::http as sign_in},
    error::problem::Problem,
    foundation::services::Services,
    permissions::{grants::http as grants, members::http as members, reach::http as reach, vendors::http as vendors},
    plants::{devices::http as devices, http as plants, organizations::http as organizations, portfolios::http as portfolios},
    sessions::{ended::http as ended, http as sessions},
};

/// The description without its routes: [`routes`] adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Whereabouts",
        description = "List the sessions of an account, revoke sessions, and manage API tokens, organizations and plants.\n\nRequests are authenticated by \
            `Authorization: Bearer` with the token of a session or an API token, or by the session cookie of a browser. If a request has an \
            `Authorization` header, its cookies are ignored. An API token can do what both its owner and its permission group may do.\n\nErrors are \
            `application/problem+json` (RFC 9457). Scripts distinguish them by `type`, which is stable. Times are RFC 3339 in UTC. Each client may \
            send 1,200 requests per minute; the headers `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (in seconds) say what is left."
    ),
    tags((name = "Sessions", description = "The sessions of the account."), (name = "API tokens", description = "Credentials for scripts."), (name = "You", description = "Your account."),
        (name = "Organizations", description = "Organizations, to which plants belong."), (name = "Plants", description = "Portfolios, plants and devices."),
        (name = "Grants", description = "Who may do what with plants."), (name = "Members", description = "Who administers an organization."),
        (name = "Vendors", description = "Companies whose people reach plants."), (name = "Audit", description = "Who did what, when, and from where.")),
    components(schemas(Problem)),
    modifiers(&SecuritySchemes)
)]
struct Description;

/// Adds the ways to authenticate to the description.
struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let text = "The token of a session, or an API token.";
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let text = "The session of a browser. Over https the cookie is named `__Host-whereabouts`. Requests that change something must come from this site.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description("whereabouts", text));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        let either = ["bearer", "cookie"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
        api.security = Some(either.to_vec());
    }
}

/// Returns every route of the API with its description.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Services>: FromRef<S>,
{
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(sessions::list, sign_in::create, sessions::revoke_others))
        .routes(routes!(sessions::current, sign_in::delete_current))
        .routes(routes!(ended::list_ended))
        .routes(routes!(sessions::revoke))
        .routes(routes!(sessions::me))
        .routes(routes!(password::change))
        .routes(routes!(tokens::list, tokens::create, tokens::revoke_all))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(organizations::list, organizations::create))
        .routes(routes!(organizations::get, organizations::update, organizations::delete))
        .routes(routes!(portfolios::list, portfolios::create))
        .routes(routes!(portfolios::get, portfolios::update, portfolios::delete))
        .routes(routes!(plants::list, plants::create))
        .routes(routes!(plants::get, plants::update, plants::delete))
        .routes(routes!(plants::close, plants::reopen))
        .routes(routes!(devices::list, devices::create))
        .routes(routes!(devices::get, devices::update, devices::delete))
        .routes(routes!(grants::list, registration::grant))
        .routes(routes!(grants::get, grants::extend, grants::end))
        .routes(routes!(registration::list_invitations))
        .routes(routes!(registration::cancel_invitation))
        .routes(routes!(reach::people))
        .routes(routes!(reach::person))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(vendors::list))
        .routes(routes!(vendors::end_access))
        .routes(routes!(vendors::remove_person))
        .routes(routes!(audit::list))
        .routes(routes!(audit::get))
        .routes(routes!(audit::receipt))
}

/// Returns the OpenAPI 3.1 description.
pub fn description() -> utoipa::openapi::OpenApi {
    routes::<Arc<Services>>().into_openapi()
}
