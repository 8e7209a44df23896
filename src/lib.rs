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
pub mod api;

#[cfg(feature = "ssr")]
pub mod admin;
#[cfg(feature = "ssr")]
pub mod person;
pub mod profile;
#[cfg(feature = "ssr")]
pub mod registration;
#[cfg(feature = "ssr")]
pub mod sign_in;

pub mod frame;
#[cfg(feature = "ssr")]
pub mod framed;
pub mod tabs;

#[cfg(feature = "ssr")]
pub mod alerts;
#[cfg(feature = "ssr")]
pub mod email_change;
#[cfg(feature = "ssr")]
pub mod password;

#[cfg(feature = "ssr")]
pub mod api_tokens;
#[cfg(feature = "ssr")]
pub mod proof;
#[cfg(feature = "ssr")]
pub mod two_factor;

pub mod sessions;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod mail;
#[cfg(feature = "ssr")]
pub mod tries;

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
    // Pages that are forms mount nothing, and mounting is what would set this; it was set already where it fails.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    if !ui::browser::is_plain() {
        leptos::mount::hydrate_body(app::App);
    } else if ui::browser::is_signed_in() {
        sessions::alone::open();
    }
    ui::helps::help();
    ui::browser::ready();
}
