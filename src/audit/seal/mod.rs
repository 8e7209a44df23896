//! Adds committed events to the tree, and signs it.

pub mod actions;
pub mod outside;
pub mod store;
pub mod worker;
