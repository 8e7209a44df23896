//! The login page.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    sign_in::{api::open_login, model::Welcome},
    ui::{
        field::{Failure, Field, PasswordField},
        icon::mark,
        loaded::{failed, loaded},
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
    view! {
        <Title text="Sign in" />
        <main class="door">
            {mark()}
            <h1>"Sign in to Whereabouts"</h1>
            {loaded(open_login, form)}
        </main>
    }
}

#[component]
fn SignIn(welcome: Welcome) -> impl IntoView {
    let next = use_query_map().with_untracked(|query| query.get("next").unwrap_or_default());
    let Flash { notice, failure, .. } = welcome.flash.clone();
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
