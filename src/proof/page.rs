//! The page that asks for the password again.

use leptos::prelude::*;

use crate::ui::{
    door::{Door, queried},
    field::{PasswordField, Said},
    plain_form,
};

/// The page.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    view! {
        <Door title="Confirm it is you">
            <form class="card" method="post" action="/api/ui/confirm_password" data-sent>
                <p>"What you are about to do could lock you out, so type your password once more."</p>
                <Said flash=plain_form::take() />
                <input type="hidden" name="next" value=queried("next") />
                <PasswordField />
                <button class="primary">"Go on"</button>
                <p class="hint"><a href="/profile?tab=security">"Back to your profile"</a></p>
            </form>
        </Door>
    }
}
