//! Administration: what is done to other people's accounts and sessions.

pub mod actions;
