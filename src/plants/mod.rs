//! Organizations, their portfolios, plants and devices.

pub mod actions;
pub mod closure;
pub mod deletion;
pub mod devices;
pub mod edit;
pub mod fields;
pub mod hosts;
pub mod http;
pub mod import;
pub mod list;
pub mod model;
pub mod moves;
pub mod organizations;
pub mod plant;
pub mod portfolios;
pub mod view;
pub mod visible;

mod requests;
mod store;
