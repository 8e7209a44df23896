//! The page that makes the first administrator, opened by a one-time link.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    registration::api::open_setup,
    ui::{
        field::{Failure, Field, NewPasswordField},
        icon::mark,
        loaded::loaded,
        plain_form::Flash,
    },
};

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let token = use_query_map().with_untracked(|query| query.get("token").unwrap_or_default());
    let open = {
        let token = token.clone();
        move || open_setup(token.clone())
    };
    let form = move |opened: Result<Flash, AppError>| match opened {
        Ok(flash) => view! { <Setup token=token.clone() flash /> }.into_any(),
        Err(_) => view! { <Spent /> }.into_any(),
    };
    view! {
        <Title text="First administrator" />
        <main class="door">
            {mark()}
            <h1>"Set up Whereabouts"</h1>
            {loaded(open, form)}
        </main>
    }
}

#[component]
fn Setup(token: String, flash: Flash) -> impl IntoView {
    view! {
        <p class="notice">"You make the first account. It administers the service and can invite others."</p>
        <form class="card" method="post" action="/api/ui/make_first_administrator" data-sent>
            <Failure failure=flash.failure.clone() />
            <input type="hidden" name="token" value=token />
            <Field name="username" label="Username" autocomplete="username" value=flash.typed("username") />
            <Field name="email" label="Email" autocomplete="email" kind="email" value=flash.typed("email") />
            <NewPasswordField />
            <button class="primary">"Create administrator"</button>
        </form>
    }
}

#[component]
fn Spent() -> impl IntoView {
    view! {
        <p class="notice">
            "This link was used already, or is not whole. Restart the server for a new one, or " <a href="/login">"sign in"</a> "."
        </p>
    }
}
