//! Sign-in alerts: the mail about a sign-in from a new device or location, and the page behind its link.

pub mod actions;
pub mod api;
pub mod page;
