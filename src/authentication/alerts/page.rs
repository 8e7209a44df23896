//! The page behind the link in an alert mail. It works without a session.

use leptos::prelude::*;

use crate::{
    authentication::alerts::api::{AlertPageData, load_alert},
    error::AppError,
    layout::narrow::{NarrowPage, query_parameter, render_async},
    ui::field::{FlashMessages, error_message},
};

/// Renders the page.
#[component]
pub fn AlertPage() -> impl IntoView {
    let view = |data: Result<AlertPageData, AppError>| match data {
        Ok(data) => view! { <Review data /> }.into_any(),
        Err(error) => {
            view! { {error_message(&error)} <p class="hint"><a href="/profile?tab=security">"Review your sessions"</a></p> }.into_any()
        }
    };
    view! { <NarrowPage title="Was this you?">{render_async(load_alert(query_parameter("token")), view)}</NarrowPage> }
}

#[component]
fn Review(data: AlertPageData) -> impl IntoView {
    view! {
        <section class="card sign-in-details" aria-label="Sign-in details">
            <FlashMessages flash=data.flash />
            <dl>
                <div><dt>"Device"</dt><dd>{data.device}</dd></div>
                <div><dt>"Location"</dt><dd>{data.location}" (approximate)"</dd></div>
                <div><dt>"IP address"</dt><dd class="address">{data.ip}</dd></div>
                <div><dt>"Time"</dt><dd>{data.time}</dd></div>
            </dl>
        </section>
        <form class="card" method="post" action="/api/ui/disown_sign_in" data-sent>
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="token" value=data.token.clone() />
            <p>"If it wasn't you, that session ends, its device is forgotten, and you choose a new password."</p>
            <label class="check"><input type="checkbox" name="everywhere" value="yes" checked />"Sign out everywhere else too"</label>
            <button class="filled danger">"This wasn't me"</button>
        </form>
        <form class="confirm-sign-in" method="post" action="/api/ui/confirm_sign_in" data-sent>
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="token" value=data.token />
            <button class="outlined">"This was me"</button>
        </form>
    }
}
