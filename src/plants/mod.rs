//! Organizations, their portfolios, plants and devices.

pub mod actions;
pub mod closure;
pub mod devices;
pub mod fields;
pub mod hosts;
pub mod http;
pub mod import;
pub mod model;
pub mod organizations;
pub mod portfolios;
pub mod visible;

mod requests;
mod store;
