//! The pages of a password reset: requesting a link, and setting a new password with it.

use leptos::prelude::*;

use crate::{
    authentication::password::api::{FORGOT_PAGE, ResetPageData, load_reset},
    error::AppError,
    layout::narrow::{NarrowPage, query_parameter, render_async},
    ui::{
        field::{Field, FlashMessages, NewPasswordField, error_message},
        form_response,
    },
};

/// Renders the form that requests a reset link by mail.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let flash = form_response::take_flash();
    let email = flash.typed("email");
    view! {
        <NarrowPage title="Forgot your password?">
            <form class="card" method="post" action="/api/ui/request_password_reset" data-sent>
                <FlashMessages flash />
                <p>"Enter the email address of your account. We will email you a link to choose a new password."</p>
                <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
                <button class="primary">"Email me a link"</button>
                <p class="hint"><a href="/login">"Back to sign-in"</a></p>
            </form>
        </NarrowPage>
    }
}

/// Renders the form that sets a new password with the token of a reset link.
#[component]
pub fn ResetPage() -> impl IntoView {
    let token = query_parameter("token");
    let form = |data: Result<ResetPageData, AppError>| match data {
        Ok(reset) => view! { <Reset reset /> }.into_any(),
        Err(error) => view! { {error_message(&error)} <p class="hint"><a href=FORGOT_PAGE>"Request a new link"</a></p> }.into_any(),
    };
    view! { <NarrowPage title="Choose a new password">{render_async(load_reset(token), form)}</NarrowPage> }
}

#[component]
fn Reset(reset: ResetPageData) -> impl IntoView {
    let code =
        || view! { <Field name="code" label="Authentication code" autocomplete="one-time-code" hint="Or one of your recovery codes." /> };
    view! {
        <form class="card" method="post" action="/api/ui/reset_password" data-sent>
            <FlashMessages flash=reset.flash />
            <p>"This signs you out everywhere. Then sign in with the new password."</p>
            <input type="hidden" name="token" value=reset.token />
            <input type="text" name="username" autocomplete="username" value=reset.username hidden />
            <NewPasswordField label="New password" />
            {reset.needs_code.then(code)}
            <button class="primary">"Set new password"</button>
        </form>
    }
}
