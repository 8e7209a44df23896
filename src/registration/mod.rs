//! Joining: how accounts are made. So far the first administrator's.

pub mod actions;
pub mod api;
pub mod page;
