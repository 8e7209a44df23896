//! Sign-in and sign-out.

pub mod actions;
pub mod api;
pub mod http;
pub mod model;
pub mod page;

mod cookies;
