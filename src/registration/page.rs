//! The page that makes the first administrator, opened by a one-time link.

use leptos::prelude::*;

use crate::{
    error::AppError,
    registration::api::open_setup,
    ui::{
        door::{Door, asked, queried},
        field::{Failure, Field, NewPasswordField},
        plain_form::Flash,
    },
};

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let token = queried("token");
    let form = {
        let token = token.clone();
        |opened: Result<Flash, AppError>| match opened {
            Ok(flash) => view! { <Setup token flash /> }.into_any(),
            Err(_) => view! { <Spent /> }.into_any(),
        }
    };
    view! { <Door title="First administrator" heading="Set up Whereabouts">{asked(open_setup(token), form)}</Door> }
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
