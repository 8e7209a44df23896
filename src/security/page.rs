//! Page of the Security tab: the protection of the account, the Active Sessions card and the sessions that ended.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    layout::{
        frame::Frame,
        narrow::{query_parameter, render_async},
        tabs::{Tab, Tabs},
    },
    security::actions::{SecurityData, SecurityQuery, SecurityStatus, load},
    sessions::{
        caller,
        card::ActiveSessions,
        ended::view::{self as ended, EndedSessions},
        model::{PAGE_SIZE, Query},
    },
    ui::{field::error_message, form_response, icon::Icon},
};

/// The Security tab. Without a script it also answers a search, each Show more and Revoke All, by its query parameters.
#[component]
pub fn SecurityPage() -> impl IntoView {
    let (services, caller) = match caller::current_session() {
        Ok(current) => current,
        Err(error) => return view! { <main>{error_message(&error)}</main> }.into_any(),
    };
    let flash = form_response::take_flash();
    let notice = flash.failure.map(|failure| failure.to_string()).or(flash.notice).unwrap_or_default();
    let show = query_parameter("show").parse().unwrap_or(PAGE_SIZE).clamp(1, 1_000);
    if !query_parameter("search").is_empty() {
        form_response::forbid_compression();
    }
    let query = SecurityQuery {
        sessions: Query { search: query_parameter("search"), show },
        is_confirming: query_parameter("confirm") == "revoke-all",
        ended: query_parameter("ended").parse().unwrap_or(ended::PAGE_SIZE),
    };
    let account = caller.account.clone();
    let data = async move { load(&services, &caller, query).await };
    let cards = render_async(data, |data| match data {
        Ok(SecurityData { status, card, ended }) => {
            view! { {security_cards(status)} <ActiveSessions data=card /> <EndedSessions data=ended /> }.into_any()
        }
        Err(error) => error_message(&error),
    });
    view! {
        <Title text="Security" />
        <Frame account notice><Tabs open=Tab::Security>{cards}</Tabs></Frame>
    }
    .into_any()
}

/// Renders one card each for the password and the second factor.
fn security_cards(SecurityStatus { password, second_factor, is_on }: SecurityStatus) -> impl IntoView {
    let (shield, action) = if is_on { (Icon::ShieldOn, "Manage") } else { (Icon::Shield, "Set up") };
    view! {
        <div class="security-cards">
            {security_card(Icon::Key, "Password", password, "Change", "/profile/password")}
            {security_card(shield, "Two-factor authentication", second_factor, action, "/profile/two-factor")}
        </div>
    }
}

fn security_card(icon: Icon, name: &'static str, text: String, action: &'static str, path: &'static str) -> impl IntoView {
    let label = format!("{action}: {name}");
    view! {
        <section class="card security-card" aria-label=name>
            <span class="tile">{icon.draw()}</span>
            <div><h2>{name}</h2><p>{text}</p></div>
            <a class="outlined" href=path aria-label=label>{action}</a>
        </section>
    }
}
