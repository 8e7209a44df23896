//! Authentication: how users sign in, and how their accounts are protected.

pub mod alerts;
pub mod email_change;
pub mod password;
pub mod registration;
pub mod sign_in;
pub mod two_factor;
