//! The frame of every page of a signed-in person: top bar, menu, and the words about what was done.

use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    sessions::signals::Live,
    ui::{
        dynamic::{flag, words},
        icon::{Icon, mark},
        time::TimeZone,
    },
};

/// The frame.
#[component]
pub fn Frame(
    /// Who is signed in.
    account: Account,
    /// What the page before wants said.
    notice: String,
    /// The page.
    children: Children,
) -> impl IntoView {
    let live = Live::new(notice);
    provide_context(live);
    TimeZone::provide(account.time_zone.clone());
    #[cfg(feature = "hydrate")]
    crate::sessions::channel::open(live);
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="bar">
            <a class="home" href="/profile?tab=security">{mark()}"Whereabouts"</a>
            {account.is_admin.then(|| view! { <a class="administration" rel="external" href="/admin">"Administration"</a> })}
            <ProfileMenu account live />
        </header>
        <main id="main" tabindex="-1">{children()}</main>
        <p role="status" class="arrived" class:is-empty=flag(move || live.arrived.with(String::is_empty))>
            <span>{words(move || live.arrival())}</span>
            <a href="/profile?tab=security" on:click=move |_| live.arrived.set(String::new())>"Review"</a>
        </p>
        <p role="status" class="said" class:is-empty=flag(move || live.said.with(String::is_empty))>{words(move || live.said.get())}</p>
        <p role="status" class="offline" class:is-empty=flag(move || live.connected.get())>
            {words(move || if live.connected.get() { "" } else { "No connection. The list may be out of date." }.to_owned())}
        </p>
    }
}

/// The menu opens and closes without a script: it is a popover.
#[component]
fn ProfileMenu(account: Account, live: Live) -> impl IntoView {
    let name = account.name.clone();
    view! {
        // The button is its icon, and lies over the name: what it shows is what it is called by.
        <div class="who">
            <span class="initials" aria-hidden="true">{initials(&name)}</span>
            <span class="name">{name}</span>
            <button popovertarget="profile-menu" aria-label="Profile menu" aria-haspopup="menu">{Icon::Chevron.draw()}</button>
        </div>
        <div id="profile-menu" class="menu" popover="auto" role="menu" aria-label="Profile menu" on:keydown=walk on:toggle=|_| focus_first()>
            <a role="menuitem" href="/profile?tab=profile" rel="external">"Profile"</a>
            <form role="none" method="post" action="/api/ui/sign_out" on:submit=move |_| live.is_signing_out.set_value(true)>
                <button role="menuitem" class="quiet">"Sign out"</button>
            </form>
        </div>
    }
}

/// The first letters of the first and the last name. The style sheet makes capitals of them.
fn initials(name: &str) -> String {
    let mut words = name.split([' ', '.', '-', '_']).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).collect()
}

/// An opened menu has the focus in it.
fn focus_first() {
    #[cfg(feature = "hydrate")]
    crate::ui::browser::focus("#profile-menu:popover-open [role=menuitem]");
}

/// Arrow keys walk through the menu (ARIA Authoring Practices, menu button).
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser has keys"))]
fn walk(event: leptos::ev::KeyboardEvent) {
    #[cfg(feature = "hydrate")]
    {
        use crate::ui::browser::focus;
        let to = match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if focus("#profile-menu > [role=menuitem]:not(:focus)") => return event.prevent_default(),
            "ArrowDown" | "ArrowUp" | "End" => "#profile-menu form [role=menuitem]",
            "Home" => "#profile-menu > [role=menuitem]",
            _ => return,
        };
        event.prevent_default();
        focus(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_name() {
        let cases = [("Alice Lindqvist", "AL"), ("alice", "a"), ("ann-marie van der berg", "ab"), ("", ""), ("élodie", "é")];
        for (name, expected) in cases {
            assert_eq!(initials(name), expected);
        }
    }
}
