//! The page that asks for the password again.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    layout::{frame::framed, narrow::query_parameter},
    ui::{
        field::{FlashMessages, PasswordField},
        form_response::Flash,
    },
};

/// Renders the page.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    framed(|account, flash| view! { <Confirm account flash /> }.into_any())
}

#[component]
fn Confirm(account: Account, flash: Flash) -> impl IntoView {
    view! {
        <Title text="Confirm your password" />
        <h1>"Confirm your password"</h1>
        <form class="card narrow-card" method="post" action="/api/ui/confirm_password" data-sent>
            <p>"This action affects the security of your account. Enter your password to continue."</p>
            <FlashMessages flash />
            <input type="hidden" name="next" value=query_parameter("next") />
            // Lets password managers find the account.
            <input type="text" name="username" autocomplete="username" value=account.username hidden />
            <PasswordField />
            <div class="buttons">
                <a class="outlined" href="/profile?tab=security">"Cancel"</a>
                <button class="primary">"Continue"</button>
            </div>
        </form>
    }
}
