//! API tokens for scripts: each has a name, a permission group and an expiry, and can be rotated and revoked.

pub mod actions;
pub mod api;
pub mod bearer;
pub mod http;
pub mod model;
pub mod page;
pub mod worker;

mod emails;
mod secret;
mod store;
