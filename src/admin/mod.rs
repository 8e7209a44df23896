//! Administration: who has an account, who is to have one, and what is done to other people's accounts and sessions.

pub mod actions;
pub mod api;
pub mod page;
pub mod proxy_notice;
pub mod store;
