//! Change of the email address. Both the old and the new address confirm it, so that neither a stolen session nor a mistyped
//! address can take the account over.

pub mod actions;
pub mod api;
pub mod page;

mod store;
