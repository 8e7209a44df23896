//! Reauthentication before any action that could take an account over, because the session may be stolen (OWASP, reauthentication).

pub mod actions;
pub mod actor;
pub mod api;
pub mod page;
pub mod store;
