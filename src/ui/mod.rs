//! Small pieces of pages: native HTML elements first.

pub mod dynamic;
pub mod icon;
pub mod loaded;
pub mod time;

#[cfg(feature = "ssr")]
pub mod date;
#[cfg(feature = "ssr")]
pub mod door;
#[cfg(feature = "ssr")]
pub mod field;
#[cfg(feature = "ssr")]
pub mod plain_form;

#[cfg(feature = "hydrate")]
pub mod browser;
#[cfg(feature = "hydrate")]
pub mod helps;
#[cfg(feature = "hydrate")]
mod tab_keys;
