//! Two-factor authentication: TOTP codes (RFC 6238) and recovery codes, so that a password alone is not enough.

pub mod actions;
pub mod api;
pub mod page;

mod code;
mod store;
