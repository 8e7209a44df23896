//! The page of a plant: what it is, its devices, and who can reach it.

pub mod api;
mod close_dialog;
mod devices;
pub mod load;
mod locator;
pub mod page;
mod reach;
mod store;
