//! Members of organizations: owners, administrators and members.

pub mod actions;
mod emails;
pub mod http;
pub mod model;
pub mod store;
