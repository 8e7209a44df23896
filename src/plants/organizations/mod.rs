//! Organizations: created by platform administrators, who assign the host suffixes under which their devices lie.

pub mod actions;
pub mod http;
pub mod model;

pub(in crate::plants) mod store;
