//! The Profile tab: what a person says of themselves, and what happened to their account last.

pub mod actions;
pub mod api;
pub mod page;
