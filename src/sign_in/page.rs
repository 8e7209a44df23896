//! The login page.

use leptos::prelude::*;

use crate::{
    error::AppError,
    foundation::config::Registration,
    sign_in::{api::open_login, model::Welcome},
    ui::{
        door::{Door, asked, queried},
        field::{Failure, Field, PasswordField},
        loaded::failed,
        plain_form::Flash,
    },
};

/// The page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let form = |welcome: Result<Welcome, AppError>| match welcome {
        Ok(welcome) => view! { <SignIn welcome /> }.into_any(),
        Err(error) => failed(&error),
    };
    view! { <Door title="Sign in" heading="Sign in to Whereabouts">{asked(open_login(), form)}</Door> }
}

#[component]
fn SignIn(welcome: Welcome) -> impl IntoView {
    let next = queried("next");
    let Flash { notice, failure, .. } = welcome.flash.clone();
    if welcome.needs_code {
        return view! { <GiveCode next failure /> }.into_any();
    }
    view! {
        {welcome.ended.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        {notice.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        {welcome.is_first_start.then(|| view! { <FirstStart /> })}
        <form class="card" method="post" action="/api/ui/sign_in" data-sent>
            <Failure failure />
            <input type="hidden" name="next" value=next />
            <Field name="identifier" label="Username or email" autocomplete="username" value=welcome.flash.typed("identifier") />
            <PasswordField />
            <button class="primary">"Sign in"</button>
            <p class="hint ways-in">
                <a href="/forgot-password">"Forgot your password?"</a>
                {match welcome.registration {
                    Registration::Open => view! { <a href="/register">"Create an account"</a> },
                    Registration::Invite => view! { <a href="/request-access">"Request access"</a> },
                }}
            </p>
        </form>
    }
    .into_any()
}

/// The password was right; the code follows.
#[component]
fn GiveCode(next: String, failure: Option<AppError>) -> impl IntoView {
    view! {
        <form class="card" method="post" action="/api/ui/give_code" data-sent>
            <Failure failure />
            <p>"Type the code that your authenticator app shows, or one of your recovery codes."</p>
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

/// No account exists: how to make the first one.
#[component]
fn FirstStart() -> impl IntoView {
    view! {
        <div class="notice" role="status">
            <p>"There is no account yet. Open the one-time link that the server printed when it started, or run"</p>
            <pre>"whereabouts user add --admin --username NAME \\\n    --email ADDRESS --password-stdin"</pre>
        </div>
    }
}
