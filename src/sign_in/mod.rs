//! Sign-in and sign-out.

pub mod api;
pub mod model;
pub mod page;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod browser;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
mod tries;
