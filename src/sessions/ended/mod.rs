//! Sessions that ended in the last 30 days: who ended them, from where and why.

pub mod actions;
mod ending;
pub mod http;
pub mod model;
mod store;
pub mod view;

pub use ending::Ending;
