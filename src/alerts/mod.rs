//! Sign-in alerts: a mail when a sign-in comes from somewhere new, and the page that it leads to.

pub mod actions;
pub mod api;
pub mod page;
