//! A row's details, opened in place.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    sessions::{live_list::LiveList, model::Session},
    ui::{
        dynamic::words,
        time::{TimeZone, ahead},
    },
};

/// Everything that is known of a session.
#[component]
pub fn Details(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let zone = TimeZone::of_page();
    let at = move |name: &'static str, time: fn(&Session) -> DateTime<Utc>| {
        view! { <div><dt>{name}</dt><dd>{words(move || zone.exact(session.with(time)))}</dd></div> }
    };
    let fact = move |name: &'static str, say: fn(&Session) -> String| {
        view! { <div><dt>{name}</dt><dd>{words(move || session.with(say))}</dd></div> }
    };
    let end = move |name: &'static str, time: fn(&Session) -> DateTime<Utc>| {
        let told = words(move || {
            let time = session.with(time);
            format!("{} ({})", ahead(list.clock.now(), time), zone.exact(time))
        });
        view! { <div><dt>{name}</dt><dd>{told}</dd></div> }
    };
    view! {
        <div class="details">
            <dl>
                {at("Signed in", |session| session.created_at)}
                {fact("Signed in with", |session| session.sign_in_method.clone())}
                {at("Last used", |session| session.last_active_at)}
                {fact("Address at sign-in", |session| session.first_ip.clone())}
                {fact("Address last used", |session| session.ip.clone())}
                {fact("Location", |session| session.location.label.clone())}
                {end("Ends without use", |session| session.idle_expires_at)}
                {end("Ends in any case", |session| session.absolute_expires_at)}
                <div class="wide"><dt>"Client, in its own words"</dt><dd class="raw">{words(move || session.with(own_words))}</dd></div>
            </dl>
            <p class="hint">"The location is what a database says of the address: often the provider's town, not yours."</p>
        </div>
    }
}

fn own_words(session: &Session) -> String {
    if session.user_agent.is_empty() { "It said nothing.".to_owned() } else { session.user_agent.clone() }
}
