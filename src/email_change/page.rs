//! The page that a mail about another address leads to. It works signed out.

use leptos::prelude::*;

use crate::{
    email_change::api::{OpenedConfirmation, open_confirmation},
    error::AppError,
    ui::{
        door::{Door, asked, queried},
        field::Said,
        loaded::failed,
    },
};

/// The page.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let view = |opened: Result<OpenedConfirmation, AppError>| match opened {
        Ok(confirmation) => view! { <Confirm confirmation /> }.into_any(),
        Err(error) => view! { {failed(&error)} <p class="hint"><a href="/profile?tab=profile">"Your profile"</a></p> }.into_any(),
    };
    view! { <Door title="Confirm your email address">{asked(open_confirmation(queried("token")), view)}</Door> }
}

#[component]
fn Confirm(confirmation: OpenedConfirmation) -> impl IntoView {
    let OpenedConfirmation { token, email, flash } = confirmation;
    view! {
        <form class="card" method="post" action="/api/ui/confirm_email_change" data-sent>
            <Said flash />
            <p>"The email address of your account is to be "<strong>{email}</strong>". It changes once both addresses have confirmed it."</p>
            <input type="hidden" name="token" value=token />
            <button class="primary">"Confirm"</button>
        </form>
    }
}
