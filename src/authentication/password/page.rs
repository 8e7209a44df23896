//! The page to change the password.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    layout::frame::framed,
    ui::{
        field::{FlashMessages, NewPasswordField, PasswordField},
        form_response::Flash,
    },
};

/// Renders the page.
#[component]
pub fn PasswordPage() -> impl IntoView {
    framed(|account, flash| view! { <Change account flash /> }.into_any())
}

#[component]
fn Change(account: Account, flash: Flash) -> impl IntoView {
    view! {
        <Title text="Change your password" />
        <p class="back"><a href="/profile?tab=security">"Security"</a></p>
        <h1>"Change your password"</h1>
        <form class="card narrow-card" method="post" action="/api/ui/change_password" data-sent>
            <p>"You stay signed in here and are signed out everywhere else. API tokens keep working until they are revoked."</p>
            <FlashMessages flash />
            // Lets password managers find the account.
            <input type="text" name="username" autocomplete="username" value=account.username hidden />
            <PasswordField name="current" label="Current password" />
            <NewPasswordField name="new" label="New password" />
            <div class="buttons">
                <a class="outlined" href="/profile?tab=security">"Cancel"</a>
                <button class="primary">"Change password"</button>
            </div>
        </form>
    }
}
