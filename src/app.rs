//! The HTML document around every page, and the table of pages. The server renders them all; `sessions/card.rs` is hydrated, and the
//! crate `enhance` enhances the rest where a script runs.

use axum::{extract::Query, http::request::Parts};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    admin::page::AdminPage,
    api::page::DocsPage,
    api_tokens::page::{NewTokenPage, RotatePage, TokensPage},
    audit::log::page::{list::AuditPage, single::EventPage},
    authentication::{
        alerts::page::AlertPage,
        email_change::page::VerifyEmailPage,
        password::{
            page::PasswordPage,
            reset_page::{ForgotPage, ResetPage},
        },
        registration::page::{RegisterPage, RequestAccessPage, SetupPage},
        sign_in::page::LoginPage,
        two_factor::page::TwoFactorPage,
    },
    foundation::assets::{PageFiles, Script},
    layout::{narrow::query_parameter, tabs::Tab},
    permissions::{
        grants::{extend_page::ExtendGrantPage, page::GrantPage},
        reach::page::PersonPage,
    },
    plants::{
        devices::page::{EditDevicePage, NewDevicePage},
        edit::page::{EditPlantPage, NewPlantPage},
        import::page::ImportPage,
        list::page::PlantsPage,
        moves::page::{MergePortfolioPage, MovePlantPage},
        organizations::page::{NewOrganizationPage, OrganizationPage},
        plant::page::PlantPage,
    },
    profile::page::ProfilePage,
    reauthentication::page::ConfirmPage,
    security::page::SecurityPage,
};

/// The description of every page for search engines. All pages that they can open ask visitors to sign in.
const DESCRIPTION: &str = "See where your account is signed in, and immediately sign out anything you do not recognize.";

/// Renders the document of a page.
pub fn shell(files: &PageFiles) -> impl IntoView + use<> {
    set_content_security_policy();
    let script = if has_card() { &files.card } else { &files.forms };
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=DESCRIPTION />
                <link rel="icon" href=files.icon.clone() type="image/svg+xml" />
                <link rel="stylesheet" href=files.style_sheet.clone() />
                {load_script(script)}
                <leptos_meta::MetaTags />
            </head>
            <body><App /></body>
        </html>
    }
}

/// Returns whether this request is for the page with the Active Sessions card.
fn has_card() -> bool {
    let Some(parts) = use_context::<Parts>() else { return false }; // while Leptos lists the routes, there is no request
    let query = Query::<TabQuery>::try_from_uri(&parts.uri).map(|Query(query)| query).unwrap_or_default();
    parts.uri.path() == "/profile" && Tab::from_key(&query.tab) == Tab::Security
}

#[derive(Default, serde::Deserialize)]
struct TabQuery {
    #[serde(default)]
    tab: String,
}

/// Loads the script of a page. Written here because Leptos puts the nonce of the preload into another attribute, so that the policy would
/// refuse it and the browser would fetch the script twice.
fn load_script(Script { js, wasm }: &Script) -> impl IntoView + use<> {
    let nonce = leptos::nonce::use_nonce();
    let start = format!("import start from {js:?}; start({{ module_or_path: {wasm:?} }});");
    view! {
        <link rel="modulepreload" href=js.clone() nonce=nonce.clone() />
        <link rel="preload" href=wasm.clone() r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
        <script type="module" nonce=nonce>{start}</script>
    }
}

/// Sets the Content-Security-Policy: only this page's scripts, by nonce, and WebAssembly; nothing from other origins (WEB-3, WEB-8).
fn set_content_security_policy() {
    use axum::http::{HeaderValue, header};

    let nonce = leptos::nonce::use_nonce().expect("leptos_axum gives every answer a nonce");
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is base64");
    expect_context::<leptos_axum::ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
}

/// Renders the tab of the profile that the URL asks for.
fn profile_tab() -> impl IntoView {
    match Tab::from_key(&query_parameter("tab")) {
        Tab::Profile => view! { <ProfilePage /> }.into_any(),
        Tab::Security => view! { <SecurityPage /> }.into_any(),
        Tab::ApiTokens => view! { <TokensPage /> }.into_any(),
    }
}

/// The table of pages. Async: each is sent whole, so that it is complete without a script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · Whereabouts") />
        <Router>
            <FlatRoutes fallback=|| view! { <p class="not-found">"Page not found. " <a href="/">"Go to the start page"</a></p> }>
                <Route path=path!("/") view=SecurityPage ssr=SsrMode::Async />
                <Route path=path!("/profile") view=profile_tab ssr=SsrMode::Async />
                <Route path=path!("/plants") view=PlantsPage ssr=SsrMode::Async />
                <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
                <Route path=path!("/audit/:id") view=EventPage ssr=SsrMode::Async />
                <Route path=path!("/admin") view=AdminPage ssr=SsrMode::Async />
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async />
                <Route path=path!("/request-access") view=RequestAccessPage ssr=SsrMode::Async />
                <Route path=path!("/verify-email") view=VerifyEmailPage ssr=SsrMode::Async />
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=ForgotPage ssr=SsrMode::Async />
                <Route path=path!("/reset-password") view=ResetPage ssr=SsrMode::Async />
                <Route path=path!("/sign-in-alert") view=AlertPage ssr=SsrMode::Async />
                <Route path=path!("/confirm") view=ConfirmPage ssr=SsrMode::Async />
                <Route path=path!("/profile/password") view=PasswordPage ssr=SsrMode::Async />
                <Route path=path!("/profile/two-factor") view=TwoFactorPage ssr=SsrMode::Async />
                <Route path=path!("/profile/tokens/new") view=NewTokenPage ssr=SsrMode::Async />
                <Route path=path!("/profile/tokens/rotate") view=RotatePage ssr=SsrMode::Async />
                <Route path=path!("/devices/new") view=NewDevicePage ssr=SsrMode::Async />
                <Route path=path!("/devices/:id/edit") view=EditDevicePage ssr=SsrMode::Async />
                <Route path=path!("/organizations/new") view=NewOrganizationPage ssr=SsrMode::Async />
                <Route path=path!("/organizations/:id") view=OrganizationPage ssr=SsrMode::Async />
                <Route path=path!("/organizations/:id/import") view=ImportPage ssr=SsrMode::Async />
                <Route path=path!("/organizations/:id/people/:user") view=PersonPage ssr=SsrMode::Async />
                <Route path=path!("/plants/new") view=NewPlantPage ssr=SsrMode::Async />
                <Route path=path!("/plants/:id") view=PlantPage ssr=SsrMode::Async />
                <Route path=path!("/plants/:id/edit") view=EditPlantPage ssr=SsrMode::Async />
                <Route path=path!("/plants/:id/move") view=MovePlantPage ssr=SsrMode::Async />
                <Route path=path!("/portfolios/:id/move") view=MergePortfolioPage ssr=SsrMode::Async />
                <Route path=path!("/grants/new") view=GrantPage ssr=SsrMode::Async />
                <Route path=path!("/grants/:id") view=ExtendGrantPage ssr=SsrMode::Async />
                <Route path=path!("/api/docs") view=DocsPage ssr=SsrMode::Async />
            </FlatRoutes>
        </Router>
    }
}
