//! The tabs of the profile. Each is a page of its own: a script takes over the Security tab alone.

use leptos::prelude::*;

/// One of the tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The person.
    Profile,
    /// Their sessions, and what guards the account.
    Security,
    /// The API tokens of their scripts.
    ApiTokens,
}

impl Tab {
    fn name(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Security => "Security",
            Self::ApiTokens => "API Tokens",
        }
    }

    /// As the page's address says it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Security => "security",
            Self::ApiTokens => "api-tokens",
        }
    }
}

/// The tabs, and the panel of the open one.
#[component]
pub fn Tabs(
    /// Which is open.
    open: Tab,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let link = |tab: Tab| {
        let (is_open, key) = (tab == open, tab.key());
        view! {
            <a role="tab" rel="external" href=format!("/profile?tab={key}") id=format!("tab-{key}") aria-controls="tab-panel"
                aria-selected=if is_open { "true" } else { "false" } class=if is_open { "is-open" } else { "" }>{tab.name()}</a>
        }
    };
    view! {
        <h1>"Profile"</h1>
        <div class="tabs" role="tablist" aria-label="Profile">{link(Tab::Profile)}{link(Tab::Security)}{link(Tab::ApiTokens)}</div>
        <div role="tabpanel" id="tab-panel" aria-labelledby=format!("tab-{}", open.key())>{children()}</div>
    }
}
