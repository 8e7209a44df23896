//! The page behind "Profile": one tab each for the person, their security and, once there are any, their API tokens.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    accounts::model::Account,
    error::AppError,
    frame::Frame,
    profile::api::{Guards, Opened, open_guards, open_profile},
    sessions::card::ActiveSessions,
    ui::{
        dynamic::{aria, dynamic, flag, words},
        icon::Icon,
        loaded::{failed, loaded},
    },
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Profile,
    Security,
}

impl Tab {
    fn named(name: &str) -> Self {
        if name == "profile" { Self::Profile } else { Self::Security }
    }
}

/// The page.
#[component]
pub fn ProfilePage() -> impl IntoView {
    loaded(open_profile, |opened: Result<Opened, AppError>| match opened {
        Ok(Opened { account, notice }) => view! { <Frame account=account.clone() notice><Tabs account /></Frame> }.into_any(),
        Err(error) => view! { <main>{failed(&error)}</main> }.into_any(),
    })
}

#[component]
fn Tabs(account: Account) -> impl IntoView {
    let query = use_query_map();
    let tab = Memo::new(move |_| Tab::named(&query.with(|query| query.get("tab").unwrap_or_default())));
    let link = move |this: Tab, name: &'static str| {
        let is_open = move || tab.get() == this;
        let href = format!("/profile?tab={}", name.to_ascii_lowercase());
        view! {
            <a role="tab" href=href id=format!("tab-{}", name.to_ascii_lowercase()) aria-controls="tab-panel"
                aria-selected=aria(is_open) class:is-open=flag(is_open)>{name}</a>
        }
    };
    let labelled_by = words(move || if tab.get() == Tab::Profile { "tab-profile" } else { "tab-security" }.to_owned());
    view! {
        <Title text=move || if tab.get() == Tab::Profile { "Profile" } else { "Security" } />
        <h1>"Profile"</h1>
        <div class="tabs" role="tablist" aria-label="Profile">{link(Tab::Profile, "Profile")}{link(Tab::Security, "Security")}</div>
        <div role="tabpanel" id="tab-panel" aria-labelledby=labelled_by>
            {dynamic(move || match tab.get() {
                Tab::Profile => view! { <Person account=account.clone() /> }.into_any(),
                Tab::Security => view! { {loaded(open_guards, guards)} <ActiveSessions /> }.into_any(),
            })}
        </div>
    }
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

#[component]
fn Person(account: Account) -> impl IntoView {
    let role = if account.is_admin { "Administrator" } else { "Member" };
    view! {
        <section class="card facts" aria-labelledby="person">
            <h2 id="person">{account.name}</h2>
            <dl>
                <div><dt>"Username"</dt><dd>{account.username}</dd></div>
                <div><dt>"Email"</dt><dd>{account.email}</dd></div>
                <div><dt>"Role"</dt><dd>{role}</dd></div>
            </dl>
        </section>
    }
}
