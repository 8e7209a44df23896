//! Closing and reopening remote access of a plant.

mod actions;

pub use actions::{close, reopen};
