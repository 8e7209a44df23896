//! Passwords: rules, change and reset.

pub mod actions;
pub mod api;
pub mod http;
pub mod page;
pub mod reset_page;
pub mod rules;
pub mod store;
