//! Members of organizations: owners, administrators and members.

pub mod actions;
pub mod api;
mod emails;
pub mod http;
pub mod model;
pub mod store;
pub mod view;
