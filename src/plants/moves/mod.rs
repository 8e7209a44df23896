//! Moves of plants to another portfolio of their organization, which change whose access there is: one plant, or all of a portfolio.

pub mod actions;
pub mod api;
pub mod page;

mod emails;
mod store;
