//! The page that an alert's mail leads to. It works signed out.

use leptos::prelude::*;

use crate::{
    alerts::api::{Told, open_alert},
    error::AppError,
    ui::{
        door::{Door, asked, queried},
        field::Said,
        loaded::failed,
    },
};

/// The page.
#[component]
pub fn AlertPage() -> impl IntoView {
    let view = |opened: Result<Told, AppError>| match opened {
        Ok(told) => view! { <Review told /> }.into_any(),
        Err(error) => view! { {failed(&error)} <p class="hint"><a href="/profile?tab=security">"Review your sessions"</a></p> }.into_any(),
    };
    view! { <Door title="Was this you?">{asked(open_alert(queried("token")), view)}</Door> }
}

#[component]
fn Review(told: Told) -> impl IntoView {
    view! {
        <section class="card facts" aria-label="The sign-in">
            <Said flash=told.flash />
            <dl>
                <div><dt>"Device"</dt><dd>{told.device}</dd></div>
                <div><dt>"Location"</dt><dd>{told.location}" (approximate)"</dd></div>
                <div><dt>"IP address"</dt><dd class="address">{told.ip}</dd></div>
                <div><dt>"Time"</dt><dd>{told.time}</dd></div>
            </dl>
        </section>
        <form class="card" method="post" action="/api/ui/disown_sign_in" data-sent>
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="token" value=told.token.clone() />
            <p>"If not, that session ends at once, its device is forgotten, and you choose a new password."</p>
            <label class="check"><input type="checkbox" name="everywhere" value="yes" checked />"Sign out everywhere else too"</label>
            <button class="filled danger">"This wasn't me"</button>
        </form>
        <form class="was-me" method="post" action="/api/ui/confirm_sign_in" data-sent>
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="token" value=told.token />
            <button class="outlined">"This was me"</button>
        </form>
    }
}
