//! The Profile tab: name, username, time zone and email address of the user, and the recent events of the account.

pub mod actions;
pub mod api;
pub mod page;
