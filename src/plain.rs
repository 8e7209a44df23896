//! The document around every page, and the pages that are forms: the server draws them whole, they post by themselves, and
//! where a script runs `ui/helps.rs` helps. Nothing of them is in what browsers load.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    admin::page::AdminPage,
    alerts::page::AlertPage,
    api::page::DocsPage,
    api_tokens::page::{NewTokenPage, RotatePage, TokensPage},
    app::App,
    email_change::page::VerifyEmailPage,
    password::{
        page::PasswordPage,
        reset_page::{ForgotPage, ResetPage},
    },
    person::page::PersonPage,
    proof::page::ConfirmPage,
    registration::page::{RegisterPage, RequestAccessPage, SetupPage},
    sign_in::page::LoginPage,
    tabs::Tab,
    two_factor::page::TwoFactorPage,
    ui::door::queried,
};

/// The document around a page that a script takes over.
pub fn live_shell(options: LeptosOptions) -> impl IntoView {
    shell(options, false, view! { <App /> }.into_any())
}

/// The document around a page that is forms.
pub fn plain_shell(options: LeptosOptions) -> impl IntoView {
    shell(options, true, view! { <Forms /> }.into_any())
}

fn shell(options: LeptosOptions, is_plain: bool, page: AnyView) -> impl IntoView {
    set_content_security_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/icon.svg" type="image/svg+xml" />
                <leptos_meta::HashedStylesheet options=options.clone() />
                <HydrationScripts options />
                <leptos_meta::MetaTags />
            </head>
            <body data-plain=is_plain>{page}</body>
        </html>
    }
}

/// Scripts of this page alone, by its nonce; WebAssembly, and nothing from anywhere else (WEB-3, WEB-8).
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

/// The tabs of the profile that are forms.
fn plain_tab() -> impl IntoView {
    if queried("tab") == Tab::ApiTokens.key() { view! { <TokensPage /> }.into_any() } else { view! { <PersonPage /> }.into_any() }
}

/// The pages that are forms.
#[component]
pub fn Forms() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · Whereabouts") />
        <Router>
            <FlatRoutes fallback=|| view! { <p class="nothing">"There is no such page. " <a href="/">"Start again"</a></p> }>
                <Route path=path!("/profile") view=plain_tab ssr=SsrMode::Async />
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
                <Route path=path!("/api/docs") view=DocsPage ssr=SsrMode::Async />
            </FlatRoutes>
        </Router>
    }
}
