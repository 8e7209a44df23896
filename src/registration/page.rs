//! The page that makes the first administrator, opened by a one-time link.

use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    registration::api::open_setup,
    ui::{
        field::{Failure, Field, PasswordField},
        icon::mark,
        loaded::loaded,
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
    let form = move |opened: Result<Option<AppError>, AppError>| {
        match opened {
        Ok(failure) => view! { <Setup token=token.clone() failure /> }.into_any(),
        Err(_) => view! {
            <p class="notice">"This link was used already, or is not whole. Restart the server for a new one, or " <a href="/login">"sign in"</a> "."</p>
        }
        .into_any(),
    }
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
fn Setup(token: String, failure: Option<AppError>) -> impl IntoView {
    let failure = RwSignal::new(failure);
    view! {
        <p class="notice">"You make the first account. It administers the service and can invite others."</p>
        <form class="card" method="post" action="/api/ui/make_first_administrator" on:submit=move |event| submit(&event, failure)>
            <Failure failure />
            <input type="hidden" name="token" value=token />
            <Field name="username" label="Username" autocomplete="username" />
            <Field name="email" label="Email" autocomplete="email" kind="email" />
            <PasswordField autocomplete="new-password" hint="At least 8 characters; 12 or more are better." />
            <button class="primary">"Create administrator"</button>
        </form>
    }
}

/// Keeps what was typed when something in it cannot be taken.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, failure: RwSignal<Option<AppError>>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::{registration::api::make_first_administrator, ui::browser};
        event.prevent_default();
        let [token, username, email, password] = browser::values(event, ["token", "username", "email", "password"]);
        leptos::task::spawn_local(async move {
            match make_first_administrator(token, username, email, password).await {
                Ok(()) => browser::go("/login"),
                Err(error) => failure.set(Some(error)),
            }
        });
    }
}
