//! Administration: invitations, requests for access, and other users' accounts and sessions.

pub mod actions;
pub mod api;
pub mod page;
pub mod proxy_notice;
pub mod store;
