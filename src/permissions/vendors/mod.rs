//! Vendors of an organization, and who works for them.

pub mod actions;
pub mod api;
mod emails;
pub mod http;
pub mod model;
pub mod store;
pub mod view;
