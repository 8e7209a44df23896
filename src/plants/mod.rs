//! Organizations, their portfolios, plants and devices.

pub mod model;
pub mod visible;
