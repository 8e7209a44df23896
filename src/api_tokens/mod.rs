//! API tokens: what scripts carry, named, narrowed to a permission group, expiring, rotated and revoked.

pub mod actions;
pub mod api;
pub mod bearer;
pub mod http;
pub mod model;
pub mod page;
pub mod worker;

mod letters;
mod secret;
mod store;
