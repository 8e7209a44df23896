//! The Security tab of the profile: the protection of the account and the Active Sessions card.

mod actions;
pub mod page;
