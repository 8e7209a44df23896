//! Secrets, encryption, password hashing and one-time tokens.

pub mod hasher;
pub mod keyring;
pub mod one_time_tokens;
pub mod secret;
