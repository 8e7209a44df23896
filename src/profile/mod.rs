//! The Security tab of the profile: what guards the account, and the Active Sessions card.

pub mod api;
pub mod page;
