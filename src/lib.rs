//! Whereabouts: people see where their account is signed in, and sign out, at once, what they do not recognise.
//!
//! Imports run one way, downwards in this list; `ARCHITECTURE.md` says what is where.

// Views are types, and nest as deep as the page does.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod server;

pub mod app;
#[cfg(feature = "ssr")]
pub mod plain;

#[cfg(feature = "ssr")]
pub mod admin;
pub mod profile;
#[cfg(feature = "ssr")]
pub mod registration;
#[cfg(feature = "ssr")]
pub mod sign_in;

pub mod frame;

pub mod sessions;

pub mod accounts;
#[cfg(feature = "ssr")]
pub mod audit;

pub mod error;
pub mod foundation;
pub mod ui;

/// Takes the page over in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    if !ui::browser::is_plain() {
        leptos::mount::hydrate_body(app::App);
    }
    ui::helps::help();
    ui::browser::ready();
}
