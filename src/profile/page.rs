//! The page of the Profile tab: the user, their email address, and the recent events of the account.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    layout::{
        frame::framed_with,
        tabs::{Tab, Tabs},
    },
    profile::api::{ProfilePageData, load_profile},
    record::{Outcome, RecordedEvent},
    ui::{
        date::time_zones,
        field::{Field, FlashMessages},
        form_response::Flash,
        time::exact,
    },
};

/// Renders the page.
#[component]
pub fn ProfilePage() -> impl IntoView {
    framed_with(load_profile(), |ProfilePageData { account, new_email, recent }, flash| {
        let time_zone = account.time_zone.clone();
        view! {
            <Title text="Profile" />
            <Tabs open=Tab::Profile>
                <FlashMessages flash=Flash { typed: Default::default(), ..flash.clone() } />
                <div class="profile-cards">
                    <About account=account.clone() flash=flash.clone() />
                    <Email account new_email flash />
                </div>
                <Recent recent time_zone />
            </Tabs>
        }
        .into_any()
    })
}

#[component]
fn About(account: Account, flash: Flash) -> impl IntoView {
    let typed_or = |field: &str, stored: &str| if flash.typed.contains_key(field) { flash.typed(field) } else { stored.to_owned() };
    let (name, username, selected_zone) =
        (typed_or("name", &account.name), typed_or("username", &account.username), typed_or("time_zone", &account.time_zone));
    let zones = time_zones()
        .map(|zone| view! { <option value=zone selected=zone == selected_zone>{zone.replace('_', " ")}</option> })
        .collect_view();
    view! {
        <form class="card" method="post" action="/api/ui/update_profile" data-sent aria-labelledby="about">
            <h2 id="about">"About you"</h2>
            <div role="alert" class="failure is-empty"></div>
            <Field name="name" label="Name" autocomplete="name" value=name />
            <Field name="username" label="Username" autocomplete="username" value=username />
            <div class="field">
                <label for="time_zone">"Time zone"</label>
                <select id="time_zone" name="time_zone">{zones}</select>
                <p class="hint">"Used for times on pages and in emails."</p>
            </div>
            <div class="buttons"><button class="primary">"Save"</button></div>
        </form>
    }
}

#[component]
fn Email(account: Account, new_email: Option<String>, flash: Flash) -> impl IntoView {
    let pending = new_email.map(|email| {
        view! {
            <form class="notice" method="post" action="/api/ui/cancel_email_change" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <p><strong>{email}</strong>" takes effect once both addresses have confirmed it."</p>
                <button class="outlined">"Cancel the change"</button>
            </form>
        }
    });
    view! {
        <section class="card" aria-labelledby="email-address">
            <h2 id="email-address">"Email"</h2>
            <p>"Used to sign in and for notifications: "<strong>{account.email}</strong></p>
            {pending}
            <form method="post" action="/api/ui/change_email" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <Field name="email" label="New email" autocomplete="email" kind="email" value=flash.typed("email")
                    hint="We send an email to both addresses. The change takes effect once both have confirmed it." />
                <div class="buttons"><button class="primary">"Change email"</button></div>
            </form>
        </section>
    }
}

#[component]
fn Recent(recent: Vec<RecordedEvent>, time_zone: String) -> impl IntoView {
    let row = |event: RecordedEvent| {
        let class = if event.outcome == Outcome::Refused { "refused" } else { "" };
        view! {
            <li class=class>
                <span>{event.description().to_owned()}</span>
                <span class="address">{event.ip}</span>
                <time datetime=event.occurred_at.to_rfc3339()>{exact(event.occurred_at, &time_zone)}</time>
            </li>
        }
    };
    view! {
        <section class="card recent-activity" aria-labelledby="recent">
            <h2 id="recent">"Recent security activity"</h2>
            <ol>{recent.into_iter().map(row).collect_view()}</ol>
        </section>
    }
}
