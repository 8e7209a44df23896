//! Portfolios: plants of an organization that are managed together.

pub mod actions;
pub mod http;
pub mod model;

pub(in crate::plants) mod store;
