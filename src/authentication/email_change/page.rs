//! The page behind the link in a mail about an email change. It works without a session.

use leptos::prelude::*;

use crate::{
    authentication::email_change::api::{ConfirmationPageData, load_confirmation},
    error::AppError,
    layout::narrow::{NarrowPage, query_parameter, render_async},
    ui::field::{FlashMessages, error_message},
};

/// Renders the page.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let view = |data: Result<ConfirmationPageData, AppError>| match data {
        Ok(confirmation) => view! { <Confirm confirmation /> }.into_any(),
        Err(error) => view! { {error_message(&error)} <p class="hint"><a href="/profile?tab=profile">"Your profile"</a></p> }.into_any(),
    };
    view! { <NarrowPage title="Confirm your email address">{render_async(load_confirmation(query_parameter("token")), view)}</NarrowPage> }
}

#[component]
fn Confirm(confirmation: ConfirmationPageData) -> impl IntoView {
    let ConfirmationPageData { token, email, flash } = confirmation;
    view! {
        <form class="card" method="post" action="/api/ui/confirm_email_change" data-sent>
            <FlashMessages flash />
            <p>"The new email address of your account is "<strong>{email}</strong>". It changes once both addresses have confirmed it."</p>
            <input type="hidden" name="token" value=token />
            <button class="primary">"Confirm"</button>
        </form>
    }
}
