//! The Security tab of the profile: what guards the account, and the Active Sessions card.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    error::AppError,
    frame::Frame,
    profile::api::{Guards, Opened, open_guards, open_profile},
    sessions::card::ActiveSessions,
    tabs::{Tab, Tabs},
    ui::{
        icon::Icon,
        loaded::{failed, loaded},
    },
};

/// The Security tab.
#[component]
pub fn ProfilePage() -> impl IntoView {
    loaded(open_profile, |opened: Result<Opened, AppError>| match opened {
        Ok(Opened { account, notice, tokens_used }) => view! {
            <Title text="Security" />
            <Frame account notice>
                <Tabs open=Tab::Security>{loaded(open_guards, guards)} <ActiveSessions tokens_used /></Tabs>
            </Frame>
        }
        .into_any(),
        Err(error) => view! { <main>{failed(&error)}</main> }.into_any(),
    })
}

/// What guards the account: a card each for the password and the second factor.
fn guards(guards: Result<Guards, AppError>) -> AnyView {
    match guards {
        Ok(Guards { password, second_factor, is_on }) => {
            let (shield, act) = if is_on { (Icon::ShieldOn, "Manage") } else { (Icon::Shield, "Set up") };
            view! {
                <div class="guards">
                    {guard(Icon::Key, "Password", password, "Change", "/profile/password")}
                    {guard(shield, "Two-factor authentication", second_factor, act, "/profile/two-factor")}
                </div>
            }
            .into_any()
        }
        Err(error) => failed(&error),
    }
}

fn guard(icon: Icon, name: &'static str, words: String, act: &'static str, path: &'static str) -> AnyView {
    let label = format!("{act}: {name}");
    view! {
        <section class="card guard" aria-label=name>
            <span class="tile">{icon.draw()}</span>
            <div><h2>{name}</h2><p>{words}</p></div>
            <a class="outlined" rel="external" href=path aria-label=label>{act}</a>
        </section>
    }
    .into_any()
}
