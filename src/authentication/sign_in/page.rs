//! The login page.

use leptos::prelude::*;

use crate::{
    authentication::sign_in::{api::load_login, model::LoginPageData},
    error::AppError,
    foundation::config::Registration,
    layout::narrow::{NarrowPage, query_parameter, render_async},
    ui::{
        field::{Failure, Field, PasswordField, error_message},
        form_response::Flash,
    },
};

/// Renders the page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let form = |data: Result<LoginPageData, AppError>| match data {
        Ok(data) => view! { <SignInForm data /> }.into_any(),
        Err(error) => error_message(&error),
    };
    view! { <NarrowPage title="Sign in" heading="Sign in to Whereabouts">{render_async(load_login(), form)}</NarrowPage> }
}

#[component]
fn SignInForm(data: LoginPageData) -> impl IntoView {
    let next = query_parameter("next");
    let Flash { notice, failure, .. } = data.flash.clone();
    if data.needs_code {
        return view! { <CodeForm next failure /> }.into_any();
    }
    view! {
        {data.end_message.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        {notice.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        {data.is_first_start.then(|| view! { <FirstAccountHint /> })}
        <form class="card" method="post" action="/api/ui/sign_in" data-sent>
            <Failure failure />
            <input type="hidden" name="next" value=next />
            <Field name="identifier" label="Username or email" autocomplete="username" value=data.flash.typed("identifier") />
            <PasswordField />
            <button class="primary">"Sign in"</button>
            <p class="hint sign-in-links">
                <a href="/forgot-password">"Forgot your password?"</a>
                {match data.registration {
                    Registration::Open => view! { <a href="/register">"Create an account"</a> },
                    Registration::Invite => view! { <a href="/request-access">"Request access"</a> },
                }}
            </p>
        </form>
    }
    .into_any()
}

/// Renders the form for the code of the second factor, after the password was verified.
#[component]
fn CodeForm(next: String, failure: Option<AppError>) -> impl IntoView {
    view! {
        <form class="card" method="post" action="/api/ui/enter_code" data-sent>
            <Failure failure />
            <p>"Enter the code from your authenticator app or a recovery code."</p>
            <input type="hidden" name="next" value=next.clone() />
            <Field name="code" label="Authentication code" autocomplete="one-time-code" />
            <button class="primary">"Verify"</button>
        </form>
        <form method="post" action="/api/ui/start_over" class="start-over" data-sent>
            <input type="hidden" name="next" value=next />
            <button class="quiet">"Start over"</button>
        </form>
    }
}

/// Explains how to create the first account.
#[component]
fn FirstAccountHint() -> impl IntoView {
    view! {
        <div class="notice" role="status">
            <p>"There is no account yet. Open the one-time link that the server printed when it started, or run"</p>
            <pre>"whereabouts user add --admin --username NAME \\\n    --email ADDRESS --password-stdin"</pre>
        </div>
    }
}
