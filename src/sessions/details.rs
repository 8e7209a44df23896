//! Details of a session, expanded in its row.

use leptos::prelude::*;

use crate::{
    foundation::{ids::SessionId, timestamp::Timestamp},
    sessions::{live::list::LiveList, model::Session},
    ui::{
        icon::Icon,
        time::{TimeZone, ahead},
    },
};

/// Shows all details of a session, and keeps them up to date.
#[component]
pub fn Details(session: Memo<Session>, list: LiveList) -> impl IntoView {
    view! { <div class="details">{contents(session, list)}</div> }
}

/// The details themselves.
pub fn contents(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let zone = TimeZone::of_page();
    let at = move |name: &'static str, time: fn(&Session) -> Timestamp| {
        view! { <div><dt>{name}</dt><dd>{Signal::derive(move || zone.exact(session.with(time)))}</dd></div> }
    };
    let text = move |name: &'static str, value: fn(&Session) -> String| {
        view! { <div><dt>{name}</dt><dd>{Signal::derive(move || session.with(value))}</dd></div> }
    };
    let expiry = move |name: &'static str, time: fn(&Session) -> Timestamp| {
        let remaining = Signal::derive(move || {
            let time = session.with(time);
            ahead(list.clock.now(), time) + " (" + &zone.exact(time) + ")"
        });
        view! { <div><dt>{name}</dt><dd>{remaining}</dd></div> }
    };
    view! {
        <dl>
            {at("Signed in", |session| session.created_at)}
            {text("Signed in with", |session| session.sign_in_method.clone())}
            {at("Last used", |session| session.last_active_at)}
            {text("IP address at sign-in", |session| session.first_ip.clone())}
            {text("Last used IP address", |session| session.ip.clone())}
            {text("Location", |session| session.location.label.clone())}
            {expiry("Expires if unused", |session| session.idle_expires_at)}
            {expiry("Expires at the latest", |session| session.absolute_expires_at)}
            <div class="wide">
                <dt>"User agent"</dt>
                <dd class="user-agent">{Signal::derive(move || session.with(user_agent))}</dd>
            </div>
        </dl>
        <p class="hint">"The location is estimated from the IP address and may be that of your internet provider."</p>
        <p class="ways">
            <a class="outlined with-icon" href=session.with_untracked(|session| activity_path(&session.id))>
                {Icon::Scroll.draw()}"What this session did"
            </a>
        </p>
    }
}

/// Returns the address of the events of a session in the audit log.
pub fn activity_path(id: &SessionId) -> String {
    "/audit?q=session:".to_owned() + id.as_str()
}

/// Returns the user agent, or a text if there is none.
fn user_agent(session: &Session) -> String {
    if session.user_agent.is_empty() { "Not provided.".to_owned() } else { session.user_agent.clone() }
}
