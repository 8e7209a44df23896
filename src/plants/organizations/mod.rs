//! Organizations: created by platform administrators, who assign the host suffixes under which their devices lie.

pub mod actions;
pub mod api;
mod emails;
pub mod http;
pub mod model;
pub mod page;

pub(in crate::plants) mod store;
