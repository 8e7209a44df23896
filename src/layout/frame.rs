//! The frame of every page of a signed-in user: top bar, menu and status lines. The script of the page fills the status lines and
//! handles the keys of the menu.

use axum::http::request::Parts;
use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    error::AppError,
    layout::narrow::render_async,
    sessions::caller,
    ui::{
        field::error_message,
        form_response::{self, Flash},
        icon::{Icon, mark},
        time::TimeZone,
    },
};

/// Renders a page with the caller's account and the flash. The gate has redirected everybody else to the login page.
pub fn framed(page: impl FnOnce(Account, Flash) -> AnyView) -> AnyView {
    match caller::current_session() {
        Ok((_, caller)) => {
            let view = page(caller.account.clone(), form_response::take_flash());
            view! { <Frame account=caller.client.account notice=String::new()>{view}</Frame> }.into_any()
        }
        Err(error) => view! { <main>{error_message(&error)}</main> }.into_any(),
    }
}

/// Renders a page after loading its data with `load`. An error is shown in place of the page.
pub fn framed_with<T: Send + 'static>(
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    view: impl FnOnce(T, Flash) -> AnyView + Send + 'static,
) -> AnyView {
    framed(|_, flash| {
        render_async(load, |result| match result {
            Ok(data) => view(data, flash),
            Err(error) => error_message(&error),
        })
    })
}

/// The frame around a page.
#[component]
pub fn Frame(
    /// The account of the signed-in user.
    account: Account,
    /// Notice of the previous page, or empty.
    notice: String,
    /// The page.
    children: Children,
) -> impl IntoView {
    TimeZone::provide(account.time_zone.clone());
    let notice_class = if notice.is_empty() { "status-notice is-empty" } else { "status-notice" };
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="bar">
            <a class="home" href="/profile?tab=security">{mark()}<span class="word">"Whereabouts"</span></a>
            <Places is_admin=account.is_admin />
            <ProfileMenu name=account.name />
        </header>
        <main id="main" tabindex="-1">{children()}</main>
        <p role="status" class="status-sign-in is-empty"><span></span>" "<a href="/profile?tab=security">"Review"</a></p>
        <p role="status" class=notice_class>{notice}</p>
        <p role="status" class="status-offline is-empty"></p>
    }
}

/// Pages that belong to the plants, besides those below `/plants`.
const ABOUT_PLANTS: [&str; 4] = ["/organizations", "/portfolios", "/devices", "/grants"];

/// The links to the main pages.
#[component]
fn Places(is_admin: bool) -> impl IntoView {
    let path = use_context::<Parts>().map(|parts| parts.uri.path().to_owned()).unwrap_or_default(); // while Leptos lists the routes
    let is_within = |page: &str| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let link = |page: &'static str, name: &'static str| {
        let is_here = is_within(page) || (page == "/plants" && ABOUT_PLANTS.into_iter().any(is_within));
        view! { <a href=page aria-current=is_here.then_some("page")>{name}</a> }
    };
    view! { <nav class="places" aria-label="Places">{link("/plants", "Plants")} {link("/audit", "Audit")} {is_admin.then(|| link("/admin", "Admin"))}</nav> }
}

/// The profile menu. It is a popover, so it opens and closes without a script.
#[component]
fn ProfileMenu(name: String) -> impl IntoView {
    view! {
        // The button contains only the icon and overlays the name, so that its accessible name matches what it shows.
        <div class="account-button">
            <span class="initials" aria-hidden="true">{initials(&name)}</span>
            <span class="name">{name}</span>
            <button popovertarget="profile-menu" aria-label="Profile menu" aria-haspopup="menu">{Icon::Chevron.draw()}</button>
        </div>
        <div id="profile-menu" class="menu" popover="auto" role="menu" aria-label="Profile menu">
            <a role="menuitem" href="/profile?tab=profile">"Profile"</a>
            <form role="none" method="post" action="/api/ui/sign_out"><button role="menuitem" class="quiet">"Sign out"</button></form>
        </div>
    }
}

/// Returns the first letters of the first and the last name. The style sheet capitalizes them.
pub fn initials(name: &str) -> String {
    let mut words = name.split([' ', '.', '-', '_']).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_come_from_the_first_and_the_last_name() {
        let cases = [("Alice Lindqvist", "AL"), ("alice", "a"), ("ann-marie van der berg", "ab"), ("", ""), ("élodie", "é")];
        for (name, expected) in cases {
            assert_eq!(initials(name), expected);
        }
    }
}
