//! Active Sessions: where an account is signed in, and the end of what it does not recognise.

pub mod api;
pub mod card;
pub mod model;
pub mod signals;
pub mod wire;

mod details;
mod dialog;
mod live_list;
mod row;
mod search;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod browser;
#[cfg(feature = "ssr")]
pub mod caller;
#[cfg(feature = "ssr")]
mod cursor;
#[cfg(feature = "ssr")]
pub mod epoch;
#[cfg(feature = "ssr")]
pub mod expiry;
#[cfg(feature = "ssr")]
pub mod feed;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(feature = "ssr")]
pub mod next;
#[cfg(feature = "ssr")]
pub mod presence;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod sweep;

#[cfg(feature = "hydrate")]
pub mod alone;
#[cfg(feature = "hydrate")]
pub mod channel;
