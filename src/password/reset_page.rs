//! The pages of a forgotten password: asking for a link, and choosing a new one by it.

use leptos::prelude::*;

use crate::{
    error::AppError,
    password::api::{FORGOT, OpenedReset, open_reset},
    ui::{
        door::{Door, asked, queried},
        field::{Field, NewPasswordField, Said},
        loaded::failed,
        plain_form,
    },
};

/// Asks where the link is to be mailed.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let flash = plain_form::take();
    let email = flash.typed("email");
    view! {
        <Door title="Forgot your password?">
            <form class="card" method="post" action="/api/ui/ask_for_reset" data-sent>
                <Said flash />
                <p>"Type the email address of your account. We mail you a link by which you choose a new password."</p>
                <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
                <button class="primary">"Mail me a link"</button>
                <p class="hint"><a href="/login">"Back to signing in"</a></p>
            </form>
        </Door>
    }
}

/// Chooses a new password, once.
#[component]
pub fn ResetPage() -> impl IntoView {
    let token = queried("token");
    let form = |opened: Result<OpenedReset, AppError>| match opened {
        Ok(reset) => view! { <Reset reset /> }.into_any(),
        Err(error) => view! { {failed(&error)} <p class="hint"><a href=FORGOT>"Ask for a new link"</a></p> }.into_any(),
    };
    view! { <Door title="Choose a new password">{asked(open_reset(token), form)}</Door> }
}

#[component]
fn Reset(reset: OpenedReset) -> impl IntoView {
    let code =
        || view! { <Field name="code" label="Authentication code" autocomplete="one-time-code" hint="Or one of your recovery codes." /> };
    view! {
        <form class="card" method="post" action="/api/ui/reset_password" data-sent>
            <Said flash=reset.flash />
            <p>"Afterwards you are signed out everywhere, and sign in with the new password."</p>
            <input type="hidden" name="token" value=reset.token />
            <input type="text" name="username" autocomplete="username" value=reset.username hidden />
            <NewPasswordField label="New password" />
            {reset.needs_code.then(code)}
            <button class="primary">"Set new password"</button>
        </form>
    }
}
