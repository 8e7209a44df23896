//! Active Sessions: lists where an account is signed in, and revokes sessions.

pub mod api;
pub mod card;
pub mod live;
pub mod model;

mod details;
mod dialog;
#[cfg(feature = "hydrate")]
mod failure;
mod row;
mod search;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod caller;
#[cfg(feature = "ssr")]
pub mod cleanup;
#[cfg(feature = "ssr")]
pub mod cookie;
#[cfg(feature = "ssr")]
mod cursor;
#[cfg(feature = "ssr")]
pub mod ended;
#[cfg(feature = "ssr")]
pub mod epoch;
#[cfg(feature = "ssr")]
pub mod expiry;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod presence;
#[cfg(feature = "ssr")]
pub mod redirect;
#[cfg(feature = "ssr")]
pub mod store;
