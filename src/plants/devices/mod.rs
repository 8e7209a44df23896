//! Devices of plants: each has a web page behind a host name of its own.

pub mod actions;
pub mod api;
pub mod http;
pub mod model;
pub mod page;

pub(in crate::plants) mod former;
pub(in crate::plants) mod store;

mod emails;
