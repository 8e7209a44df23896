//! Import of plants and devices from a CSV file: nothing is written unless every line is right.

pub mod actions;
pub mod api;
pub mod page;
pub mod plan;
