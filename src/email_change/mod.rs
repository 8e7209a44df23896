//! Another email address: both the old one and the new one confirm it, so that neither a thief of the session nor a
//! mistyped address takes the account away.

pub mod actions;
pub mod api;
pub mod page;

mod store;
