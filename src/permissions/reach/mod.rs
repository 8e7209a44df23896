//! Who can reach a plant, and what a person can reach.

pub mod actions;
pub mod http;
pub mod model;
pub mod page;
pub mod store;
