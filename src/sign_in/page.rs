//! The login page. Its form posts by itself where no script runs.

use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    sign_in::{api::open_login, model::Welcome},
    ui::{
        dynamic::aria,
        field::{Failure, Field, PasswordField},
        icon::mark,
        loaded::{failed, loaded},
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
    let failure = RwSignal::new(welcome.failure);
    let is_busy = RwSignal::new(false);
    view! {
        {welcome.ended.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        {welcome.is_first_start.then(|| view! { <FirstStart /> })}
        <form class="card" method="post" action="/api/ui/sign_in" on:submit=move |event| submit(&event, failure, is_busy)>
            <Failure failure />
            <input type="hidden" name="next" value=next />
            <Field name="identifier" label="Username or email" autocomplete="username" value=welcome.typed />
            <PasswordField autocomplete="current-password" />
            <button class="primary" aria-disabled=aria(move || is_busy.get())>"Sign in"</button>
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

/// Signs in without leaving the page, so that nothing typed is lost when it fails.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, failure: RwSignal<Option<AppError>>, is_busy: RwSignal<bool>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::{sign_in::api::sign_in, ui::browser};
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        let [identifier, password, next] = browser::values(event, ["identifier", "password", "next"]);
        leptos::task::spawn_local(async move {
            match sign_in(identifier, password, next).await {
                Ok(path) => browser::go(&path),
                Err(error) => {
                    failure.set(Some(error));
                    is_busy.set(false);
                    browser::focus("#password");
                }
            }
        });
    }
}
