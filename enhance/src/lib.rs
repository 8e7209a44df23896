//! Progressive enhancement of pages that the server rendered, and the live channel in the browser. It submits forms without leaving
//! the page, previews what they do, shows passwords and their strength, copies, prints, counts down, makes dialogs modal, and moves the focus through tabs
//! and menus with the keyboard. Every page works without it.
//!
//! Nothing here may panic or format: the code for that would weigh more than all the rest.

pub mod channel;
mod clipboard;
mod countdown;
mod dialog;
mod events;
mod forms;
mod http;
mod menu;
pub mod page;
mod password;
#[cfg(feature = "entry")]
mod preview;
pub mod refresh;
mod tab_keys;
mod text;

use wasm_bindgen::JsCast;
use web_sys::PageTransitionEvent;

/// Enhances the page for its whole lifetime, including forms that are added later. Then marks it as interactive. Does not open the
/// [`channel`]: that is up to whoever shows what arrives on it.
pub fn start() {
    forms::listen();
    password::listen();
    clipboard::listen();
    countdown::start();
    dialog::make_modal();
    tab_keys::listen();
    menu::listen();
    reload_when_restored();
    page::mark_interactive();
}

/// Reloads the page when it is restored from the back/forward cache: it may show data of a session that the user has signed out of
/// (WEB-5).
fn reload_when_restored() {
    events::listen(&page::window(), "pageshow", |event| {
        if event.unchecked_into::<PageTransitionEvent>().persisted() {
            let _ = page::window().location().reload();
        }
    });
}

/// Entry point of a page on which no other WebAssembly runs. If the user is signed in, it announces sign-ins, and redirects to the
/// login page when the session ends.
#[cfg(feature = "entry")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
fn main() {
    if page::is_signed_in() {
        let query = if page::find("[data-live]").is_some() { "notices=true&audit=true" } else { "notices=true" };
        channel::open(query, None);
    }
    // Not beside the card, which has no such form: each byte of its module counts.
    preview::listen();
    start();
}
