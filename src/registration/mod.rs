//! Joining: how accounts are made. So far the first administrator's.

pub mod api;
pub mod page;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod store;
