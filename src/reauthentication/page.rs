//! The page that asks for the password again.

use leptos::prelude::*;

use crate::{
    layout::narrow::{NarrowPage, query_parameter},
    ui::{
        field::{FlashMessages, PasswordField},
        form_response,
    },
};

/// Renders the page.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    view! {
        <NarrowPage title="Confirm your password">
            <form class="card" method="post" action="/api/ui/confirm_password" data-sent>
                <p>"This action affects the security of your account. Enter your password to continue."</p>
                <FlashMessages flash=form_response::take_flash() />
                <input type="hidden" name="next" value=query_parameter("next") />
                <PasswordField />
                <button class="primary">"Continue"</button>
                <p class="hint"><a href="/profile?tab=security">"Back to your profile"</a></p>
            </form>
        </NarrowPage>
    }
}
