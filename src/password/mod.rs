//! Passwords: their rules, changing one, and choosing a new one when it is forgotten.

pub mod actions;
pub mod api;
pub mod http;
pub mod page;
pub mod reset_page;
pub mod rules;
pub mod store;
