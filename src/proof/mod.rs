//! Proving anew who one is, before what could take an account over: a session may be a thief's (OWASP, reauthentication).

pub mod actions;
pub mod api;
pub mod page;
pub mod store;
