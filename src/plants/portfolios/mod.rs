//! Portfolios: plants of an organization that are managed together.

pub mod actions;
pub mod api;
pub mod http;
pub mod model;
pub mod view;

pub(in crate::plants) mod store;
