//! Whereabouts: users see where their account is signed in, and sign out at once what they do not recognize.
//!
//! Modules import only from modules further down in this list. `ARCHITECTURE.md` describes them.

// The types of views nest as deeply as the page.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod server;

#[cfg(feature = "ssr")]
pub mod app;

#[cfg(feature = "ssr")]
pub mod api;

#[cfg(feature = "ssr")]
pub mod admin;
#[cfg(feature = "ssr")]
pub mod api_tokens;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod authentication;
#[cfg(feature = "ssr")]
pub mod permissions;
#[cfg(feature = "ssr")]
pub mod plants;
#[cfg(feature = "ssr")]
pub mod profile;
#[cfg(feature = "ssr")]
pub mod reauthentication;
#[cfg(feature = "ssr")]
pub mod security;

#[cfg(feature = "ssr")]
pub mod layout;

pub mod sessions;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod accounts;
#[cfg(feature = "ssr")]
pub mod mail;
#[cfg(feature = "ssr")]
pub mod rate_limit;
#[cfg(feature = "ssr")]
pub mod record;

pub mod error;
pub mod foundation;
pub mod ui;

/// Entry point in the browser: hydrates the Active Sessions card, and enhances the rest of its page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    ui::later::run(|| {
        sessions::card::hydrate();
        ui::later::when_hydrated(enhance);
    });
}

/// Enhances the rest of the page, after the card.
#[cfg(feature = "hydrate")]
fn enhance() {
    if whereabouts_enhance::page::is_signed_in() {
        // Only if no card has opened the channel for its list.
        whereabouts_enhance::channel::open("notices=true", None);
    }
    whereabouts_enhance::start();
}
