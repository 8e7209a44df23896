//! The Profile tab: the person, their address, and what happened to the account last.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    audit::{Outcome, Recorded},
    framed::framed_with,
    person::api::{Person, open_person},
    tabs::{Tab, Tabs},
    ui::{
        date::time_zones,
        field::{Field, Said},
        plain_form::Flash,
        time::exact,
    },
};

/// The page.
#[component]
pub fn PersonPage() -> impl IntoView {
    framed_with(open_person(), |Person { account, new_email, recent }, flash| {
        let time_zone = account.time_zone.clone();
        view! {
            <Title text="Profile" />
            <Tabs open=Tab::Profile>
                <Said flash=Flash { typed: Default::default(), ..flash.clone() } />
                <div class="columns">
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
    let typed = |field: &str, kept: &str| if flash.typed.contains_key(field) { flash.typed(field) } else { kept.to_owned() };
    let (name, username, kept_zone) =
        (typed("name", &account.name), typed("username", &account.username), typed("time_zone", &account.time_zone));
    let zones =
        time_zones().map(|zone| view! { <option value=zone selected=zone == kept_zone>{zone.replace('_', " ")}</option> }).collect_view();
    view! {
        <form class="card" method="post" action="/api/ui/describe_person" data-sent aria-labelledby="about">
            <h2 id="about">"About you"</h2>
            <div role="alert" class="failure is-empty"></div>
            <Field name="name" label="Name" autocomplete="name" value=name />
            <Field name="username" label="Username" autocomplete="username" value=username />
            <div class="field">
                <label for="time_zone">"Time zone"</label>
                <select id="time_zone" name="time_zone">{zones}</select>
                <p class="hint">"Pages and mails tell times in it."</p>
            </div>
            <div class="buttons"><button class="primary">"Save"</button></div>
        </form>
    }
}

#[component]
fn Email(account: Account, new_email: Option<String>, flash: Flash) -> impl IntoView {
    let waiting = new_email.map(|email| {
        view! {
            <form class="notice" method="post" action="/api/ui/cancel_email_change" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <p><strong>{email}</strong>" waits until both addresses have confirmed it."</p>
                <button class="outlined">"Cancel the change"</button>
            </form>
        }
    });
    view! {
        <section class="card" aria-labelledby="email-address">
            <h2 id="email-address">"Email"</h2>
            <p>"You sign in by it, and are told by it: "<strong>{account.email}</strong></p>
            {waiting}
            <form method="post" action="/api/ui/change_email" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <Field name="email" label="New email" autocomplete="email" kind="email" value=flash.typed("email")
                    hint="A mail goes to both addresses. The change is made once both have confirmed it." />
                <div class="buttons"><button class="primary">"Change email"</button></div>
            </form>
        </section>
    }
}

#[component]
fn Recent(recent: Vec<Recorded>, time_zone: String) -> impl IntoView {
    let row = |event: Recorded| {
        let class = if event.outcome == Outcome::Refused { "refused" } else { "" };
        view! {
            <li class=class>
                <span>{event.action.in_words(event.outcome)}</span>
                <span class="address">{event.ip}</span>
                <time datetime=event.at.to_rfc3339()>{exact(event.at, &time_zone)}</time>
            </li>
        }
    };
    view! {
        <section class="card recent" aria-labelledby="recent">
            <h2 id="recent">"Recent security activity"</h2>
            <ol>{recent.into_iter().map(row).collect_view()}</ol>
        </section>
    }
}
