//! Devices of plants: each has a web page behind a host name of its own.

pub mod actions;
pub mod http;
pub mod model;

pub(in crate::plants) mod store;
