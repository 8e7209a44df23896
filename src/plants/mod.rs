//! Organizations, their portfolios, plants and devices.

pub mod closure;
pub mod list;
pub mod model;
pub mod plant;
pub mod view;
pub mod visible;
