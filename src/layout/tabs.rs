//! The tabs of the profile. Each is a separate page.

use leptos::prelude::*;

/// A tab of the profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Personal data.
    Profile,
    /// Sessions and the protection of the account.
    Security,
    /// API tokens.
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

    /// Returns the tab of this `tab` query parameter. Defaults to Security.
    pub fn from_key(key: &str) -> Self {
        [Self::Profile, Self::ApiTokens].into_iter().find(|tab| tab.key() == key).unwrap_or(Self::Security)
    }

    /// Returns the value of the `tab` query parameter.
    pub fn key(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Security => "security",
            Self::ApiTokens => "api-tokens",
        }
    }
}

/// The tab list and the panel of the open tab.
#[component]
pub fn Tabs(
    /// The open tab.
    open: Tab,
    /// Content of the panel.
    children: Children,
) -> impl IntoView {
    let link = |tab: Tab| {
        let (is_open, key) = (tab == open, tab.key());
        view! {
            <a role="tab" href=format!("/profile?tab={key}") id=format!("tab-{key}") aria-controls="tab-panel"
                aria-selected=if is_open { "true" } else { "false" } class=if is_open { "is-open" } else { "" }>{tab.name()}</a>
        }
    };
    view! {
        <h1>"Profile"</h1>
        <div class="tabs" role="tablist" aria-label="Profile">{link(Tab::Profile)}{link(Tab::Security)}{link(Tab::ApiTokens)}</div>
        <div role="tabpanel" id="tab-panel" aria-labelledby=format!("tab-{}", open.key())>{children()}</div>
    }
}
